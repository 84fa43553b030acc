"""The outbox in PostgreSQL's write-ahead log: envelopes as messages of logical decoding.

`pg_logical_emit_message` writes them into the log in the transaction of their effects, and nowhere
else: no row is inserted, none has to be deleted, and no vacuum follows (ADR 0014).

A message is a version, the envelope's id, partition and number of events, its topic with its
length, and the body.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final
from uuid import UUID

from feira.chassis.postgres.connection import Connection
from feira.chassis.transports.port import Envelope

PREFIX: Final = "feira.outbox"
"""By which our messages are known among others in the log."""
EMIT: Final = "SELECT pg_logical_emit_message(true, $1, message) FROM unnest($2::bytea[]) message"

_VERSION: Final = 1
_HEAD: Final = Struct("!B16sHHB")


async def emit(connection: Connection, envelopes: Sequence[Envelope]) -> None:
    """Log the envelopes, in order, in the connection's transaction."""
    await connection.execute(EMIT, PREFIX, [pack(envelope) for envelope in envelopes])


def pack(envelope: Envelope) -> bytes:
    topic = envelope.topic.encode()
    head = _HEAD.pack(_VERSION, envelope.id.bytes, envelope.partition, envelope.events, len(topic))
    return b"".join((head, topic, envelope.body))


def unpack(message: bytes) -> Envelope:
    """Raises `ValueError` for what `pack` has not made."""
    if len(message) < _HEAD.size or message[0] != _VERSION:
        raise ValueError(f"not an envelope of version {_VERSION}: {message[:40]!r}")
    _, envelope_id, partition, events, topic_bytes = _HEAD.unpack_from(message)
    end = _HEAD.size + topic_bytes
    topic = message[_HEAD.size : end].decode()
    return Envelope(UUID(bytes=envelope_id), topic, partition, message[end:], events)
