"""What every broker behind the port must do."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest

from feira.chassis.transports.port import Envelope, Transport
from feira.kernel.errors import Unavailable
from tests.adapters.transports.brokers import PARTITIONS, Broker
from tests.adapters.transports.traffic import (
    PATIENCE_SECONDS,
    TOPIC,
    Worker,
    by_partition,
    envelope,
    ids,
    one_each,
    receive,
    receive_deliveries,
    receive_nothing,
    until,
    until_available,
    wipe,
)


async def test_envelopes_arrive_whole_and_in_order_within_their_partition(broker: Broker) -> None:
    transport = broker.open("a")
    sent = [envelope(n % PARTITIONS, body=b"[%d]" % n) for n in range(200)]
    await transport.publish(sent[:120])
    await transport.publish(sent[120:])

    received = await receive(await transport.subscribe("billing", [TOPIC]), ids(sent))

    assert by_partition(received) == by_partition(sent)
    assert {each.id: each for each in received} == {each.id: each for each in sent}


async def test_publishing_nothing_is_fine(broker: Broker) -> None:
    await broker.open("a").publish([])


async def test_a_group_reads_several_topics(broker: Broker) -> None:
    transport = broker.open("a")
    sent = [*one_each(topic="orders.events"), *one_each(topic="payments.events")]
    await transport.publish(sent)

    subscription = await transport.subscribe("saga", ["orders.events", "payments.events"])

    received = await receive(subscription, ids(sent))
    assert {(each.topic, each.partition) for each in received} == {
        (each.topic, each.partition) for each in sent
    }


async def test_a_large_envelope_arrives_unharmed(broker: Broker) -> None:
    transport = broker.open("a")
    large = envelope(body=bytes(range(256)) * 1200)
    await transport.publish([large, envelope()])

    received = await receive(await transport.subscribe("billing", [TOPIC]), {large.id})

    assert received[0] == large
    assert len(received[0].body) == 307_200


async def test_a_new_group_starts_with_the_oldest_envelope(broker: Broker) -> None:
    transport = broker.open("a")
    before, after = one_each(), one_each()
    await transport.publish(before)
    subscription = await transport.subscribe("latecomer", [TOPIC])
    await transport.publish(after)

    assert ids(await receive(subscription, ids(before + after))) == ids(before + after)


async def test_each_group_gets_every_envelope(broker: Broker) -> None:
    transport = broker.open("a")
    billing = await transport.subscribe("billing", [TOPIC])
    shipping = await transport.subscribe("shipping", [TOPIC])
    sent = one_each(3)
    await transport.publish(sent)

    assert by_partition(await receive(billing, ids(sent), acknowledge=True)) == by_partition(sent)
    assert by_partition(await receive(shipping, ids(sent), acknowledge=True)) == by_partition(sent)


async def test_what_was_acknowledged_does_not_come_again_after_a_restart(broker: Broker) -> None:
    before = broker.open("a")
    done = one_each(2)
    await before.publish(done)
    await receive(await before.subscribe("billing", [TOPIC]), ids(done), acknowledge=True)
    await before.close()

    after = broker.open("a")
    new = one_each()
    await after.publish(new)
    received = await receive(await after.subscribe("billing", [TOPIC]), ids(new))

    assert ids(received) == ids(new)


async def test_what_was_not_acknowledged_comes_again_after_a_restart(broker: Broker) -> None:
    before = broker.open("a")
    sent = one_each(2)
    await before.publish(sent)
    await receive(await before.subscribe("billing", [TOPIC]), ids(sent))
    await before.close()

    received = await receive(await broker.open("a").subscribe("billing", [TOPIC]), ids(sent))

    assert by_partition(received) == by_partition(sent)


async def test_acknowledging_one_covers_all_before_it_in_its_partition(broker: Broker) -> None:
    transport = broker.open("a")
    sent = [envelope(0) for _ in range(6)]
    await transport.publish(sent)
    subscription = await transport.subscribe("billing", [TOPIC])
    deliveries = await receive_deliveries(subscription, ids(sent))

    await subscription.acknowledge([deliveries[3]])
    await subscription.acknowledge([deliveries[1]])  # late: takes nothing back
    await subscription.rewind()

    again = await receive(subscription, ids(sent[4:]))
    assert [each.id for each in again] == [each.id for each in sent[4:]]


async def test_rewind_brings_back_what_was_not_acknowledged(broker: Broker) -> None:
    transport = broker.open("a")
    subscription = await transport.subscribe("billing", [TOPIC])
    done, failed = one_each(), one_each(2)
    await transport.publish(done)
    await receive(subscription, ids(done), acknowledge=True)
    await transport.publish(failed)
    await receive(subscription, ids(failed))

    await subscription.rewind()

    assert by_partition(await receive(subscription, ids(failed))) == by_partition(failed)


async def test_rewinding_while_a_receive_waits_keeps_the_order(broker: Broker) -> None:
    transport = broker.open("a")
    subscription = await transport.subscribe("billing", [TOPIC])
    sent = [envelope(0), envelope(0)]
    await transport.publish(sent[:1])
    await receive(subscription, ids(sent[:1]))
    waiting = asyncio.create_task(subscription.receive())
    await asyncio.sleep(0.05)  # it waits for what comes behind the first

    await subscription.rewind()
    await transport.publish(sent[1:])

    first = [delivery.envelope for delivery in await waiting]
    rest = await receive(subscription, ids(sent) - ids(first))
    assert by_partition(first + rest) == by_partition(sent)


async def test_a_dead_members_envelopes_come_to_another(broker: Broker) -> None:
    transport = broker.open("heir")
    sent = one_each(2)
    await transport.publish(sent)
    lost = await broker.receive_and_die("billing", TOPIC)
    assert lost

    heir = await transport.subscribe("billing", [TOPIC])

    assert by_partition(await receive(heir, ids(sent))) == by_partition(sent)


async def test_an_acknowledgement_after_the_partition_passed_on_is_harmless(
    broker: Broker,
) -> None:
    sent = one_each()
    first = await broker.open("a").subscribe("billing", [TOPIC])
    await broker.open("publisher").publish(sent)
    deliveries = await receive_deliveries(first, ids(sent))
    second = await broker.open("b").subscribe("billing", [TOPIC])
    passed_on: set[UUID] = set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(passed_on) < PARTITIONS // 2:
            passed_on |= {delivery.envelope.id for delivery in await second.receive()}

    await first.acknowledge(deliveries)
    await second.close()
    await first.rewind()

    assert ids(await receive(first, passed_on)) == passed_on
    await first.close()


async def settled_round(transport: Transport, workers: list[Worker]) -> bool:
    """Whether each envelope of a round is handled once, and every worker has a part in it."""
    before = [len(worker.handled) for worker in workers]
    sent = one_each(2)
    await transport.publish(sent)

    def handled() -> list[set[UUID]]:
        return [
            ids(worker.handled[start:]) & ids(sent)
            for worker, start in zip(workers, before, strict=True)
        ]

    await until(lambda: set().union(*handled()) >= ids(sent))
    parts = handled()
    return all(parts) and sum(len(part) for part in parts) == len(sent)


async def test_members_join_and_leave_and_nothing_is_lost(broker: Broker) -> None:
    transport = broker.open("publisher")
    published: list[Envelope] = []
    workers: list[Worker] = []

    async def publish(count: int) -> None:
        envelopes = one_each(count)
        published.extend(envelopes)
        await transport.publish(envelopes)

    for member in ("a", "b", "c"):
        await publish(5)
        subscription = await broker.open(member).subscribe("billing", [TOPIC])
        workers.append(Worker(subscription))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await settled_round(transport, workers):
            pass

    quiet = one_each(10)
    await transport.publish(quiet)
    await until(lambda: ids(quiet) <= set().union(*(ids(w.handled) for w in workers)))
    handled = Counter(each.id for worker in workers for each in worker.handled)
    assert {handled[each.id] for each in quiet} == {1}, "one live member each"
    for worker in workers:
        mine = [each for each in worker.handled if each.id in ids(quiet)]
        assert by_partition(mine).items() <= by_partition(quiet).items()

    for worker in workers[:2]:
        await publish(5)
        await worker.leave()
    await publish(5)
    await until(lambda: ids(published + quiet) <= set().union(*(ids(w.handled) for w in workers)))
    await workers[2].leave()


async def test_the_epoch_stays_until_the_data_are_lost(broker: Broker) -> None:
    first, second = broker.open("a"), broker.open("b")
    epoch = await first.epoch()
    assert epoch == await second.epoch() == await first.epoch()

    await wipe(broker, first)

    assert await until_available(first.epoch) != epoch
    assert await until_available(first.epoch) == await until_available(second.epoch)


async def test_traffic_goes_on_after_a_wipe(broker: Broker) -> None:
    transport = broker.open("publisher")
    worker = Worker(await broker.open("a").subscribe("billing", [TOPIC]))
    watcher = await broker.open("b").subscribe_broadcast([TOPIC], since_seconds=60)
    before, after = one_each(20), one_each(3)
    await transport.publish(before)
    await until(lambda: ids(before) <= ids(worker.handled))
    await receive(watcher, ids(before))

    await wipe(broker, transport)
    await until_available(lambda: transport.publish(after))

    await until(lambda: ids(after) <= ids(worker.handled))
    await until_available(lambda: receive(watcher, ids(after)))
    more = one_each()
    await transport.publish(more)
    await until(lambda: ids(more) <= ids(worker.handled))
    await until_available(lambda: receive(watcher, ids(more)))
    await worker.leave()


async def test_what_came_before_a_wipe_says_nothing_of_what_comes_after(broker: Broker) -> None:
    transport = broker.open("publisher")
    subscription = await broker.open("a").subscribe("billing", [TOPIC])
    before, after = one_each(5), one_each(6)
    await transport.publish(before)
    old = await receive_deliveries(subscription, ids(before))

    await wipe(broker, transport)
    await until_available(lambda: transport.publish(after))
    await until_available(lambda: receive(subscription, ids(after)))
    await until_available(lambda: subscription.acknowledge(old))
    await subscription.close()

    successor = await broker.open("b").subscribe("billing", [TOPIC])
    await until_available(lambda: receive(successor, ids(after)))


async def test_a_dead_broker_is_unavailable_and_comes_back_with_all_it_promised(
    broker: Broker,
) -> None:
    transport = broker.open("a")
    subscription = await transport.subscribe("billing", [TOPIC])
    promised, later = one_each(5), one_each()
    await transport.publish(promised)
    deliveries = await receive_deliveries(subscription, ids(promised))

    await broker.kill()
    for call in (
        lambda: transport.publish(later),
        subscription.receive,
        lambda: subscription.acknowledge(deliveries),
        transport.epoch,
        transport.trim,
    ):
        with pytest.raises(Unavailable):
            await call()

    await broker.start()
    await until_available(lambda: transport.publish(later))
    await until_available(lambda: subscription.acknowledge(deliveries))
    assert ids(await until_available(lambda: receive(subscription, ids(later)))) == ids(later)
    auditor = await transport.subscribe("auditor", [TOPIC])
    everything = await receive(auditor, ids(promised + later))
    assert by_partition(everything) == by_partition(promised + later)


async def test_a_closed_subscription_is_unavailable(broker: Broker) -> None:
    subscription = await broker.open("a").subscribe("billing", [TOPIC])
    await receive_nothing(subscription, calls=1)
    await subscription.close()
    with pytest.raises(Unavailable):
        await subscription.receive()
