"""Others can read what Feira says: with the broker's own client and the CloudEvents SDK alone."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pika
import pytest
from cloudevents.core.bindings.amqp import AMQPMessage, from_amqp_event
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from valkey import Valkey

from feira.chassis.outbox import Outbox
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Envelope, Transport
from feira.chassis.work import Origin
from feira.contracts.orders import OrderCanceled, OrderConfirmed
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from tests.adapters.transports.kafka_broker import KafkaBroker
from tests.adapters.transports.rabbitmq_broker import RabbitMqBroker
from tests.adapters.transports.valkey_server import ValkeyServer
from tests.broker_node import BrokerNode

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
PARTITIONS = 2
ORDERS = range(1, 8)
LOOKS_MAX = 30


def announced(*, single_event_topics: tuple[str, ...] = ()) -> list[Envelope]:
    """What the orders service tells of seven orders: each confirmed, then canceled."""
    ids = Ids(ManualClock(NOW))
    outbox = Outbox("/feira/orders", PARTITIONS, ids, NOW, single_event_topics)
    outbox.speak_for([Origin("a-story", "0199-0", "00-ab-cd-01")])
    for order_id in ORDERS:
        outbox.tell([OrderConfirmed(order_id=order_id, customer_id=1, total_cents=19_99)])
    for order_id in ORDERS:
        outbox.tell([OrderCanceled(order_id=order_id, customer_id=1, reason="açaí")])
    return outbox.envelopes()


def expect_all(events: list[CloudEvent]) -> None:
    """Every message, whole, and in order for each key."""
    told: dict[str, list[Any]] = {}
    for event in events:
        assert event.get_source() == "/feira/orders"
        assert event.get_specversion() == "1.0"
        assert event.get_time() == NOW
        assert event.get_datacontenttype() == "application/json"
        assert event.get_extension("correlationid") == "a-story"
        assert event.get_extension("causationid") == "0199-0"
        assert event.get_extension("traceparent") == "00-ab-cd-01"
        assert event.get_extension("partitionkey") == event.get_subject()
        told.setdefault(event.get_extension("partitionkey"), []).append(event)
    assert set(told) == {str(order_id) for order_id in ORDERS}
    for order_id, (confirmed, canceled) in told.items():
        assert confirmed.get_type() == OrderConfirmed.TYPE
        assert confirmed.get_data() == {
            "order_id": int(order_id),
            "customer_id": 1,
            "total_cents": 1999,
        }
        assert canceled.get_type() == OrderCanceled.TYPE
        assert canceled.get_data() == {
            "order_id": int(order_id),
            "customer_id": 1,
            "reason": "açaí",
        }
    assert len({event.get_id() for event in events}) == 2 * len(ORDERS)


def read_batch(body: bytes) -> list[CloudEvent]:
    """The SDK reads single events: a batch is a JSON array of them."""
    return [read_event(json.dumps(one).encode()) for one in json.loads(body)]


def read_event(body: bytes) -> CloudEvent:
    event = JSONFormat().read(None, body)
    assert isinstance(event, CloudEvent)
    return event


@pytest.mark.parametrize(
    "single_event_topics", [(), ("orders.events",)], ids=["batches", "singles"]
)
async def test_a_reader_of_valkey_streams(
    valkey_server: ValkeyServer, single_event_topics: tuple[str, ...]
) -> None:
    transport = open_transport(valkey_server.url(), partitions=PARTITIONS, member="orders-1")
    envelopes = announced(single_event_topics=single_event_topics)
    await transport.publish(envelopes)
    await transport.close()

    with Valkey(unix_socket_path=str(valkey_server.socket_path)) as client:
        streams = {f"feira:orders.events:{partition}": "0" for partition in range(PARTITIONS)}
        found: Any = client.xread(streams)
    entries = [fields for _, entries in found for _, fields in entries]

    assert len(entries) == (2 * len(ORDERS) if single_event_topics else len(envelopes))
    expect_all([event for entry in entries for event in read_batch(entry[b"body"])])


# --- Kafka and RabbitMQ --------------------------------------------------------------------------

TOPICS = [(), ("orders.events",)]
modes = pytest.mark.parametrize("single_event_topics", TOPICS, ids=["batches", "singles"])


@modes
async def test_a_reader_of_kafka(
    kafka_node: BrokerNode, single_event_topics: tuple[str, ...]
) -> None:
    """confluent-kafka and the SDK; what is binary has the event's key too."""
    await kafka_node.start()
    broker = KafkaBroker(kafka_node)
    transport = open_transport(
        broker.url,
        partitions=PARTITIONS,
        member="orders-1",
        single_event_topics=single_event_topics,
    )
    envelopes = announced(single_event_topics=single_event_topics)
    await transport.publish(envelopes)
    topic = f"{broker.namespace}orders.events"
    messages = await asyncio.to_thread(consumed_from_kafka, broker.servers, topic, len(envelopes))
    expect_all([event for message in messages for event in events_of_kafka(message)])
    if single_event_topics:
        assert len(messages) == 2 * len(ORDERS)
        assert {message.key() for message in messages} == {str(n).encode() for n in ORDERS}
    await expect_own_reader(transport)


