"""Reading users and what belongs to them."""

from collections.abc import Mapping
from typing import Final

from feira.chassis.postgres.reading import Reader
from feira.services.identity.adapters.postgres.address_books import decode
from feira.services.identity.adapters.postgres.users import USER_COLUMNS, user_from
from feira.services.identity.application.ports import Credentials
from feira.services.identity.domain.address_book import Address
from feira.services.identity.domain.user import User

CREDENTIALS: Final = """
SELECT email, users.id, users.password_hash, login_attempts.empty_at
FROM (SELECT $1::text AS email) AS asked
LEFT JOIN users USING (email) LEFT JOIN login_attempts USING (email)
"""
CREDENTIALS_OF: Final = """
SELECT email, users.id, users.password_hash, login_attempts.empty_at
FROM users LEFT JOIN login_attempts USING (email) WHERE users.id = $1
"""
USER: Final = f"SELECT {USER_COLUMNS} FROM users WHERE id = $1"
ADDRESSES: Final = "SELECT addresses FROM address_book WHERE user_id = $1"


class PostgresIdentityQueries:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def credentials(self, email: str) -> Credentials:
        async with self._reader.connection() as connection:
            row = await connection.fetchrow(CREDENTIALS, email)
        assert row is not None, "an outer join to one row gives one"
        return Credentials(*row)

    async def credentials_of(self, user_id: int) -> Credentials | None:
        async with self._reader.connection() as connection:
            row = await connection.fetchrow(CREDENTIALS_OF, user_id)
        return Credentials(*row) if row else None

    async def user(self, user_id: int) -> User | None:
        async with self._reader.connection() as connection:
            row = await connection.fetchrow(USER, user_id)
        return user_from(row) if row else None

    async def addresses(self, user_id: int) -> Mapping[int, Address]:
        async with self._reader.connection() as connection:
            addresses = await connection.fetchval(ADDRESSES, user_id)
        return decode(addresses) if addresses else {}
