"""The catalog on each of its databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection, connect
from feira.chassis.postgres.reading import Reader
from feira.kernel.ids import Ids
from feira.services.catalog.adapters.memory import MemoryCatalog
from feira.services.catalog.adapters.postgres.categories import ALL
from feira.services.catalog.adapters.postgres.products import COLUMNS, product_from
from feira.services.catalog.adapters.postgres.queries import PostgresCatalogQueries
from feira.services.catalog.adapters.postgres.unit_of_work import postgres_unit_of_work
from feira.services.catalog.adapters.unit_of_work import RowsUnitOfWork
from feira.services.catalog.application.ports import StockLevel
from feira.services.catalog.domain.category import Category
from tests.postgres import PostgresServer
from tests.unit.catalog.world import World, in_memory


@pytest.fixture
async def dsn(postgres_server: PostgresServer) -> str:
    return await postgres_server.fresh_database("catalog")


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[Connection]:
    connection = await connect(dsn, "test")
    yield connection
    await connection.close()


@pytest.fixture
async def postgres_world(dsn: str, connection: Connection) -> AsyncIterator[World]:
    @asynccontextmanager
    async def begin(outbox: Outbox, ids: Ids, now: datetime) -> AsyncIterator[RowsUnitOfWork]:
        async with connection.transaction():
            yield postgres_unit_of_work(connection, outbox, ids, now)

    reader = Reader(dsn, "test")
    yield World(begin, lambda: catalog_of(connection), PostgresCatalogQueries(reader))
    await reader.close()


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return in_memory()
    found: World = request.getfixturevalue("postgres_world")
    return found


async def catalog_of(connection: Connection) -> MemoryCatalog:
    """Everything that is in the database."""
    products = map(product_from, await connection.fetch(f"SELECT {COLUMNS} FROM product"))
    categories = [Category(*row) for row in await connection.fetch(ALL)]
    levels = await connection.fetch("SELECT product_id, available, version FROM stock_level")
    return MemoryCatalog(
        {product.id: product for product in products},
        {category.id: category for category in categories},
        {row[0]: StockLevel(*row) for row in levels},
        {row[0]: row[1] for row in await connection.fetch("SELECT 0, position FROM announcement")},
    )
