"""A service's lane behind each broker, and a group whose members die and come back under load."""

import asyncio
from typing import Any
from uuid import UUID

from feira.chassis.consumer import Consumer, Translator, Unreadable, refuse_unreadable
from feira.chassis.lane import LaneLimits
from feira.chassis.outbox import Outbox
from feira.chassis.telemetry.metrics import ConsumerMetrics
from feira.chassis.transports.port import Envelope
from feira.chassis.work import Origin
from feira.kernel.ids import uuid7
from tests.adapters.transports.brokers import PARTITIONS, Broker
from tests.adapters.transports.traffic import (
    PATIENCE_SECONDS,
    TOPIC,
    Worker,
    ids,
    one_each,
    until,
    until_available,
)
from tests.unit.chassis.jars import USE_CASES, Process, PutSweets, running

JARS = 40
LARGE_BYTES = 256 * 1024
LARGE_ENVELOPES = 160
RECEIVED_BYTES_MAX = 24 * 1024 * 1024


def envelopes_of(process: Process, *messages: PutSweets) -> list[Envelope]:
    outbox = Outbox("/feira/others", PARTITIONS, process.ids, process.clock.now())
    outbox.speak_for([Origin("a-story", "message-0")])
    outbox.tell(messages)
    return outbox.envelopes()


async def test_duplicates_have_one_effect_and_poison_harms_nobody_else(broker: Broker) -> None:
    process = Process(limits=LaneLimits(batch_commands_max=20))
    lane: Any = process.lane
    lane._runner._use_cases = {**USE_CASES, Unreadable: refuse_unreadable}
    consumer = Consumer(
        "jars",
        process.lane,
        broker.open("jars"),
        Translator([PutSweets]),
        ConsumerMetrics.for_service("jars"),
    )
    transport = broker.open("others")
    good = envelopes_of(process, *(PutSweets(jar_id=jar_id) for jar_id in range(JARS)))
    unreadable = Envelope(uuid7(), PutSweets.TOPIC, 0, b"no batch of events")
    last = envelopes_of(process, *(PutSweets(jar_id=jar_id, sweets=5) for jar_id in range(JARS)))

    await transport.publish([*good, *good, unreadable, *good])
    await transport.publish(last)
    async with running(process.lane.run()), running(consumer.run()):
        await until(lambda: all(process.sweets.get(jar_id) == 6 for jar_id in range(JARS)))

    assert [letter.body for letter in process.dead_letters] == [unreadable.body]


async def test_three_members_lose_nothing_when_members_die_and_come_back(broker: Broker) -> None:
    transport = broker.open("publisher")
    workers = [Worker(await broker.open(m).subscribe("billing", [TOPIC])) for m in ("a", "b")]
    published: list[Envelope] = []

    async def publish_without_end() -> None:
        while True:
            sent = one_each()
            await until_available(lambda: transport.publish(sent))  # noqa: B023 - awaited here
            published.extend(sent)
            await asyncio.sleep(0.02)

    load = asyncio.create_task(publish_without_end())
    try:
        for _ in range(2):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await broker.receive_and_die("billing", TOPIC)  # the third, its hands full
    finally:
        load.cancel()
        await asyncio.wait([load])

    def handled() -> set[UUID]:
        return set().union(*(ids(worker.handled) for worker in workers))

    await until(lambda: ids(published) <= handled())
    for worker in workers:
        await worker.leave()


async def test_who_receives_nothing_is_not_flooded(broker: Broker) -> None:
    transport = broker.open("publisher")
    subscription = await broker.open("slow").subscribe("billing", [TOPIC])
    received = list(await subscription.receive())
    sent = one_each(LARGE_ENVELOPES // PARTITIONS, size_bytes=LARGE_BYTES)
    for at in range(0, len(sent), 16):
        await transport.publish(sent[at : at + 16])

    async with asyncio.timeout(PATIENCE_SECONDS):
        while not ids(sent) <= ids(delivery.envelope for delivery in received):
            lot = await subscription.receive()
            assert sum(len(each.envelope.body) for each in lot) <= RECEIVED_BYTES_MAX
            received += lot
            await subscription.acknowledge(lot)
