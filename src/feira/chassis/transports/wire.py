"""How envelopes look on brokers that foreigners read too: CloudEvents batches, marked as such.

The body is `application/cloudevents-batch+json`; a header carries the envelope's id. What a
foreigner publishes may be a batch or one structured event, and need not have an id.
"""

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

from feira.chassis.transports.binary_mode import from_binary, to_binary
from feira.chassis.transports.port import Envelope
from feira.contracts.cloudevents import BATCH_CONTENT_TYPE, SINGLE_CONTENT_TYPE

CONTENT_TYPE: Final = BATCH_CONTENT_TYPE
CONTENT_TYPE_HEADER: Final = "content-type"
ENVELOPE_ID_HEADER: Final = "feira-envelope-id"


class Packed(NamedTuple):
    """A broker's message; `attributes` and `key` are those of an event in binary mode."""

    body: bytes
    content_type: str
    attributes: Mapping[str, str]
    key: str | None


def packed(envelope: Envelope, single_event_topics: Collection[str]) -> Packed:
    """As a batch; in binary mode where the topic is one of single events."""
    if envelope.topic in single_event_topics:
        try:
            event = to_binary(envelope.body)
        except ValueError:  # packed before the topic became one of single events
            pass
        else:
            key = event.attributes.get("partitionkey")
            return Packed(event.data, event.content_type, event.attributes, key)
    return Packed(envelope.body, CONTENT_TYPE, {}, None)


def whole_body(
    body: bytes, content_type: str | None, headers: Mapping[str, Any], prefixes: tuple[str, ...]
) -> bytes:
    """The body as a batch, whatever the mode it came in; `headers` are texts or bytes."""
    attributes = {
        name.removeprefix(prefix): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in headers.items()
        for prefix in prefixes
        if name.startswith(prefix)
    }
    if "specversion" in attributes:
        return from_binary(attributes, content_type or "application/json", body)
    return batch_body(body, content_type)


def envelope_id(text: str | None, body: bytes, *place: str | int) -> UUID:
    """The id that came with an envelope; else one made of its place and its body.

    That is the same at each delivery, and another one when something else stands in that place
    because the topic was lost and made anew.
    """
    try:
        return UUID(text)
    except (TypeError, ValueError):
        return _made_of(sha256("\0".join(map(str, place)).encode() + b"\0" + body).digest())


def _made_of(digest: bytes) -> UUID:
    """RFC 9562: version 8 is what a maker makes of it. Python knows it from 3.14 only."""
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | 8 << 76  # the version
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)  # the variant


def batch_body(body: bytes, content_type: str | None) -> bytes:
    """The body as a batch; what is neither batch nor event is refused by who decodes it."""
    single = content_type is not None and content_type.startswith(SINGLE_CONTENT_TYPE)
    return b"[%b]" % body if single else body
