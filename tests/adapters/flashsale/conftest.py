"""Flash sales on each of their databases."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from feira.chassis.postgres.connection import Connection, connect
from feira.chassis.postgres.outbox_reader import PostgresOutboxReader
from feira.chassis.postgres.reading import Reader
from feira.chassis.postgres.store import PostgresStore
from feira.chassis.transports.port import Envelope
from feira.contracts.flashsale import WORKERS_OF_FLASHSALE
from feira.contracts.message import Message
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from feira.services.flashsale.adapters.postgres.queries import PostgresFlashSaleQueries
from feira.services.flashsale.adapters.postgres.unit_of_work import units_of_work
from feira.services.flashsale.application.ports import FlashSaleQueries
from feira.services.flashsale.domain.drop import Drop
from tests.batches import PARTITIONS, Batches, told_in
from tests.postgres import PostgresServer
from tests.unit.flashsale.world import (
    PREPARE,
    START,
    USE_CASES,
    set_aside,
    starting,
)
from tests.unit.flashsale.world import World as MemoryWorld


@dataclass
class World:
    """A database, and processes over it."""

    process: Callable[[], Batches]
    envelopes: Callable[[], Awaitable[Sequence[Envelope]]]
    queries: FlashSaleQueries
    clock: ManualClock
    batches: Batches = field(init=False)

    def __post_init__(self) -> None:
        self.batches = self.process()

    async def open_drop(self, units: int = 3, **more: Any) -> int:
        """The id of a drop that is open with so many units."""
        campaign = await self.batches.do_one(starting(units, **more))
        await self.batches.do(set_aside(campaign.id, units))
        return int(campaign.id)

    async def drop(self, sale_id: int) -> Drop:
        found = await self.queries.get(sale_id)
        assert found is not None
        return found

    async def told(self) -> list[Message]:
        return [told.message for told in told_in(await self.envelopes())]


@pytest.fixture
async def dsn(postgres_server: PostgresServer) -> str:
    return await postgres_server.fresh_database("flashsale")


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[Connection]:
    connection = await connect(dsn, "test")
    yield connection
    await connection.close()


@pytest.fixture
async def postgres_world(dsn: str) -> AsyncIterator[World]:
    clock, opened = ManualClock(START), list[Any]()

    def process() -> Batches:
        ids = Ids(ManualClock(START), workers=WORKERS_OF_FLASHSALE)
        store = PostgresStore(
            dsn, "flashsale", units_of_work(PREPARE), ids=ids, clock=clock, partitions=PARTITIONS
        )
        opened.append(store)
        return Batches(store, USE_CASES, ids)

    reader, outbox = Reader(dsn, "flashsale"), PostgresOutboxReader(dsn, "flashsale")

    async def envelopes() -> Sequence[Envelope]:
        return (await outbox.unpublished(100_000))[1]

    yield World(process, envelopes, PostgresFlashSaleQueries(reader), clock)
    for one in (*opened, reader, outbox):
        await one.close()


@pytest.fixture
def memory_world() -> World:
    world = MemoryWorld()

    async def envelopes() -> Sequence[Envelope]:
        return list(world.database.chassis.outbox.values())

    return World(world.process, envelopes, world.tables, world.clock)


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(f"{request.param}_world")
    return found