def consumed_from_kafka(servers: Any, topic: str, count: int) -> list[Any]:
    group = {"group.id": "a foreigner", "auto.offset.reset": "earliest"}
    consumer = Consumer({**servers, **group})
    found: list[Any] = []
    try:
        consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(PARTITIONS)])
        for _ in range(LOOKS_MAX):
            found += consumer.consume(count, timeout=1)
            if len(found) >= count:
                break
    finally:
        consumer.close()
    return found


def events_of_kafka(message: Any) -> list[CloudEvent]:
    headers = dict(message.headers())
    if headers["content-type"] == b"application/cloudevents-batch+json":
        return read_batch(message.value())
    event = from_kafka_event(KafkaMessage(headers, message.key(), message.value()))
    assert isinstance(event, CloudEvent)
    return [event]


@modes
async def test_a_reader_of_rabbitmq(
    rabbitmq_node: BrokerNode, single_event_topics: tuple[str, ...]
) -> None:
    """pika and the SDK."""
    await rabbitmq_node.start()
    broker = RabbitMqBroker(rabbitmq_node)
    transport = open_transport(
        broker.url,
        partitions=PARTITIONS,
        member="orders-1",
        single_event_topics=single_event_topics,
    )
    envelopes = announced(single_event_topics=single_event_topics)
    await transport.publish(envelopes)
    queues = [f"{broker.namespace}orders.events.{n}" for n in range(PARTITIONS)]
    url = broker.url.partition("?")[0]
    messages = await asyncio.to_thread(consumed_from_rabbitmq, url, queues, len(envelopes))
    expect_all([event for message in messages for event in events_of_rabbitmq(*message)])
    await expect_own_reader(transport)


def consumed_from_rabbitmq(url: str, queues: list[str], count: int) -> list[tuple[Any, bytes]]:
    found: list[tuple[Any, bytes]] = []
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=100)
        for queue in queues:
            channel.basic_consume(
                queue,
                lambda _channel, _method, properties, body: found.append((properties, body)),
                arguments={"x-stream-offset": "first"},
            )
        for _ in range(LOOKS_MAX):
            connection.process_data_events(time_limit=1)
            if len(found) >= count:
                break
    finally:
        connection.close()
    return found


def events_of_rabbitmq(properties: Any, body: bytes) -> list[CloudEvent]:
    if properties.content_type == "application/cloudevents-batch+json":
        return read_batch(body)
    message = AMQPMessage({"content-type": properties.content_type}, properties.headers, body)
    event = from_amqp_event(message)
    assert isinstance(event, CloudEvent)
    return [event]


async def expect_own_reader(transport: Transport) -> None:
    """Feira reads its own, in whatever mode, as one event after the other."""
    subscription = await transport.subscribe_broadcast(["orders.events"], since_seconds=3600)
    events: list[CloudEvent] = []
    for _ in range(LOOKS_MAX):
        for delivery in await subscription.receive():
            events += read_batch(delivery.envelope.body)
        if len(events) >= 2 * len(ORDERS):
            break
    expect_all(events)
    await transport.close()
