"""The simulated broker goes wrong as told, tells what it did, and never breaks the port's word."""

import asyncio
from collections import Counter
from dataclasses import fields
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feira.chassis.transports.port import Delivery, Envelope
from feira.chassis.transports.simulated import SimulatedBroker, SimulatedTransport
from feira.chassis.transports.simulated_faults import Faults
from feira.chassis.transports.simulated_subscriptions import SimulatedGroupSubscription
from feira.kernel.errors import Unavailable
from tests.adapters.transports.traffic import (
    TOPIC,
    by_partition,
    envelope,
    ids,
    one_each,
    receive,
    until_available,
)
from tests.adapters.transports.virtual_time import run_virtually

PARTITIONS = 3
STORM = Faults(
    delay_seconds_max=0.5,
    publish_refused=0.1,
    publish_unanswered=0.1,
    receive_refused=0.1,
    acknowledge_refused=0.1,
    acknowledge_lost=0.1,
    acknowledge_unanswered=0.1,
    duplicated=0.3,
    membership_lost=0.1,
)


async def busy_day(broker: SimulatedBroker) -> list[Delivery]:
    transport = broker.transport(partitions=PARTITIONS, member="a")
    subscription = await transport.subscribe("billing", [TOPIC])
    received: list[Delivery] = []
    for number in range(100):
        sent = [envelope(number % PARTITIONS)]
        await until_available(partial(transport.publish, sent))
        deliveries = await until_available(subscription.receive)
        received += deliveries
        await until_available(partial(subscription.acknowledge, deliveries))
    return received


def test_every_fault_happens_and_is_counted() -> None:
    broker = SimulatedBroker(seed=3, faults=STORM)
    run_virtually(busy_day(broker))
    faults = {fault.name for fault in fields(Faults)} - {"delay_seconds_max"}
    assert broker.injected.keys() == faults | {"delayed"}


def test_an_honest_broker_injects_nothing() -> None:
    broker = SimulatedBroker(seed=3)
    received = run_virtually(busy_day(broker))
    assert len(received) == 100
    assert not broker.injected


def test_one_seed_is_one_run() -> None:
    def run(seed: int) -> tuple[Counter[str], list[tuple[int, str]]]:
        broker = SimulatedBroker(seed=seed, faults=STORM)
        received = run_virtually(busy_day(broker))
        return broker.injected, [(each.envelope.partition, each.position) for each in received]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_delays_pass_in_virtual_time() -> None:
    async def scenario() -> float:
        transport = SimulatedBroker(faults=Faults(delay_seconds_max=3600)).transport(
            partitions=PARTITIONS, member="a"
        )
        for _ in range(10):
            await transport.publish([envelope()])
        return asyncio.get_running_loop().time()

    assert run_virtually(scenario()) > 3600


async def test_healed_it_makes_no_more_faults() -> None:
    broker = SimulatedBroker(faults=Faults(publish_refused=1))
    transport = broker.transport(partitions=PARTITIONS, member="a")
    with pytest.raises(Unavailable):
        await transport.publish([envelope()])
    broker.faults = Faults()
    await transport.publish([envelope()])
    assert broker.injected == {"publish_refused": 1}


async def test_a_killed_process_gets_no_answer_any_more() -> None:
    broker = SimulatedBroker()
    dead = broker.transport(partitions=PARTITIONS, member="a")
    subscription = await dead.subscribe("billing", [TOPIC])
    sent = one_each()[:PARTITIONS]
    await dead.publish(sent)
    await subscription.receive()
    broker.kill("a")
    for call in (lambda: dead.publish(sent), subscription.receive, dead.epoch):
        with pytest.raises(Unavailable):
            await call()
    with pytest.raises(Unavailable):
        await subscription.acknowledge([])


