"""The store tells the unit of work when, and only when, its transaction is durable."""

from collections.abc import AsyncIterator
from typing import Any, cast

import asyncpg
import pytest

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection
from feira.chassis.postgres.store import PostgresStore
from feira.chassis.store import CommitUnknown
from feira.kernel.clock import SystemClock
from feira.kernel.errors import Unavailable
from feira.kernel.ids import Ids
from tests.postgres import PostgresServer


class Told:
    """A unit of work that runs statements and notes what it is told."""

    def __init__(self, connection: Connection, outbox: Outbox, ids: Ids, now: Any) -> None:
        self.connection = connection
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.commits = 0

    async def flush(self) -> None:
        pass

    def committed(self) -> None:
        self.commits += 1


@pytest.fixture
async def store(postgres_server: PostgresServer) -> AsyncIterator[PostgresStore[Told]]:
    dsn = await postgres_server.fresh_database("orders")
    store = PostgresStore(dsn, "orders", Told, ids=Ids(), clock=SystemClock(), partitions=1)
    yield store
    await store.close()


async def test_it_is_told_once_after_the_commit(store: PostgresStore[Told]) -> None:
    async with store.begin() as transaction:
        await transaction.uow.connection.execute("SELECT 1")
        assert transaction.uow.commits == 0
    assert transaction.uow.commits == 1


async def test_it_is_not_told_of_a_rollback(store: PostgresStore[Told]) -> None:
    with pytest.raises(KeyError):
        async with store.begin() as transaction:
            raise KeyError("a bug")
    assert transaction.uow.commits == 0


async def test_a_connection_that_cannot_roll_back_is_given_up(store: PostgresStore[Told]) -> None:
    broken: list[Connection] = []

    async def break_off() -> None:
        async with store.begin() as transaction:
            broken.append(transaction.uow.connection)
            transaction.uow.connection.terminate()
            raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        await break_off()
    async with store.begin() as again:
        assert again.uow.connection not in broken
    assert again.uow.commits == 1


async def test_it_is_not_told_of_a_commit_that_fails(store: PostgresStore[Told]) -> None:
    create = "CREATE TABLE t (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
    async with store.begin() as transaction:
        await transaction.uow.connection.execute(create)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with store.begin() as transaction:
            await transaction.uow.connection.execute("INSERT INTO t VALUES (1), (1)")
    assert transaction.uow.commits == 0


async def test_it_is_not_told_of_a_commit_whose_answer_was_lost(
    store: PostgresStore[Told],
) -> None:
    with pytest.raises(CommitUnknown):
        async with store.begin() as transaction:
            transaction.uow.connection.terminate()
    assert transaction.uow.commits == 0
    async with store.begin() as transaction:  # and the store goes on with a new connection
        await transaction.uow.connection.execute("SELECT 1")
    assert transaction.uow.commits == 1


async def test_a_connection_that_broke_unnoticed_is_replaced(store: PostgresStore[Told]) -> None:
    """The first to know is the transaction that cannot even begin."""
    store._connection = cast("Connection", Broken())
    with pytest.raises(Unavailable):
        async with store.begin():
            raise AssertionError("a transaction without a connection")
    async with store.begin() as transaction:
        assert await transaction.uow.connection.fetchval("SELECT 1") == 1


class Broken:
    """A connection whose other side is gone, which it does not know yet."""

    def is_closed(self) -> bool:
        return False

    def transaction(self) -> "Broken":
        return self

    async def start(self) -> None:
        raise ConnectionResetError("the server is gone")

    def terminate(self) -> None:
        pass
