"""The aggregates of a transaction: each loaded once, changed in memory, written once at its end.

Most aggregates that a batch touches were touched by a recent batch of the same process: they wait
on its *shelf* and need not be loaded again. That is safe whatever other processes do, because every
write, and every decision made without one, checks that the row is still at the version it was made
from; if not, the batch is tried again with fresh rows. An aggregate is taken off the shelf when it
is used and put back by the commit only: what a failed transaction has changed is simply gone.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, Generic, Protocol, TypeVar

from feira.chassis.store import Contention

SHELF_AGGREGATES_MAX: Final = 20_000


class Versioned(Protocol):
    """An aggregate; a new one has version 0, and every write adds one."""

    version: int


T = TypeVar("T", bound=Versioned)


class Rows(Protocol[T]):
    """A table of aggregates, in one transaction."""

    async def load(self, ids: Collection[int]) -> Iterable[T]:
        """Those that exist."""
        ...

    async def insert(self, aggregates: Collection[T]) -> None:
        """Raises `Contention` when one has been inserted by another transaction meanwhile."""
        ...

    async def update(self, aggregates: Collection[T]) -> int:
        """Write those whose row is at the version before theirs; returns how many were."""
        ...

    async def count_current(self, aggregates: Collection[T]) -> int:
        """How many rows are at the version of their aggregate."""
        ...


class Shelf(Generic[T]):
    """What the last transactions of this process left behind; the oldest make room."""

    def __init__(
        self,
        worth_keeping: Callable[[T], bool] = lambda _: True,
        aggregates_max: int = SHELF_AGGREGATES_MAX,
    ) -> None:
        self._worth_keeping = worth_keeping
        self._aggregates_max = aggregates_max
        self._kept: dict[int, T] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, ids: Iterable[int]) -> dict[int, T]:
        kept = self._kept
        return {key: kept.pop(key) for key in ids if key in kept}

    def put(self, aggregates: Mapping[int, T]) -> None:
        for key, aggregate in aggregates.items():
            if self._worth_keeping(aggregate):
                self._kept[key] = aggregate
            else:
                self._kept.pop(key, None)
        while len(self._kept) > self._aggregates_max:
            del self._kept[next(iter(self._kept))]


class Aggregates(Generic[T]):
    """The identity map of one transaction over a table and a shelf."""

    def __init__(self, rows: Rows[T], id_of: Callable[[T], int], shelf: Shelf[T]) -> None:
        self._rows = rows
        self._id_of = id_of
        self._shelf = shelf
        self._known: dict[int, T] = {}
        self._asked: set[int] = set()
        self._unchecked: dict[int, T] = {}
        """From the shelf, and not yet compared with their rows."""
        self._new: dict[int, T] = {}
        self._changed: dict[int, T] = {}

    async def get_many(self, ids: Iterable[int]) -> Mapping[int, T]:
        """All that this transaction knows, among them those of `ids` that exist."""
        missing = set(ids) - self._asked
        if missing:
            self._asked |= missing
            taken = self._shelf.take(missing)
            self._known.update(taken)
            self._unchecked.update(taken)
            if absent := missing - taken.keys():
                self._learn(await self._rows.load(absent))
        return self._known

    def add_many(self, aggregates: Iterable[T]) -> None:
        for aggregate in aggregates:
            key = self._id_of(aggregate)
            self._known[key] = self._new[key] = aggregate
            self._asked.add(key)

    def save_many(self, aggregates: Iterable[T]) -> None:
        for aggregate in aggregates:
            key = self._id_of(aggregate)
            if key not in self._new:
                self._changed[key] = aggregate

    async def flush(self) -> None:
        """Write what is new and changed. Raises `Contention` when others were faster."""
        new, changed = self._new, self._changed
        self._new, self._changed = {}, {}
        unchecked = [a for key, a in self._unchecked.items() if key not in changed]
        self._unchecked = {}
        for aggregate in (*new.values(), *changed.values()):
            aggregate.version += 1
        if new:
            await self._rows.insert(new.values())
        if changed and await self._rows.update(changed.values()) != len(changed):
            raise Contention("an aggregate was changed by another process")
        if unchecked and await self._rows.count_current(unchecked) != len(unchecked):
            raise Contention("an aggregate on the shelf was changed by another process")

    def committed(self) -> None:
        """The transaction is durable: what it knew is good for the next ones."""
        self._shelf.put(self._known)

    def _learn(self, aggregates: Iterable[T]) -> list[T]:
        """Take in loaded ones; one that is known already stays as this transaction has it."""
        learned = [self._known.setdefault(self._id_of(a), a) for a in aggregates]
        self._asked.update(map(self._id_of, learned))  # the shelf's copy must not replace it
        return learned
