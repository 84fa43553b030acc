"""An event as headers and a body, there and back; checked by the CloudEvents SDK."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings.amqp import AMQPMessage, from_amqp_event
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event

from feira.chassis.transports.binary_mode import from_binary, to_binary
from feira.chassis.transports.port import Envelope
from feira.chassis.transports.wire import packed, whole_body
from feira.contracts.cloudevents import CloudEvent, decode_batch, encode_batch
from feira.kernel.ids import uuid7

EVENT = CloudEvent(
    id="0199-1",
    source="/feira/orders",
    type="feira.orders.order_created.v1",
    subject="17",
    time=datetime(2026, 11, 27, 3, 0, tzinfo=UTC),
    data={"order_id": 17, "note": "açaí"},
    partitionkey="17",
    correlationid="a-story",
    traceparent="00-ab-cd-01",
)
BODY = encode_batch([EVENT])


def test_the_attributes_leave_the_body() -> None:
    binary = to_binary(BODY)
    assert binary.attributes == {
        "specversion": "1.0",
        "id": "0199-1",
        "source": "/feira/orders",
        "type": "feira.orders.order_created.v1",
        "subject": "17",
        "time": "2026-11-27T03:00:00Z",
        "partitionkey": "17",
        "correlationid": "a-story",
        "traceparent": "00-ab-cd-01",
    }
    assert binary.content_type == "application/json"
    assert msgspec.json.decode(binary.data) == {"order_id": 17, "note": "açaí"}


def test_it_comes_back_as_it_was() -> None:
    (there_and_back,) = decode_batch(from_binary(*to_binary(BODY)))
    (as_it_was,) = decode_batch(BODY)
    assert there_and_back == as_it_was


def test_numbers_and_booleans_of_others_become_texts() -> None:
    body = (
        b'[{"specversion":"1.0","id":"1","source":"/x","type":"t","count":7,"new":true,"data":1}]'
    )
    attributes = to_binary(body).attributes
    assert (attributes["count"], attributes["new"]) == ("7", "true")


@pytest.mark.parametrize("body", [b"[]", encode_batch([EVENT, EVENT]), b"{}", b"nonsense"])
def test_only_one_event_can_be_binary(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of unpacking, or of decoding
        to_binary(body)


def test_the_sdk_reads_it_as_kafka_carries_it() -> None:
    attributes, content_type, data = to_binary(BODY)
    headers = {f"ce_{name}": value.encode() for name, value in attributes.items()}
    message = KafkaMessage({**headers, "content-type": content_type.encode()}, b"17", data)
    expect(from_kafka_event(message))


def test_the_sdk_reads_it_as_amqp_carries_it() -> None:
    attributes, content_type, data = to_binary(BODY)
    headers: dict[str, Any] = {f"cloudEvents:{name}": value for name, value in attributes.items()}
    expect(from_amqp_event(AMQPMessage({"content-type": content_type}, headers, data)))


def expect(event: Any) -> None:
    assert (event.get_id(), event.get_type()) == ("0199-1", "feira.orders.order_created.v1")
    assert event.get_time() == datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
    assert event.get_extension("partitionkey") == "17"
    assert event.get_data() == {"order_id": 17, "note": "açaí"}


def test_only_topics_of_single_events_go_in_binary_mode() -> None:
    envelope = Envelope(uuid7(), "orders.events", 0, BODY, 1)
    assert packed(envelope, ()) == (BODY, "application/cloudevents-batch+json", {}, None)
    binary = packed(envelope, ("orders.events",))
    assert (binary.content_type, binary.key) == ("application/json", "17")
    headers = {f"ce_{name}": value.encode() for name, value in binary.attributes.items()}
    whole = whole_body(binary.body, binary.content_type, headers, ("ce_",))
    assert decode_batch(whole) == decode_batch(BODY)


def test_what_was_packed_as_a_batch_before_stays_one() -> None:
    batch = encode_batch([EVENT, EVENT])
    envelope = Envelope(uuid7(), "orders.events", 0, batch, 2)
    assert packed(envelope, ("orders.events",)).body == batch


def test_a_foreign_binary_event_that_is_not_json_is_no_batch() -> None:
    headers = {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "/x", "ce_type": "t"}
    with pytest.raises(msgspec.DecodeError):
        decode_batch(whole_body(b"\xff plain", "text/plain", headers, ("ce_",)))
