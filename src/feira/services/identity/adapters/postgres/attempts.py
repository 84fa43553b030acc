"""Failed logins by e-mail address: only those that are not forgiven yet have a row."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.identity.domain.attempts import Attempts

LOAD: Final = """
SELECT email, empty_at FROM login_attempts
WHERE email = ANY($1::text[]) ORDER BY email FOR UPDATE
"""
INSERT: Final = """
INSERT INTO login_attempts (email, empty_at) SELECT * FROM unnest($1::text[], $2::timestamptz[])
"""
UPDATE: Final = """
UPDATE login_attempts SET empty_at = new.empty_at
FROM unnest($1::text[], $2::timestamptz[]) AS new (email, empty_at)
WHERE login_attempts.email = new.email
"""
DELETE: Final = "DELETE FROM login_attempts WHERE email = ANY($1::text[])"
FORGET: Final = """
DELETE FROM login_attempts WHERE email IN (
    SELECT email FROM login_attempts WHERE empty_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING email
"""


class PostgresAttempts:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._loaded: dict[str, Attempts] = {}
        self._stored: set[str] = set()
        self._changed: dict[str, Attempts] = {}

    async def get_many_for_update(self, emails: Iterable[str]) -> Mapping[str, Attempts]:
        missing = set(emails) - self._loaded.keys()
        if missing:
            rows = await self._connection.fetch(LOAD, list(missing))
            self._stored |= {row[0] for row in rows}
            self._loaded |= {email: Attempts(email, self._now) for email in missing}
            self._loaded |= {row[0]: Attempts(*row) for row in rows}
        return self._loaded

    def save_many(self, attempts: Iterable[Attempts]) -> None:
        self._changed |= {a.email: a for a in attempts}

    async def forget(self, *, empty_before: datetime, attempts_max: int) -> int:
        await self.flush()
        rows = await self._connection.fetch(FORGET, empty_before, attempts_max)
        self._stored -= {row[0] for row in rows}
        return len(rows)

    async def flush(self) -> None:
        changed, self._changed = self._changed.values(), {}
        kept = [a for a in changed if a.empty_at > self._now]
        await self._insert([a for a in kept if a.email not in self._stored])
        await self._update([a for a in kept if a.email in self._stored])
        await self._delete({a.email for a in changed if a.empty_at <= self._now} & self._stored)
        self._stored |= {a.email for a in kept}

    async def _insert(self, attempts: Sequence[Attempts]) -> None:
        if attempts:
            try:
                await self._connection.execute(INSERT, *_columns(attempts))
            except asyncpg.UniqueViolationError as error:
                raise Contention("another process counts failures of this address") from error

    async def _update(self, attempts: Sequence[Attempts]) -> None:
        if attempts:
            await self._connection.execute(UPDATE, *_columns(attempts))

    async def _delete(self, emails: set[str]) -> None:
        if emails:
            await self._connection.execute(DELETE, list(emails))
            self._stored -= emails


def _columns(attempts: Sequence[Attempts]) -> tuple[list[str], list[datetime]]:
    return [a.email for a in attempts], [a.empty_at for a in attempts]
