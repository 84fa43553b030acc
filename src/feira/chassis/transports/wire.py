"""How envelopes look on brokers that foreigners read too: CloudEvents batches, marked as such.

The body is `application/cloudevents-batch+json`; a header carries the envelope's id. What a
foreigner publishes may be a batch or one structured event, and need not have an id.
"""

from hashlib import sha256
from typing import Final
from uuid import UUID

from feira.contracts.cloudevents import BATCH_CONTENT_TYPE, SINGLE_CONTENT_TYPE

CONTENT_TYPE: Final = BATCH_CONTENT_TYPE
CONTENT_TYPE_HEADER: Final = "content-type"
ENVELOPE_ID_HEADER: Final = "feira-envelope-id"


def envelope_id(text: str | None, *place: str | int) -> UUID:
    """The id that came with an envelope; else one made of its place, the same at each delivery."""
    try:
        return UUID(text)
    except (TypeError, ValueError):
        digest = sha256("\0".join(map(str, place)).encode()).digest()
        return UUID(bytes=digest[:16], version=8)  # RFC 9562: version 8 is what a maker makes of it


def batch_body(body: bytes, content_type: str | None) -> bytes:
    """The body as a batch; what is neither batch nor event is refused by who decodes it."""
    single = content_type is not None and content_type.startswith(SINGLE_CONTENT_TYPE)
    return b"[%b]" % body if single else body
