"""Ids made in the service, ordered by time.

Two kinds: UUIDv7 (RFC 9562, section 5.7) for messages, and positive integers below 2^53 for what
clients meet (they survive a JSON number in any language).
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from feira.kernel.clock import Clock, SystemClock

NUMBER_MAX: Final = 2**53 - 1
WORKERS_MAX: Final = 32
ALL_WORKERS: Final = range(WORKERS_MAX)
_EPOCH_MS: Final = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1000)
_WORKER_BITS: Final = 5
_SEQUENCE_BITS: Final = 7
_SEQUENCES_MAX: Final = 1 << _SEQUENCE_BITS
_VARIANT: Final = 0b10 << 62  # RFC 9562: the two bits before random_b


class Ids:
    """Makes ids for one worker.

    A number is 41 bits of milliseconds since 2025, 5 bits of worker and 7 bits of sequence: unique
    as long as no two live workers of a service share a worker number, and rising even when the
    clock steps back (the last millisecond is then used on). Not thread-safe: one event loop.

    `workers` are those it may be: services that make ids of one kind share them out.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        worker: int | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
        workers: range = ALL_WORKERS,
    ) -> None:
        self._clock = clock or SystemClock()
        self.workers = workers
        self.worker = workers[0] if worker is None else worker
        self._entropy = entropy
        self._last_ms = 0
        self._sequence = 0

    @property
    def worker(self) -> int:
        """The worker these ids are made for; set when a worker number has been leased."""
        return self._worker

    @worker.setter
    def worker(self, worker: int) -> None:
        if worker not in self.workers:
            raise ValueError(f"worker must be {self.workers[0]}..{self.workers[-1]}, got {worker}")
        self._worker = worker

    def number(self) -> int:
        """A new positive integer below 2^53, above every one this worker made before."""
        now_ms = self._now_ms() - _EPOCH_MS
        if now_ms > self._last_ms:
            self._last_ms, self._sequence = now_ms, 0
        elif self._sequence + 1 < _SEQUENCES_MAX:
            self._sequence += 1
        else:
            self._last_ms, self._sequence = self._last_ms + 1, 0
        worker_and_sequence = (self._worker << _SEQUENCE_BITS) | self._sequence
        return (self._last_ms << (_WORKER_BITS + _SEQUENCE_BITS)) | worker_and_sequence

    def uuid7(self) -> UUID:
        return UUID(self.uuid7_texts(1)[0])

    def uuid7_texts(self, count: int) -> list[str]:
        """`count` UUIDv7 in their text form, rising: one draw of entropy for all of them."""
        random_a = int.from_bytes(self._entropy(2), "big") & 0xFFF
        milliseconds = f"{self._now_ms():012x}"
        prefix = f"{milliseconds[:8]}-{milliseconds[8:]}-7{random_a:03x}-"
        first = _VARIANT | int.from_bytes(self._entropy(8), "big") >> 3  # room to count up
        return [
            f"{prefix}{low >> 48:04x}-{low & 0xFFFF_FFFF_FFFF:012x}"
            for low in range(first, first + count)
        ]

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def worker_of(number: int) -> int:
    """The worker that made a number."""
    return number >> _SEQUENCE_BITS & (WORKERS_MAX - 1)


def made_at(number: int) -> datetime:
    """When a number was made, to the millisecond."""
    milliseconds = (number >> (_WORKER_BITS + _SEQUENCE_BITS)) + _EPOCH_MS
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def uuid7() -> UUID:
    """One UUIDv7 by the machine's clock, for code outside a service's lane."""
    return Ids().uuid7()
