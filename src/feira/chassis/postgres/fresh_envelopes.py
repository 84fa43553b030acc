"""What this process has just written to its outbox, so that its relay need not read it back.

It is a cache of contents and no more: which rows there are, and in what order, the relay still
asks of the table. What was rolled back is therefore never found, and what other processes wrote, or
this one before a crash, is read.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from feira.chassis.transports.port import Envelope

FRESH_BYTES_MAX: Final = 4 * 1024 * 1024


class FreshEnvelopes:
    """The youngest envelopes, within `bytes_max` of bodies; the oldest make room."""

    def __init__(self, bytes_max: int = FRESH_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._size_bytes = 0
        self._kept: dict[UUID, Envelope] = {}

    def keep(self, envelopes: Iterable[Envelope]) -> None:
        for envelope in envelopes:
            self._kept[envelope.id] = envelope
            self._size_bytes += len(envelope.body)
        while self._size_bytes > self._bytes_max:
            self.take(next(iter(self._kept)))

    def take(self, envelope_id: UUID) -> Envelope | None:
        """The envelope, which is then forgotten; None when it is not (any longer) here."""
        envelope = self._kept.pop(envelope_id, None)
        if envelope is not None:
            self._size_bytes -= len(envelope.body)
        return envelope
