"""Dead letters in SQL."""

from collections.abc import Sequence
from typing import Any, Final

from feira.chassis.dead_letters import (
    BODY_SHOWN_BYTES_MAX,
    BuriedLetter,
    no_letter,
    redrive_topic,
    sent_again,
)
from feira.chassis.postgres.connection import ReadConnection, connect
from feira.chassis.postgres.errors import translated
from feira.chassis.postgres.reading import Reader
from feira.kernel.clock import Clock
from feira.kernel.errors import Refused
from feira.kernel.ids import Ids

LIST: Final = f"""
SELECT id, message_id, topic, type, error, buried_at, redriven_at,
    substring(body FOR {BODY_SHOWN_BYTES_MAX})
FROM dead_letter
WHERE redriven_at IS NULL OR $1
ORDER BY id DESC LIMIT $2
"""
TAKE: Final = """
UPDATE dead_letter SET redriven_at = now() WHERE id = $1
RETURNING message_id, type, body
"""
SEND_AGAIN: Final = """
INSERT INTO outbox (envelope_id, topic, partition, body, events) VALUES ($1, $2, 0, $3, 1)
"""


async def list_dead_letters(
    connection: ReadConnection, *, letters_max: int = 100, also_redriven: bool = False
) -> list[BuriedLetter]:
    """The newest first."""
    rows = await connection.fetch(LIST, also_redriven, letters_max)
    return [_letter(row) for row in rows]


def _letter(row: Any) -> BuriedLetter:
    return BuriedLetter(
        id=row[0],
        message_id=row[1],
        topic=row[2],
        type=row[3],
        error=row[4],
        buried_at=row[5],
        redriven_at=row[6],
        body=row[7].decode(errors="replace"),
    )


async def redrive(
    dsn: str, service: str, letter_id: int, clock: Clock, ids: Ids | None = None
) -> Refused | None:
    """Send a dead letter to its service once more. Raises `Unavailable`."""
    connection = await connect(dsn, f"feira-{service}-redrive")
    ids = ids or Ids(clock)
    try:
        async with translated(), connection.transaction():
            row = await connection.fetchrow(TAKE, letter_id)
            if row is None:
                return no_letter(letter_id)
            message_id, message_type, buried = row
            body = sent_again(service, message_id, message_type, buried, ids, clock)
            await connection.execute(SEND_AGAIN, ids.uuid7(), redrive_topic(service), body)
    finally:
        await connection.close()
    return None


class PostgresDeadLetters:
    """The dead letters of one service, as the chassis asks for them."""

    def __init__(self, dsn: str, service: str, ids: Ids, clock: Clock, reader: Reader) -> None:
        self._dsn = dsn
        self._service = service
        self._ids = ids
        self._clock = clock
        self._reader = reader

    async def newest(self, *, letters_max: int, also_redriven: bool) -> Sequence[BuriedLetter]:
        async with self._reader.connection() as connection:
            return await list_dead_letters(
                connection, letters_max=letters_max, also_redriven=also_redriven
            )

    async def redrive(self, letter_id: int) -> Refused | None:
        return await redrive(self._dsn, self._service, letter_id, self._clock, self._ids)
