"""Events on the wire, as CloudEvents 1.0 in JSON wants them."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from feira.contracts.cloudevents import (
    CloudEvent,
    decode_batch,
    decode_single,
    encode_batch,
    encode_single,
)

REQUIRED = {"id", "source", "specversion", "type"}
OPTIONAL = {"datacontenttype", "subject", "time", "data"}


def event(**changes: Any) -> CloudEvent:
    attributes: dict[str, Any] = {
        "id": "0199-1",
        "source": "/feira/orders",
        "type": "feira.orders.order_created.v1",
        "subject": "17",
        "time": datetime(2025, 11, 28, 3, 0, tzinfo=UTC),
        "data": {"order_id": 17},
        "partitionkey": "17",
        "correlationid": "a-story",
    }
    return CloudEvent(**attributes | changes)


def test_a_single_event_has_all_attributes_of_the_specification() -> None:
    said = msgspec.json.decode(encode_single(event()))
    assert said.keys() >= REQUIRED | OPTIONAL
    assert said["specversion"] == "1.0"
    assert said["time"] == "2025-11-28T03:00:00Z"
    assert said["data"] == {"order_id": 17}


def test_extensions_are_lower_case_letters_and_digits_of_at_most_twenty() -> None:
    said = msgspec.json.decode(
        encode_single(event(causationid="0199-0", traceparent="00-ab-cd-01"))
    )
    extensions = said.keys() - REQUIRED - OPTIONAL
    assert extensions == {"partitionkey", "correlationid", "causationid", "traceparent"}
    assert all(name.isalnum() and name.islower() and len(name) <= 20 for name in extensions)


def test_what_has_no_cause_says_none() -> None:
    said = msgspec.json.decode(encode_single(event()))
    assert not said.keys() & {"causationid", "traceparent"}


def test_a_batch_is_an_array_in_order() -> None:
    body = encode_batch([event(id="1"), event(id="2")])
    assert [one["id"] for one in msgspec.json.decode(body)] == ["1", "2"]
    assert [one.id for one in decode_batch(body)] == ["1", "2"]


def test_events_of_others_may_leave_out_and_add_attributes() -> None:
    received = decode_single(
        b'{"specversion":"1.0","id":"1","source":"/x","type":"t","data":{"a":1},"new":true}'
    )
    assert (bytes(received.data), received.subject, received.traceparent) == (b'{"a":1}', "", "")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"{}", b"[1]", b'[{"id":"1"}]', b"\xff", b'[{"id":1,"source":"/x"}]'],
)
def test_what_is_no_batch_is_an_error_of_decoding(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_batch(body)
