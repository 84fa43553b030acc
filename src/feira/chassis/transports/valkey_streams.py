"""How envelopes lie in Valkey: a stream per topic partition, an entry per envelope.

An entry's fields are `id` (16 raw bytes of the envelope's UUID) and `body`. The broker's position
of an envelope is `<entry id>/<ordinal>`: the ordinal counts the partition's entries since the
stream began, which is what lets a group's lag be told without reading the entries.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import libvalkey

from feira.chassis.transports.port import Delivery, Envelope

EPOCH_KEY: Final = "feira:epoch"
BROADCASTS_KEY: Final = "feira:broadcasts"

_PREFIX: Final = "feira:"
_BEGIN: Final = libvalkey.pack_command(("MULTI",))
_COMMIT: Final = libvalkey.pack_command(("EXEC",))


class Stream(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int

    @property
    def key(self) -> str:
        return f"{_PREFIX}{self.topic}:{self.partition}"

    @property
    def field(self) -> str:
        """The partition's field in a group's hash of cursors."""
        return f"{self.topic}:{self.partition}"

    @classmethod
    def of_key(cls, key: str) -> "Stream":
        topic, _, partition = key.removeprefix(_PREFIX).rpartition(":")
        return cls(topic, int(partition))


class Mark(NamedTuple):
    """A position: the entry's id, and how many entries its stream had had with it."""

    id: str
    ordinal: int

    @property
    def sort_key(self) -> tuple[int, int]:
        milliseconds, _, sequence = self.id.partition("-")
        return int(milliseconds), int(sequence)

    @property
    def text(self) -> str:
        return f"{self.id}/{self.ordinal}"

    @classmethod
    def parse(cls, text: str) -> "Mark":
        entry_id, _, ordinal = text.partition("/")
        return cls(entry_id, int(ordinal))


def streams_of(topics: Iterable[str], partitions: int) -> list[Stream]:
    return [Stream(topic, partition) for topic in topics for partition in range(partitions)]


def pack_transaction(envelopes: Sequence[Envelope]) -> list[bytes]:
    """One MULTI ... EXEC that adds the envelopes: all or, when Valkey refuses one, none.

    Without it a refused entry would leave those behind it in the stream, and a retry would put it
    there after them. The bodies are not copied.
    """
    commands = [_BEGIN]
    for envelope in envelopes:
        head = _add_head(envelope.topic, envelope.partition)
        body = envelope.body
        commands += (b"%b%b\r\n$4\r\nbody\r\n$%d\r\n" % (head, envelope.id.bytes, len(body)), body)
        commands.append(b"\r\n")
    commands.append(_COMMIT)
    return commands


@cache  # as many entries as there are partitions of topics
def _add_head(topic: str, partition: int) -> bytes:
    """XADD's packed beginning, up to the 16 bytes of the envelope's id (RESP arrays of strings)."""
    key = Stream(topic, partition).key.encode()
    return b"*7\r\n$4\r\nXADD\r\n$%d\r\n%b\r\n$1\r\n*\r\n$2\r\nid\r\n$16\r\n" % (len(key), key)


def read_command(
    positions: Mapping[str, str], count: int, block_seconds: float
) -> tuple[str | int, ...]:
    """XREAD what lies behind each key's entry id, at most `count` entries a stream."""
    block_ms = max(1, round(block_seconds * 1000))  # 0 would wait for ever
    head = ("XREAD", "COUNT", count, "BLOCK", block_ms, "STREAMS")
    return (*head, *positions.keys(), *positions.values())


def deliveries_of(stream: Stream, after: Mark, entries: Sequence[Any]) -> Iterator[Delivery]:
    """The entries of an XREAD answer, which lie directly behind the mark `after`."""
    topic, partition = stream
    ordinal = after.ordinal
    for entry_id, (_, envelope_id, _, body) in entries:
        ordinal += 1
        envelope = Envelope(UUID(bytes=envelope_id), topic, partition, body)
        yield Delivery(envelope, f"{entry_id.decode()}/{ordinal}")
