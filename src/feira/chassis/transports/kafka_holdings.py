"""The partitions that a member holds, and how far each is done. Used from two threads.

Kafka lets any member of a group commit any partition's offset: that one which was given away stays
untouched is up to us.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple


class Place(NamedTuple):
    """A partition of a topic, by the topic's name at the broker."""

    name: str
    partition: int


@dataclass(slots=True)
class _Progress:
    done: int
    """The next offset that is not acknowledged."""
    committed: int


class Holdings:
    """What was acknowledged is remembered when a partition is lost with the connection: should it
    come back to this member, what was done meanwhile need not come again. A partition that was
    given up to another member is another's business.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._progress: dict[Place, _Progress | None] = {}
        self._acknowledged: dict[Place, int] = {}

    def take(self, place: Place, committed: int | None) -> int | None:
        """Take a partition; where to start reading, None when nothing is known of it."""
        with self._lock:
            known = [
                each for each in (committed, self._acknowledged.get(place)) if each is not None
            ]
            start = max(known, default=None)
            self._acknowledged[place] = start or 0
            self._progress[place] = (
                None
                if start is None
                else _Progress(start, start if committed is None else committed)
            )
            return start

    def lose(self, places: Iterable[Place]) -> None:
        with self._lock:
            for place in places:
                self._progress.pop(place, None)

    def give_up(self, places: Iterable[Place]) -> None:
        self.lose(places)
        with self._lock:
            for place in places:
                self._acknowledged.pop(place, None)

    def forget(self) -> None:
        """All offsets are of topics that are no more."""
        with self._lock:
            self._progress.clear()
            self._acknowledged.clear()

    def begin(self, place: Place, offset: int) -> None:
        """A message has come: where nothing was known, it tells where the partition begins."""
        with self._lock:
            if place in self._progress and self._progress[place] is None:
                self._progress[place] = _Progress(offset, offset)

    @property
    def places(self) -> list[Place]:
        return list(self._progress)

    def starts(self) -> dict[Place, int]:
        """Where a rewinding leads; partitions that nothing has come from need none."""
        with self._lock:
            return {place: p.done for place, p in self._progress.items() if p is not None}

    def advance(self, done: Iterable[tuple[Place, int]]) -> None:
        """The offsets of what was acknowledged."""
        with self._lock:
            for place, offset in done:
                if place not in self._acknowledged:
                    continue
                reached = max(offset + 1, self._acknowledged[place])
                self._acknowledged[place] = reached
                progress = self._progress.get(place)
                if progress is not None:
                    progress.done = max(progress.done, reached)

    def due(self) -> dict[Place, int]:
        """Offsets to commit, of the partitions that are held now."""
        with self._lock:
            return {
                place: progress.done
                for place, progress in self._progress.items()
                if progress is not None and progress.done > progress.committed
            }

    def settle(self, committed: dict[Place, int]) -> None:
        with self._lock:
            for place, offset in committed.items():
                progress = self._progress.get(place)
                if progress is not None:
                    progress.committed = offset
