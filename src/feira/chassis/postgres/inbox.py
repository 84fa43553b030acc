"""The inbox in SQL: effects happen once because of unique constraints, not of an `if exists`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention, DeadLetter, StoredAnswer
from feira.chassis.work import Answer, IdempotencyKey

CLAIM: Final = """
WITH claimed AS (
    INSERT INTO inbox (id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING id
)
SELECT claimed.id, part.position
FROM claimed LEFT JOIN inbox_part AS part ON part.envelope_id = claimed.id
"""
CLAIM_MARKER: Final = "INSERT INTO inbox (id) VALUES ($1)"
CLAIM_PARTS: Final = """
INSERT INTO inbox_part (envelope_id, position)
SELECT part.envelope_id, part.position
FROM unnest($1::uuid[], $2::integer[]) AS part (envelope_id, position)
WHERE NOT EXISTS (SELECT FROM inbox WHERE inbox.id = part.envelope_id)
ON CONFLICT DO NOTHING
RETURNING envelope_id, position
"""
ANSWERS: Final = """
SELECT caller, key, fingerprint, status, content_type, body
FROM idempotency
JOIN unnest($1::text[], $2::text[]) AS asked (caller, key) USING (caller, key)
"""
REMEMBERED_COLUMNS: Final = ("caller", "key", "fingerprint", "status", "content_type", "body")
BURY: Final = """
INSERT INTO dead_letter (message_id, topic, type, body, error)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[])
"""
COMMITTED: Final = "SELECT EXISTS (SELECT FROM inbox WHERE id = $1)"


class PostgresInbox:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(
        self, marker: UUID, envelope_ids: Sequence[UUID]
    ) -> Mapping[UUID, Collection[int]]:
        if not envelope_ids:
            await self._connection.execute(CLAIM_MARKER, marker)
            return {}
        rows = await self._connection.fetch(CLAIM, [marker, *envelope_ids])
        claimed: dict[UUID, set[int]] = {}
        for envelope_id, position in rows:
            positions = claimed.setdefault(envelope_id, set())
            if position is not None:
                positions.add(position)
        claimed.pop(marker)
        return claimed

    async def claim_parts(
        self, marker: UUID, parts: Sequence[tuple[UUID, int]]
    ) -> Collection[tuple[UUID, int]]:
        await self._connection.execute(CLAIM_MARKER, marker)
        rows = await self._connection.fetch(
            CLAIM_PARTS, [envelope_id for envelope_id, _ in parts], [at for _, at in parts]
        )
        return [(row[0], row[1]) for row in rows]

    async def answers(
        self, keys: Sequence[IdempotencyKey]
    ) -> Mapping[tuple[str, str], StoredAnswer]:
        rows = await self._connection.fetch(
            ANSWERS, [key.caller for key in keys], [key.key for key in keys]
        )
        return {
            (caller, key): StoredAnswer(fingerprint, Answer(status, body, content_type))
            for caller, key, fingerprint, status, content_type, body in rows
        }

    async def remember(self, answers: Sequence[tuple[IdempotencyKey, Answer]]) -> None:
        if not answers:
            return
        try:
            await self._connection.copy_records_to_table(
                "idempotency",
                columns=REMEMBERED_COLUMNS,
                records=[
                    (
                        *(key.caller, key.key, key.fingerprint),
                        *(answer.status, answer.content_type, answer.body),
                    )
                    for key, answer in answers
                ],
            )
        except asyncpg.UniqueViolationError as error:
            raise Contention("an idempotency key was answered by another process") from error

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            await self._connection.execute(
                BURY,
                [letter.message_id for letter in letters],
                [letter.topic for letter in letters],
                [letter.type for letter in letters],
                [letter.body for letter in letters],
                [letter.error for letter in letters],
            )
