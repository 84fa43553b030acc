"""The binary mode of CloudEvents: the event's data as the body, its attributes as headers.

For envelopes of one event (`FEIRA_SINGLE_EVENT_TOPICS`), on brokers that have headers. Each broker
names the headers in its own way (Kafka `ce_id`, AMQP `cloudEvents:id`), and `datacontenttype` is
the message's content type everywhere.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md#32-binary-content-mode
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

DATA: Final = "data"
CONTENT_TYPE: Final = "datacontenttype"

_decoder: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_encoder: Final = msgspec.json.Encoder()


class BinaryEvent(NamedTuple):
    attributes: dict[str, str]
    """By their CloudEvents names, without `datacontenttype`."""
    content_type: str
    data: bytes


def to_binary(body: bytes) -> BinaryEvent:
    """The only event of an envelope's body. Raises `ValueError` when that is something else."""
    (event,) = _decoder.decode(body)
    texts = {name: _text(raw) for name, raw in event.items() if name != DATA}
    content_type = texts.pop(CONTENT_TYPE, "application/json")
    return BinaryEvent(texts, content_type, bytes(event[DATA]))


def from_binary(attributes: Mapping[str, str], content_type: str, data: bytes) -> bytes:
    """The body of an envelope with this event alone, whoever sent it."""
    return _encoder.encode([{**attributes, CONTENT_TYPE: content_type, DATA: msgspec.Raw(data)}])


def _text(raw: msgspec.Raw) -> str:
    """An attribute in its canonical form: a text as it is, a number or a boolean as in JSON."""
    value = bytes(raw)
    return msgspec.json.decode(value, type=str) if value[:1] == b'"' else value.decode()
