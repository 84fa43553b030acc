"""The consumer: in order, acknowledged when done, and nothing that is lost on the way."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest

from feira.chassis import consumer as consumer_module
from feira.chassis.consumer import Consumer, Translator, Unreadable, refuse_unreadable
from feira.chassis.lane import LaneLimits
from feira.chassis.outbox import Outbox
from feira.chassis.telemetry.metrics import ConsumerMetrics
from feira.chassis.transports.port import Delivery, Envelope
from feira.chassis.work import Origin
from feira.kernel.errors import Unavailable
from tests.eventually import eventually
from tests.unit.chassis.jars import (
    POISON,
    USE_CASES,
    JarFilled,
    Process,
    PutSweets,
    running,
)


class Log:
    """A broker with one partition and one group; it fails as often as it is told to."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.acknowledged = 0
        self.failures: deque[str] = deque()
        self.subscribed: list[tuple[str, ...]] = []
        self.closed = 0

    async def subscribe(self, _group: str, topics: Sequence[str]) -> "Reading":
        self.fail_on("subscribe")
        self.subscribed.append(tuple(topics))
        return Reading(self)

    def fail_on(self, what: str) -> None:
        if self.failures and self.failures[0] == what:
            self.failures.popleft()
            raise Unavailable(f"simulated: {what}")


class Reading:
    def __init__(self, log: Log) -> None:
        self._log = log
        self._at = log.acknowledged

    async def receive(self) -> Sequence[Delivery]:
        await asyncio.sleep(0.001)
        self._log.fail_on("receive")
        found = self._log.envelopes[self._at : self._at + 3]
        deliveries = [Delivery(e, str(self._at + n)) for n, e in enumerate(found)]
        self._at += len(found)
        return deliveries

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self._log.fail_on("acknowledge")
        positions = [int(delivery.position) for delivery in deliveries]
        assert positions == sorted(positions)
        assert positions[0] <= self._log.acknowledged  # none is passed over
        self._log.acknowledged = max(self._log.acknowledged, positions[-1] + 1)

    async def rewind(self) -> None:
        self._at = self._log.acknowledged

    async def lag_envelopes(self) -> int:
        return len(self._log.envelopes) - self._log.acknowledged

    async def close(self) -> None:
        self._log.closed += 1


class World:
    def __init__(self) -> None:
        self.log = Log()
        self.process = Process(
            limits=LaneLimits(batch_commands_max=20, failed_messages_halting_min=2)
        )
        self.process.lane._runner._use_cases = {**USE_CASES, Unreadable: refuse_unreadable}
        log: Any = self.log
        self.consumer = Consumer(
            "jars",
            self.process.lane,
            log,
            Translator([PutSweets], also_topics=("jars.redrive",)),
            ConsumerMetrics.for_service("jars"),
        )

    def publish(self, *messages: PutSweets | JarFilled) -> None:
        """One envelope."""
        outbox = Outbox("/feira/others", 1, self.process.ids, self.process.clock.now())
        outbox.speak_for([Origin("a-story", "message-0")])
        outbox.tell(messages)
        self.log.envelopes += outbox.envelopes()

    def publish_body(self, body: bytes) -> None:
        self.log.envelopes.append(Envelope(self.process.ids.uuid7(), "jars.commands", 0, body))

    async def all_is_acknowledged(self) -> None:
        async def done() -> bool:
            return self.log.acknowledged == len(self.log.envelopes)

        await eventually(done, what="all is acknowledged")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "HALTED_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(consumer_module, "RETRY_WAIT_SECONDS_MAX", 0.02)


def sweets(jar_id: int, count: int = 1) -> PutSweets:
    return PutSweets(jar_id=jar_id, sweets=count)


async def test_envelopes_are_handled_in_order_and_acknowledged() -> None:
    world = World()
    for jar_id in range(100):
        world.publish(sweets(jar_id), sweets(1000))
    async with running(world.process.lane.run()), running(world.consumer.run()):
        await world.all_is_acknowledged()
    assert list(world.process.sweets) == [0, 1000, *range(1, 100)]
    assert world.process.sweets[1000] == 100
    assert world.log.subscribed == [("jars.commands", "jars.redrive")]


