"""Address books: a JSON document a user, under the lock of the user's row."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from feira.chassis.postgres.connection import Connection
from feira.services.identity.adapters.postgres.users import PostgresUsers
from feira.services.identity.domain.address_book import Address, AddressBook

LOAD: Final = "SELECT user_id, addresses FROM address_book WHERE user_id = ANY($1::bigint[])"
PUT: Final = """
INSERT INTO address_book (user_id, addresses) SELECT * FROM unnest($1::bigint[], $2::json[])
ON CONFLICT (user_id) DO UPDATE SET addresses = EXCLUDED.addresses
"""

encode: Final = msgspec.json.Encoder().encode
decode: Final = msgspec.json.Decoder(dict[int, Address]).decode


class PostgresAddressBooks:
    def __init__(self, connection: Connection, users: PostgresUsers) -> None:
        self._connection = connection
        self._users = users
        self._loaded: dict[int, AddressBook] = {}
        self._changed: dict[int, AddressBook] = {}

    async def get_many_for_update(self, user_ids: Iterable[int]) -> Mapping[int, AddressBook]:
        missing = set(user_ids) - self._loaded.keys()
        if missing:
            # Locked first, by a statement of its own: the next one then sees what was written by
            # whoever held the lock before.
            users = await self._users.get_many_for_update(missing)
            rows = await self._connection.fetch(LOAD, list(missing))
            self._loaded |= {user_id: AddressBook(user_id) for user_id in missing & users.keys()}
            self._loaded |= {row[0]: AddressBook(row[0], decode(row[1])) for row in rows}
        return self._loaded

    def save_many(self, books: Iterable[AddressBook]) -> None:
        self._changed |= {book.user_id: book for book in books}

    async def flush(self) -> None:
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        documents = [encode(book.addresses).decode() for book in changed.values()]
        await self._connection.execute(PUT, list(changed), documents)
