"""The users of one transaction: loaded once, written once, a statement each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.identity.domain.user import Role, User

USER_COLUMNS: Final = "id, email, name, role, password_hash, created_at, phone"

LOAD: Final = f"""
SELECT {USER_COLUMNS} FROM users WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE
"""
LOAD_BY_EMAIL: Final = f"""
SELECT {USER_COLUMNS} FROM users WHERE email = ANY($1::text[]) ORDER BY id FOR UPDATE
"""
INSERT: Final = f"""
INSERT INTO users ({USER_COLUMNS})
SELECT * FROM unnest(
    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[]
)
"""
UPDATE: Final = """
UPDATE users SET
    name = new.name, role = new.role, password_hash = new.password_hash, phone = new.phone
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS new (id, name, role, password_hash, phone)
WHERE users.id = new.id
"""


def user_from(row: Any) -> User:
    return User(row[0], row[1], row[2], Role(row[3]), *row[4:])


class PostgresUsers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._by_id: dict[int, User] = {}
        self._by_email: dict[str, User] = {}
        self._new: dict[int, User] = {}
        self._changed: dict[int, User] = {}

    async def get_many_for_update(self, user_ids: Iterable[int]) -> Mapping[int, User]:
        missing = set(user_ids) - self._by_id.keys()
        if missing:
            self._keep(await self._connection.fetch(LOAD, list(missing)))
        return self._by_id

    async def by_email_for_update(self, emails: Iterable[str]) -> Mapping[str, User]:
        missing = set(emails) - self._by_email.keys()
        if missing:
            self._keep(await self._connection.fetch(LOAD_BY_EMAIL, list(missing)))
        return self._by_email

    def add_many(self, users: Iterable[User]) -> None:
        for user in users:
            self._by_id[user.id] = self._by_email[user.email] = self._new[user.id] = user

    def save_many(self, users: Iterable[User]) -> None:
        for user in users:
            if user.id not in self._new:
                self._changed[user.id] = user

    async def flush(self) -> None:
        new, self._new = self._new.values(), {}
        changed, self._changed = self._changed.values(), {}
        if new:
            await self._insert(new)
        if changed:
            columns = zip(
                *((u.id, u.name, u.role, u.password_hash, u.phone) for u in changed), strict=True
            )
            await self._connection.execute(UPDATE, *map(list, columns))

    async def _insert(self, users: Iterable[User]) -> None:
        columns = zip(
            *(
                (u.id, u.email, u.name, u.role, u.password_hash, u.created_at, u.phone)
                for u in users
            ),
            strict=True,
        )
        try:
            await self._connection.execute(INSERT, *map(list, columns))
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process has registered this user") from error

    def _keep(self, rows: Sequence[object]) -> None:
        """Remember loaded users; one that is known already stays as this transaction has it."""
        for row in rows:
            loaded = user_from(row)
            user = self._by_id.setdefault(loaded.id, loaded)
            self._by_email[user.email] = user