async def test_nothing_is_acknowledged_before_it_is_done() -> None:
    world = World()
    world.publish(sweets(1))
    database = world.process.stop_database()  # the database does not answer
    async with running(world.process.lane.run()), running(world.consumer.run()):
        await asyncio.sleep(0.05)
        assert world.log.acknowledged == 0
        database.started.set()
        await world.all_is_acknowledged()


@pytest.mark.parametrize(
    "failures",
    [["subscribe", "subscribe"], ["receive"], ["acknowledge"], ["receive", "acknowledge"] * 3],
)
async def test_a_broker_in_trouble_delivers_again_and_effects_happen_once(
    failures: list[str],
) -> None:
    world = World()
    world.log.failures.extend(failures)
    for jar_id in range(20):
        world.publish(sweets(jar_id))
    async with running(world.process.lane.run()), running(world.consumer.run()):
        await world.all_is_acknowledged()

        async def all_failed() -> bool:
            world.publish(sweets(99))
            await world.all_is_acknowledged()
            return not world.log.failures

        await eventually(all_failed)
    assert {world.process.sweets[jar_id] for jar_id in range(20)} == {1}


async def test_a_halted_lane_stops_the_consumer_which_goes_on_when_the_cause_is_gone() -> None:
    world = World()
    for jar_id in (1, 2, 3):
        world.publish(sweets(jar_id), sweets(jar_id, POISON), sweets(jar_id, POISON))
    async with running(world.process.lane.run()), running(world.consumer.run()):

        async def halted() -> bool:
            return world.consumer.halted

        await eventually(halted)
        assert world.log.acknowledged == 0
        await eventually(halted)
        use_cases: Any = world.process.lane._runner._use_cases
        use_cases[PutSweets] = heal(use_cases[PutSweets])
        await world.all_is_acknowledged()
        assert not world.consumer.halted
    assert world.process.sweets == {1: 1, 2: 1, 3: 1}
    assert not world.process.dead_letters


def heal(put_sweets: Any) -> Any:
    async def put_what_is_good(commands: Any, uow: Any) -> Any:
        good = [c for c in commands if c.sweets != POISON]
        uow.outbox.speak_for([Origin("a-story")] * len(good))
        await put_sweets(good, uow)
        return [None] * len(commands)

    return put_what_is_good


async def test_what_nobody_listens_to_is_passed_over() -> None:
    world = World()
    world.publish(JarFilled(jar_id=1, sweets=1))
    world.publish(sweets(1))
    async with running(world.process.lane.run()), running(world.consumer.run()):
        await world.all_is_acknowledged()
    assert world.process.sweets == {1: 1}


async def test_what_cannot_be_read_goes_to_the_dead_letters_as_it_came() -> None:
    world = World()
    world.publish(*[sweets(1)] * 5)  # where most were bad, the lane would halt
    world.publish_body(b"not json")
    world.publish_body(
        b'[{"specversion":"1.0","id":"m-7","source":"/x","type":"feira.jars.put_sweets.v1",'
        b'"data":{"jar_id":"one"}}]'
    )
    world.publish(*[sweets(2)] * 5)
    async with running(world.process.lane.run()), running(world.consumer.run()):
        await world.all_is_acknowledged()
    assert world.process.sweets == {1: 5, 2: 5}
    letters = world.process.dead_letters
    assert [(letter.message_id, letter.body) for letter in letters] == [
        ("", b"not json"),
        ("m-7", b'{"jar_id":"one"}'),
    ]
    assert all("Unreadable" in letter.error or "ValueError" in letter.error for letter in letters)


async def test_the_subscription_is_closed_in_the_end() -> None:
    world = World()
    async with running(world.consumer.run()):

        async def subscribed() -> bool:
            return bool(world.log.subscribed)

        await eventually(subscribed)
    assert world.log.closed == 1
