"""Inventory on each of its databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection, connect
from feira.chassis.postgres.reading import Reader
from feira.kernel.ids import Ids
from feira.services.inventory.adapters.memory import MemoryInventory
from feira.services.inventory.adapters.postgres.allotments import COLUMNS as ALLOTMENT_COLUMNS
from feira.services.inventory.adapters.postgres.queries import PostgresStockQueries
from feira.services.inventory.adapters.postgres.reservations import COLUMNS, reservation_from
from feira.services.inventory.adapters.postgres.unit_of_work import units_of_work
from feira.services.inventory.adapters.unit_of_work import RowsUnitOfWork
from feira.services.inventory.domain.allotment import Allotment
from feira.services.inventory.domain.stock import Movement, MovementKind, StockItem
from tests.adapters.inventory.process import Process
from tests.postgres import PostgresServer
from tests.unit.inventory.world import World, in_memory

ITEM_COLUMNS = "product_id, on_hand, reserved, version, allotted"


@pytest.fixture
async def dsn(postgres_server: PostgresServer) -> str:
    return await postgres_server.fresh_database("inventory")


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[Connection]:
    connection = await connect(dsn, "test")
    yield connection
    await connection.close()


@pytest.fixture
def process(connection: Connection) -> Process:
    return Process(connection)


@pytest.fixture
async def other(dsn: str) -> AsyncIterator[Process]:
    connection = await connect(dsn, "another-process")
    yield Process(connection)
    await connection.close()


@pytest.fixture
async def postgres_world(dsn: str, connection: Connection) -> AsyncIterator[World]:
    make_uow = units_of_work()

    @asynccontextmanager
    async def begin(outbox: Outbox, ids: Ids, now: datetime) -> AsyncIterator[RowsUnitOfWork]:
        async with connection.transaction():
            yield make_uow(connection, outbox, ids, now)

    reader = Reader(dsn, "test")
    yield World(begin, lambda: books_of(connection), PostgresStockQueries(reader))
    await reader.close()


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return in_memory()
    found: World = request.getfixturevalue("postgres_world")
    return found


async def books_of(connection: Connection) -> MemoryInventory:
    """Everything that is in the database."""
    reservations = map(
        reservation_from, await connection.fetch(f"SELECT {COLUMNS} FROM reservation")
    )
    items = await connection.fetch(f"SELECT {ITEM_COLUMNS} FROM stock_item")
    set_aside = await connection.fetch(f"SELECT {ALLOTMENT_COLUMNS} FROM allotment")
    movements = await connection.fetch(
        "SELECT id, product_id, kind, quantity, reason, reference, at FROM movement ORDER BY id"
    )
    return MemoryInventory(
        {reservation.order_id: reservation for reservation in reservations},
        {row[0]: StockItem(*row) for row in items},
        {row[:2]: Movement(row[0], row[1], MovementKind(row[2]), *row[3:]) for row in movements},
        {row[0]: row[1] for row in await connection.fetch("SELECT 0, position FROM announcement")},
        {row[0]: Allotment(*row) for row in set_aside},
    )
