"""What every broker behind the port keeps, for whom, and until when."""

from feira.chassis.transports.retention import Retention
from tests.adapters.transports.brokers import Broker
from tests.adapters.transports.traffic import (
    TOPIC,
    by_partition,
    envelope,
    ids,
    one_each,
    receive,
    receive_deliveries,
    receive_nothing,
)


async def test_a_broadcast_tells_its_history_and_goes_on(broker: Broker) -> None:
    transport = broker.open("a")
    old, recent, new = one_each(), one_each(), one_each()
    await broker.publish_long_ago(old, seconds=300)
    await broker.publish_long_ago(recent, seconds=60)

    subscription = await transport.subscribe_broadcast([TOPIC], since_seconds=120)
    assert ids(await receive(subscription, ids(recent))) == ids(recent)
    await transport.publish(new)

    assert ids(await receive(subscription, ids(new))) == ids(new)
    assert await subscription.lag_envelopes() == 0


async def test_every_broadcast_subscriber_gets_every_envelope(broker: Broker) -> None:
    first = await broker.open("a").subscribe_broadcast([TOPIC], since_seconds=60)
    second = await broker.open("b").subscribe_broadcast([TOPIC], since_seconds=60)
    sent = one_each(2)
    await broker.open("publisher").publish(sent)

    for subscription in (first, second):
        received = await receive(subscription, ids(sent), acknowledge=True)
        assert by_partition(received) == by_partition(sent)


async def test_trim_drops_what_every_group_acknowledged_and_nothing_else(
    trimmed_broker: Broker,
) -> None:
    transport = trimmed_broker.open("a")
    done, half_done = one_each(2, size_bytes=5000), one_each(2, size_bytes=5000)
    billing = await transport.subscribe("billing", [TOPIC])
    shipping = await transport.subscribe("shipping", [TOPIC])
    await transport.publish(done)
    await receive(billing, ids(done), acknowledge=True)
    await receive(shipping, ids(done))

    await transport.trim()  # shipping has acknowledged nothing yet
    await shipping.rewind()
    await receive(shipping, ids(done), acknowledge=True)
    await transport.publish(half_done)
    await receive(billing, ids(half_done), acknowledge=True)
    await transport.trim()

    latecomer = await transport.subscribe("latecomer", [TOPIC])
    assert by_partition(await receive(latecomer, ids(half_done))) == by_partition(half_done)
    assert by_partition(await receive(shipping, ids(half_done))) == by_partition(half_done)


async def test_trim_leaves_a_broadcast_topic_its_window(trimmed_broker: Broker) -> None:
    transport = trimmed_broker.open("a")
    old, recent = one_each(size_bytes=5000), one_each(size_bytes=5000)
    await trimmed_broker.publish_long_ago(old, seconds=25 * 60)
    await trimmed_broker.publish_long_ago(recent, seconds=15 * 60)
    watcher = await transport.subscribe_broadcast([TOPIC], since_seconds=1200)
    await receive(watcher, ids(recent))
    billing = await transport.subscribe("billing", [TOPIC])
    await receive(billing, ids(old + recent), acknowledge=True)

    await transport.trim()

    latecomer = await transport.subscribe("latecomer", [TOPIC])
    assert ids(await receive(latecomer, ids(recent))) == ids(recent)


async def test_a_topic_without_groups_is_kept_a_day(trimmed_broker: Broker) -> None:
    transport = trimmed_broker.open("a")
    forgotten, young = one_each(size_bytes=5000), one_each(size_bytes=5000)
    await trimmed_broker.publish_long_ago(forgotten, seconds=25 * 3600)
    await trimmed_broker.publish_long_ago(young, seconds=23 * 3600)
    await transport.publish([fresh := envelope()])

    await transport.trim()

    latecomer = await transport.subscribe("latecomer", [TOPIC])
    assert ids(await receive(latecomer, ids([*young, fresh]))) == ids([*young, fresh])


async def test_a_topic_without_groups_keeps_no_more_than_its_limit(trimmed_broker: Broker) -> None:
    """In whole nodes of 100 on Valkey: what is dropped is dropped cheaply."""
    transport = trimmed_broker.open("a")
    unread = [envelope() for _ in range(Retention().unread_envelopes_max + 500)]
    await transport.publish(unread)

    await transport.trim()

    latecomer = await transport.subscribe("latecomer", [TOPIC])
    kept = await receive(latecomer, {unread[-1].id})
    assert len(unread) - 500 <= len(kept) < len(unread) - 300
    assert ids(kept) == ids(unread[-len(kept) :])


async def test_lag_counts_what_is_not_acknowledged(broker: Broker) -> None:
    transport = broker.open("a")
    subscription = await transport.subscribe("billing", [TOPIC])
    await receive_nothing(subscription, calls=1)
    sent = one_each(3, size_bytes=5000)
    await transport.publish(sent)
    assert await subscription.lag_envelopes() == 12

    deliveries = await receive_deliveries(subscription, ids(sent))
    assert await subscription.lag_envelopes() == 12, "received is not yet acknowledged"
    await subscription.acknowledge([d for d in deliveries if d.envelope.partition != 2])
    assert await subscription.lag_envelopes() == 3

    await transport.trim()
    await transport.publish([envelope(0)])
    assert await subscription.lag_envelopes() == 4
