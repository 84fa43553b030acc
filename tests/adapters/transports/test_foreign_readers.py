"""Others can read what Feira says: with the broker's own client and the CloudEvents SDK alone."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from valkey import Valkey

from feira.chassis.outbox import Outbox
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Envelope
from feira.chassis.work import Origin
from feira.contracts.orders import OrderCanceled, OrderConfirmed
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from tests.adapters.transports.valkey_server import ValkeyServer

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
PARTITIONS = 2
ORDERS = range(1, 8)


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
