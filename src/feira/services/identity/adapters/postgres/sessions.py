"""The sessions of one transaction, with the refresh tokens they issue."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from feira.chassis.postgres.connection import Connection
from feira.services.identity.adapters.postgres.users import PostgresUsers
from feira.services.identity.domain.session import Session
from feira.services.identity.domain.user import Role

COLUMNS: Final = """
session.id, user_id, role, refresh_hash, created_at, expires_at, rotations, ended_at
"""

LOAD: Final = f"""
SELECT {COLUMNS} FROM session WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE
"""
LOAD_BY_TOKEN: Final = f"""
SELECT {COLUMNS}, token.hash
FROM refresh_token AS token JOIN session ON session.id = token.session_id
WHERE token.hash = ANY($1::bytea[]) ORDER BY session.id FOR UPDATE OF session
"""
LOAD_OF_USERS: Final = f"""
SELECT {COLUMNS} FROM session
WHERE user_id = ANY($1::bigint[]) AND ended_at IS NULL ORDER BY id FOR UPDATE
"""
INSERT: Final = """
INSERT INTO session (
    id, user_id, role, refresh_hash, created_at, expires_at, rotations, ended_at
)
SELECT * FROM unnest(
    $1::uuid[], $2::bigint[], $3::text[], $4::bytea[], $5::timestamptz[], $6::timestamptz[],
    $7::integer[], $8::timestamptz[]
)
"""
UPDATE: Final = """
UPDATE session SET
    refresh_hash = new.refresh_hash, rotations = new.rotations, ended_at = new.ended_at
FROM unnest($1::uuid[], $2::bytea[], $3::integer[], $4::timestamptz[])
    AS new (id, refresh_hash, rotations, ended_at)
WHERE session.id = new.id
"""
ISSUE: Final = """
INSERT INTO refresh_token (hash, session_id) SELECT * FROM unnest($1::bytea[], $2::uuid[])
"""
ENDED: Final = f"""
SELECT {COLUMNS} FROM session WHERE ended_at > $1 ORDER BY ended_at DESC, id DESC LIMIT $2
"""
FORGET: Final = """
DELETE FROM session WHERE id IN (
    SELECT id FROM session WHERE expires_at < $1 OR ended_at < $2 LIMIT $3 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


def session_from(row: Any) -> Session:
    return Session(str(row[0]), row[1], Role(row[2]), *row[3:8])


def inserted(s: Session) -> tuple[Any, ...]:
    return (
        s.id, s.user_id, s.role, s.refresh_hash, s.created_at, s.expires_at, s.rotations, s.ended_at
    )  # fmt: skip


def updated(s: Session) -> tuple[Any, ...]:
    return s.id, s.refresh_hash, s.rotations, s.ended_at


class PostgresSessions:
    """Users are written first: a session belongs to one."""

    def __init__(self, connection: Connection, users: PostgresUsers) -> None:
        self._connection = connection
        self._users = users
        self._by_id: dict[str, Session] = {}
        self._by_token: dict[bytes, Session] = {}
        self._of_user: dict[int, dict[str, Session]] = {}
        self._whole: set[int] = set()
        self._issued: dict[str, bytes] = {}
        self._new: dict[str, Session] = {}
        self._changed: dict[str, Session] = {}
        self._new_tokens: dict[bytes, str] = {}

    async def get_many_for_update(self, session_ids: Iterable[str]) -> Mapping[str, Session]:
        missing = set(session_ids) - self._by_id.keys()
        if missing:
            for row in await self._connection.fetch(LOAD, list(missing)):
                self._keep(row)
        return self._by_id

    async def by_refresh_hash_for_update(self, hashes: Iterable[bytes]) -> Mapping[bytes, Session]:
        missing = set(hashes) - self._by_token.keys()
        if missing:
            for row in await self._connection.fetch(LOAD_BY_TOKEN, list(missing)):
                self._by_token[row["hash"]] = self._keep(row)
        return self._by_token

    async def of_users_for_update(
        self, user_ids: Iterable[int]
    ) -> Mapping[int, Mapping[str, Session]]:
        missing = set(user_ids) - self._whole
        if missing:
            for row in await self._connection.fetch(LOAD_OF_USERS, list(missing)):
                self._keep(row)
            for user_id in missing:
                self._of_user.setdefault(user_id, {})
            self._whole |= missing
        return self._of_user

    def add_many(self, sessions: Iterable[Session]) -> None:
        for session in sessions:
            self._new[session.id] = self._by_id[session.id] = session
            self._of_user.setdefault(session.user_id, {})[session.id] = session
            self._issue(session)

    def save_many(self, sessions: Iterable[Session]) -> None:
        for session in sessions:
            if session.id not in self._new:
                self._changed[session.id] = session
            self._issue(session)

    async def ended_since(self, since: datetime, sessions_max: int) -> Sequence[Session]:
        await self.flush()  # a session that ended earlier in this batch counts
        rows = await self._connection.fetch(ENDED, since, sessions_max)
        return [session_from(row) for row in reversed(rows)]

    async def forget(
        self, *, expired_before: datetime, ended_before: datetime, sessions_max: int
    ) -> int:
        await self.flush()
        rows = await self._connection.fetch(FORGET, expired_before, ended_before, sessions_max)
        for row in rows:
            self._drop(str(row[0]))
        return len(rows)

    async def flush(self) -> None:
        await self._users.flush()
        new, self._new = self._new, {}
        changed, self._changed = self._changed, {}
        tokens, self._new_tokens = self._new_tokens, {}
        if new:
            columns = zip(*map(inserted, new.values()), strict=True)
            await self._connection.execute(INSERT, *map(list, columns))
        if changed:
            columns = zip(*map(updated, changed.values()), strict=True)
            await self._connection.execute(UPDATE, *map(list, columns))
        if tokens:
            await self._connection.execute(ISSUE, list(tokens), list(tokens.values()))

    def _keep(self, row: Any) -> Session:
        """Remember a loaded session; a known one stays as this transaction has it."""
        loaded = session_from(row)
        session = self._by_id.setdefault(loaded.id, loaded)
        self._of_user.setdefault(session.user_id, {})[session.id] = session
        self._issued.setdefault(session.id, loaded.refresh_hash)
        return session

    def _issue(self, session: Session) -> None:
        """Note the session's refresh token where it is a new one."""
        if self._issued.get(session.id) != session.refresh_hash:
            self._issued[session.id] = session.refresh_hash
            self._new_tokens[session.refresh_hash] = session.id
            self._by_token[session.refresh_hash] = session

    def _drop(self, session_id: str) -> None:
        session = self._by_id.pop(session_id, None)
        self._issued.pop(session_id, None)
        if session is not None:
            del self._of_user[session.user_id][session_id]
            self._by_token = {t: s for t, s in self._by_token.items() if s is not session}
