"""Following a topic: every message of one kind, whatever else is in it, and through trouble."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from feira.chassis import following
from feira.chassis.following import follow
from feira.chassis.outbox import Outbox
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Envelope, Subscription, Transport
from feira.chassis.transports.simulated import simulated_broker
from feira.chassis.work import Origin
from feira.kernel.clock import SystemClock
from feira.kernel.ids import Ids, uuid7
from tests.eventually import eventually
from tests.unit.chassis.jars import JarFilled, PutSweets, running


class World:
    def __init__(self, name: str) -> None:
        self.broker = simulated_broker(name)
        self.transport: Transport = open_transport(f"sim://{name}", partitions=2, member="test")
        self.heard: list[int] = []

    def take(self, message: JarFilled) -> None:
        self.heard.append(message.jar_id)

    async def publish(self, messages: Sequence[JarFilled | PutSweets]) -> None:
        outbox = Outbox("/feira/jars", 2, Ids(), SystemClock().now())
        outbox.speak_for([Origin("a-story")])
        outbox.tell(messages)
        await self.transport.publish(outbox.envelopes())

    async def until_heard(self, *jar_ids: int) -> None:
        async def heard() -> bool:
            return sorted(self.heard) == sorted(jar_ids)

        await eventually(heard, what=f"{jar_ids} are heard")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(following, "RETRY_WAIT_SECONDS_MAX", 0.02)
    return World(tmp_path.name)


def filled(jar_id: int) -> JarFilled:
    return JarFilled(jar_id=jar_id, sweets=1)


async def test_what_was_said_lately_and_what_is_said_from_now_on_is_heard(world: World) -> None:
    await world.publish([filled(1)])
    async with running(follow(world.transport, JarFilled, world.take, since_seconds=60)):
        await world.until_heard(1)
        await world.publish([filled(2), filled(3)])
        await world.until_heard(1, 2, 3)


async def test_other_kinds_and_what_cannot_be_read_are_passed_over(world: World) -> None:
    await world.transport.publish([Envelope(uuid7(), JarFilled.TOPIC, 0, b"not json")])
    async with running(follow(world.transport, JarFilled, world.take, since_seconds=60)):
        await world.publish([PutSweets(jar_id=8), filled(1)])
        await world.until_heard(1)


async def test_a_broker_that_was_away_is_followed_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []
    subscribe = world.transport.subscribe_broadcast

    async def counted(topics: Sequence[str], since_seconds: int) -> Subscription:
        attempts.append(since_seconds)
        return await subscribe(topics, since_seconds)

    async def met_the_outage() -> bool:
        return len(attempts) >= 3

    monkeypatch.setattr(world.transport, "subscribe_broadcast", counted)
    async with running(follow(world.transport, JarFilled, world.take, since_seconds=60)):
        await world.publish([filled(1)])
        await world.until_heard(1)
        world.broker.stop()
        await eventually(met_the_outage)
        world.broker.start()
        await world.publish([filled(2)])

        async def heard() -> bool:
            return {1, 2} == set(world.heard)

        await eventually(heard)
