"""Identity on each of its databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection, connect
from feira.chassis.postgres.reading import Reader
from feira.kernel.ids import Ids
from feira.services.identity.adapters.memory import MemoryTables
from feira.services.identity.adapters.postgres.address_books import decode
from feira.services.identity.adapters.postgres.queries import PostgresIdentityQueries
from feira.services.identity.adapters.postgres.sessions import COLUMNS, session_from
from feira.services.identity.adapters.postgres.unit_of_work import PostgresIdentityUnitOfWork
from feira.services.identity.adapters.postgres.users import USER_COLUMNS, user_from
from feira.services.identity.application.ports import IdentityUnitOfWork
from feira.services.identity.domain.address_book import AddressBook
from feira.services.identity.domain.attempts import Attempts
from tests.postgres import PostgresServer
from tests.unit.identity.world import World, in_memory


@pytest.fixture
async def dsn(postgres_server: PostgresServer) -> str:
    return await postgres_server.fresh_database("identity")


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[Connection]:
    connection = await connect(dsn, "test")
    yield connection
    await connection.close()


@pytest.fixture
async def postgres_world(dsn: str, connection: Connection) -> AsyncIterator[World]:
    reader = Reader(dsn, "test")
    yield world_on(connection, reader)
    await reader.close()


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return in_memory()
    found: World = request.getfixturevalue("postgres_world")
    return found


def world_on(connection: Connection, reader: Reader) -> World:
    @asynccontextmanager
    async def begin(outbox: Outbox, ids: Ids, now: datetime) -> AsyncIterator[IdentityUnitOfWork]:
        async with connection.transaction():
            yield PostgresIdentityUnitOfWork(connection, outbox, ids, now)

    return World(begin, lambda: tables_of(connection), PostgresIdentityQueries(reader))


async def tables_of(connection: Connection) -> MemoryTables:
    """Everything that is in the database."""
    users = map(user_from, await connection.fetch(f"SELECT {USER_COLUMNS} FROM users"))
    sessions = map(session_from, await connection.fetch(f"SELECT {COLUMNS} FROM session"))
    tokens = await connection.fetch("SELECT hash, session_id FROM refresh_token")
    attempts = await connection.fetch("SELECT email, empty_at FROM login_attempts")
    books = await connection.fetch("SELECT user_id, addresses FROM address_book")
    return MemoryTables(
        {user.id: user for user in users},
        {session.id: session for session in sessions},
        {row[0]: str(row[1]) for row in tokens},
        {row[0]: Attempts(*row) for row in attempts},
        {row[0]: AddressBook(row[0], decode(row[1])) for row in books},
    )
