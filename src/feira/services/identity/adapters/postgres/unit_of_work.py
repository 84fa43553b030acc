"""Everything a transaction of identity works with."""

from datetime import datetime

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection
from feira.kernel.ids import Ids
from feira.services.identity.adapters.postgres.address_books import PostgresAddressBooks
from feira.services.identity.adapters.postgres.attempts import PostgresAttempts
from feira.services.identity.adapters.postgres.sessions import PostgresSessions
from feira.services.identity.adapters.postgres.users import PostgresUsers


class PostgresIdentityUnitOfWork:
    def __init__(self, connection: Connection, outbox: Outbox, ids: Ids, now: datetime) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.users = PostgresUsers(connection)
        self.sessions = PostgresSessions(connection, self.users)
        self.attempts = PostgresAttempts(connection, now)
        self.address_books = PostgresAddressBooks(connection, self.users)

    async def flush(self) -> None:
        await self.attempts.flush()
        await self.users.flush()
        await self.sessions.flush()
        await self.address_books.flush()

    def committed(self) -> None:
        """Nothing waits for it."""
