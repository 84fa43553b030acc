"""The orchestrator on each of its databases."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from feira.chassis.postgres.outbox_reader import PostgresOutboxReader
from feira.chassis.postgres.reading import Reader
from feira.chassis.postgres.store import PostgresStore
from feira.chassis.transports.port import Envelope
from feira.contracts.message import Message
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from feira.services.orchestrator.adapters.postgres.queries import PostgresSagaQueries
from feira.services.orchestrator.adapters.postgres.unit_of_work import holding_for
from feira.services.orchestrator.application.ports import SagaQueries
from feira.services.orchestrator.domain.purchase_saga import Saga
from tests.batches import PARTITIONS, Batches, told_in
from tests.postgres import PostgresServer
from tests.unit.orchestrator.sagas import START
from tests.unit.orchestrator.world import HOLD, USE_CASES
from tests.unit.orchestrator.world import World as MemoryWorld


@dataclass
class World:
    """A database; each process has a shelf of its own."""

    process: Callable[[], Batches]
    envelopes: Callable[[], Awaitable[Sequence[Envelope]]]
    queries: SagaQueries
    clock: ManualClock
    batches: Batches = field(init=False)

    def __post_init__(self) -> None:
        self.batches = self.process()

    async def saga(self, order_id: int) -> Saga:
        found = await self.queries.get(order_id)
        assert found is not None
        return found

    async def told(self, about: int) -> list[Message]:
        found = [told.message for told in told_in(await self.envelopes())]
        return [message for message in found if message.key == str(about)]


@pytest.fixture
async def postgres_world(postgres_server: PostgresServer) -> AsyncIterator[World]:
    dsn = await postgres_server.fresh_database("orchestrator")
    clock, opened = ManualClock(START), list[Any]()

    def process() -> Batches:
        ids = Ids(ManualClock(START))
        store = PostgresStore(
            dsn, "orchestrator", holding_for(HOLD), ids=ids, clock=clock, partitions=PARTITIONS
        )
        opened.append(store)
        return Batches(store, USE_CASES, ids)

    reader, outbox = Reader(dsn, "orchestrator"), PostgresOutboxReader(dsn, "orchestrator")

    async def envelopes() -> Sequence[Envelope]:
        return (await outbox.unpublished(100_000))[1]

    yield World(process, envelopes, PostgresSagaQueries(reader), clock)
    for one in (*opened, reader, outbox):
        await one.close()


def memory_world() -> World:
    world = MemoryWorld()

    async def envelopes() -> Sequence[Envelope]:
        return list(world.database.chassis.outbox.values())

    return World(world.process, envelopes, world.database.tables, world.clock)


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return memory_world()
    found: World = request.getfixturevalue("postgres_world")
    return found
