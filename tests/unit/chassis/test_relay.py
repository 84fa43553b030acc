"""The relay: everything committed reaches the broker, in order, and none is forgotten."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from feira.chassis import relay as relay_module
from feira.chassis.memory.outbox_reader import MemoryOutboxReader
from feira.chassis.relay import ENVELOPES_AT_ONCE_MAX, Relay
from feira.chassis.telemetry.metrics import RelayMetrics
from feira.chassis.transports.port import Envelope
from feira.kernel.errors import Unavailable
from tests.eventually import eventually
from tests.unit.chassis.jars import Process, PutSweets, messages_in, running


class Broker:
    """Keeps what is published. While it is down, or a while after, it does not answer."""

    partitions = 4

    def __init__(self) -> None:
        self.published: list[Envelope] = []
        self.is_down = False
        self.unanswered = 0
        self.epochs = "first"

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        if self.is_down:
            raise Unavailable("the broker is down")
        self.published += envelopes
        if self.unanswered:
            self.unanswered -= 1
            raise Unavailable("it has arrived, but nobody was told")

    async def epoch(self) -> str:
        if self.is_down:
            raise Unavailable("the broker is down")
        return self.epochs

    @property
    def order(self) -> list[int]:
        return [data["sweets"] for _, data in messages_in(self.published)]


class World:
    def __init__(self) -> None:
        self.broker = Broker()
        self.process = Process()
        self.reader = MemoryOutboxReader(self.process.database)
        self.times_lost = 0
        self.relay = self.new_relay(self.reader)

    def new_relay(self, reader: MemoryOutboxReader) -> Relay:
        async def broker_lost() -> None:
            self.times_lost += 1

        broker: Any = self.broker
        metrics = RelayMetrics.for_service("jars")
        relay = Relay("jars", reader, broker, metrics, broker_lost)
        self.process.on_commit = relay.wake
        return relay

    async def commit(self, *counts: int) -> None:
        """One transaction, and one envelope, a count."""
        for _ in counts:
            await self.process.ask(PutSweets(jar_id=1))

    async def published(self, count: int) -> None:
        async def there() -> bool:
            return len(self.broker.order) >= count and not self.process.outbox

        await eventually(there, what=f"{count} are published")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(relay_module, "EPOCH_CHECK_SECONDS", 0.01)
    monkeypatch.setattr(relay_module, "RETRY_WAIT_SECONDS_MAX", 0.02)


async def test_what_is_committed_is_published_in_order_and_then_deleted() -> None:
    world = World()
    async with running(world.process.lane.run()), running(world.relay.run()):
        await world.commit(*range(20))
        await world.published(20)
    assert world.broker.order == list(range(1, 21))


async def test_a_backlog_is_worked_off_without_waiting() -> None:
    world = World()
    count = 2 * ENVELOPES_AT_ONCE_MAX + 5
    async with running(world.process.lane.run()):
        await world.commit(*range(count))
        async with running(world.relay.run()):
            await world.published(count)
    assert world.broker.order == list(range(1, count + 1))


async def test_a_broker_that_is_down_only_delays() -> None:
    world = World()
    world.broker.is_down = True
    async with running(world.process.lane.run()), running(world.relay.run()):
        await world.commit(1, 2, 3)
        await asyncio.sleep(0.1)
        assert len(world.process.outbox) == 3
        world.broker.is_down = False
        await world.published(3)
    assert world.broker.order == [1, 2, 3]


async def test_what_was_not_confirmed_is_published_again_with_the_same_ids() -> None:
    world = World()
    world.broker.unanswered = 1
    async with running(world.process.lane.run()):
        await world.commit(1, 2)
        async with running(world.relay.run()):
            await world.published(4)
    assert world.broker.order == [1, 2, 1, 2]
    assert len({envelope.id for envelope in world.broker.published}) == 2


async def test_a_crash_between_publishing_and_deleting_publishes_again() -> None:
    world = World()

    class Crash(BaseException):
        pass

    class Dying(MemoryOutboxReader):
        async def delete(self, row_ids: list[int]) -> None:
            raise Crash

    async with running(world.process.lane.run()):
        await world.commit(1)
        dying = Dying(world.process.database)
        with pytest.raises(Crash):
            await world.new_relay(dying).run()
        await dying.close()
        async with running(world.new_relay(world.reader).run()):
            await world.published(2)
    assert world.broker.order == [1, 1]
    assert len({envelope.id for envelope in world.broker.published}) == 1


async def test_one_relay_at_a_time_and_the_next_takes_over() -> None:
    world = World()
    leading, waiting = MemoryOutboxReader(world.process.database), world.reader
    assert await leading.lead()
    async with running(world.process.lane.run()), running(world.new_relay(waiting).run()):
        await world.commit(1)
        await asyncio.sleep(0.1)
        assert world.broker.order == []
        await leading.close()
        await world.published(1)


async def test_a_new_epoch_is_met_by_saying_all_again_and_then_remembered() -> None:
    world = World()
    async with running(world.relay.run()):

        async def remembered() -> bool:
            return await world.reader.known_epoch() == world.broker.epochs

        await eventually(remembered)
        assert world.times_lost == 0  # the first epoch is no loss
        world.broker.epochs = "second"
        await eventually(remembered)
        await asyncio.sleep(0.1)
    assert world.times_lost == 1


async def test_an_epoch_is_not_remembered_before_all_is_said_again() -> None:
    """Or else a crash in between would lose what still matters."""
    world = World()
    await world.reader.remember_epoch("an older one")
    failures = 2

    async def broker_lost() -> None:
        nonlocal failures
        assert await world.reader.known_epoch() == "an older one"
        if failures:
            failures -= 1
            raise Unavailable("the lane does not answer")
        world.times_lost += 1

    world.relay._on_broker_lost = broker_lost
    async with running(world.relay.run()):

        async def remembered() -> bool:
            return await world.reader.known_epoch() == "first"

        await eventually(remembered)
    assert world.times_lost == 1
