"""CloudEvents 1.0 on the wire: structured JSON, single and batch.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md with the
extensions `partitionkey`, `correlationid`, `causationid` and `traceparent` (DESIGN, section 3).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

SINGLE_CONTENT_TYPE: Final = "application/cloudevents+json"
BATCH_CONTENT_TYPE: Final = "application/cloudevents-batch+json"


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event with its context attributes; `data` is a message, or its raw JSON when received."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: Any
    partitionkey: str
    correlationid: str
    causationid: str | msgspec.UnsetType = msgspec.UNSET
    traceparent: str | msgspec.UnsetType = msgspec.UNSET
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


class ReceivedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudEvent as it comes in: only what Feira reads; unknown attributes are ignored."""

    id: str
    source: str
    type: str
    data: msgspec.Raw
    specversion: str
    subject: str = ""
    partitionkey: str = ""
    correlationid: str = ""
    causationid: str = ""
    traceparent: str = ""


_encoder: Final = msgspec.json.Encoder()
_single_decoder: Final = msgspec.json.Decoder(ReceivedEvent)
_batch_decoder: Final = msgspec.json.Decoder(list[ReceivedEvent])


def encode_single(event: CloudEvent) -> bytes:
    return _encoder.encode(event)


def encode_batch(events: Sequence[CloudEvent]) -> bytes:
    return _encoder.encode(events)


def decode_single(body: bytes) -> ReceivedEvent:
    """Raises `msgspec.DecodeError` (or its subclass ValidationError) when it is not one."""
    return _single_decoder.decode(body)


def decode_batch(body: bytes) -> list[ReceivedEvent]:
    """Raises `msgspec.DecodeError` (or its subclass ValidationError) when it is not one."""
    return _batch_decoder.decode(body)