async def test_a_restarted_process_takes_the_place_of_its_former_self() -> None:
    broker = SimulatedBroker()
    before = broker.transport(partitions=PARTITIONS, member="a")
    sent = one_each()[:PARTITIONS]
    await before.publish(sent)
    ghost = await before.subscribe("billing", [TOPIC])
    await receive(ghost, ids(sent))

    after = broker.transport(partitions=PARTITIONS, member="a")
    heir = await after.subscribe("billing", [TOPIC])
    assert by_partition(await receive(heir, ids(sent))) == by_partition(sent)
    with pytest.raises(Unavailable):
        await ghost.receive()


# ------------------------------------------------------------------- random interleavings


class Group:
    """Members that come, go and die, and a note of everything that was published and delivered."""

    def __init__(self, broker: SimulatedBroker) -> None:
        self.broker = broker
        self.published: list[Envelope] = []
        self.delivered: list[Envelope] = []
        self._publisher = broker.transport(partitions=PARTITIONS, member="publisher")
        self._members: dict[str, tuple[SimulatedTransport, SimulatedGroupSubscription]] = {}
        self._held: dict[str, list[Delivery]] = {}

    async def publish(self, partition: int, count: int) -> None:
        envelopes = [envelope(partition) for _ in range(count)]
        self.published += envelopes
        await until_available(lambda: self._publisher.publish(envelopes))

    async def join(self, name: str) -> None:
        if name not in self._members:
            transport = self.broker.transport(partitions=PARTITIONS, member=name)
            self._members[name] = (transport, await transport.subscribe("billing", [TOPIC]))

    async def receive(self, name: str) -> None:
        if name in self._members:
            _, subscription = self._members[name]
            deliveries = await until_available(subscription.receive)
            self._held.setdefault(name, []).extend(deliveries)
            self.delivered += [delivery.envelope for delivery in deliveries]

    async def acknowledge(self, name: str) -> None:
        if name in self._members:
            _, subscription = self._members[name]
            held = self._held.pop(name, [])
            await until_available(lambda: subscription.acknowledge(held))

    async def rewind(self, name: str) -> None:
        if name in self._members:
            await self._members[name][1].rewind()
            self._held.pop(name, None)

    async def leave(self, name: str) -> None:
        if name in self._members:
            self._held.pop(name, None)
            transport, _ = self._members.pop(name)
            await transport.close()

    async def die(self, name: str) -> None:
        self._members.pop(name, None)
        self._held.pop(name, None)
        self.broker.kill(name)

    async def trim(self) -> None:
        await until_available(self._publisher.trim)

    async def drain(self) -> None:
        """The broker heals, one member takes the rest, and nothing is left waiting."""
        self.broker.faults = Faults()
        for name in list(self._members):
            await self.leave(name)
        await self.join("last")
        _, last = self._members["last"]
        waiting = 1
        while waiting > 0:
            await self.receive("last")
            await self.acknowledge("last")
            waiting = await last.lag_envelopes()


def first_time(envelopes: list[Envelope]) -> list[Envelope]:
    return list({each.id: each for each in envelopes}.values())


names = st.sampled_from(["a", "b", "c"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, PARTITIONS - 1), st.integers(1, 5)),
        st.tuples(
            st.sampled_from(["join", "receive", "acknowledge", "rewind", "leave", "die"]), names
        ),
        st.tuples(st.just("trim")),
    ),
    max_size=60,
)


@given(seed=st.integers(0, 2**32), steps=steps, faults=st.sampled_from([Faults(), STORM]))
@settings(max_examples=150)
def test_whatever_happens_all_arrive_and_in_order(
    seed: int, steps: list[tuple[str, ...]], faults: Faults
) -> None:
    """In each partition, what has ever been delivered is a beginning of what was published, all of
    it in the end.
    """

    async def scenario() -> None:
        group = Group(SimulatedBroker(seed=seed, faults=faults))
        for action, *arguments in steps:
            await getattr(group, action)(*arguments)
            seen = by_partition(first_time(group.delivered))
            for partition, order in by_partition(group.published).items():
                assert seen.get(partition, []) == order[: len(seen.get(partition, []))]
        await group.drain()
        assert by_partition(first_time(group.delivered)) == by_partition(group.published)

    run_virtually(scenario())
