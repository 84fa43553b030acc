"""Tables as one transaction sees them: what is committed, and on top of it what it has written.

As PostgreSQL's "read committed": a read sees what others have committed by then; a row is written
under its lock only, which is held until the transaction ends.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, MutableMapping
from copy import copy
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from feira.chassis.memory.locks import Holder, Locks
from feira.chassis.memory.weather import Weather

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")

_DELETED: Final = object()


class Writer:
    """One transaction: its locks, and the tables it has touched."""

    def __init__(self, locks: Locks, weather: Weather) -> None:
        self._locks = locks
        self._weather = weather
        self._holder = Holder()
        self._touched: list[Rows[Any, Any]] = []

    def view(self, tables: T) -> T:
        """The tables object, with every dictionary of it as this transaction sees it."""
        seen = copy(tables)
        for name, table in vars(tables).items():
            if isinstance(table, dict):
                rows = Rows(self, name, table)
                self._touched.append(rows)
                setattr(seen, name, rows)
        return seen

    async def statement(self) -> None:
        await self._weather.statement()

    async def lock(self, table: str, keys: Iterable[Any]) -> None:
        await self._weather.statement()
        await self._locks.take(self._holder, table, sorted(keys))

    async def lock_free(
        self, table: str, find: Callable[[], Iterable[Any]], rows_max: int
    ) -> list[Any]:
        await self._weather.statement()
        return self._locks.take_free(self._holder, table, find(), rows_max)

    def holds(self, table: str, key: Any) -> bool:
        return (table, key) in self._holder.held

    def commit(self) -> None:
        """All at once: nothing is awaited."""
        for rows in self._touched:
            rows.apply()

    def end(self) -> None:
        self._locks.release(self._holder)


class Rows(MutableMapping[K, V], Generic[K, V]):
    """A table, by key. To write a row, `lock` it first."""

    __slots__ = ("_base", "_changes", "_name", "_writer")

    def __init__(self, writer: Writer, name: str, base: dict[K, V]) -> None:
        self._writer = writer
        self._name = name
        self._base = base
        self._changes: dict[K, Any] = {}

    async def lock(self, keys: Iterable[K]) -> None:
        """Lock rows, also those that do not exist yet, in the order of their keys."""
        await self._writer.lock(self._name, keys)

    async def lock_free(self, find: Callable[[], Iterable[K]], rows_max: int) -> list[K]:
        """Lock the first of those that `find` finds and no other transaction holds. Returns them,
        in that order. It looks when the statement has reached the server: nothing comes between."""
        return await self._writer.lock_free(self._name, find, rows_max)

    async def lock_due(
        self, due_at: Callable[[V], datetime | None], by: datetime, rows_max: int
    ) -> list[K]:
        """Lock the first of the rows that are due and that no other transaction holds, the earliest
        before the others. Returns their keys.
        """

        def find() -> list[K]:
            dues: list[Any] = [(due, key) for key, row in self.items() if (due := due_at(row))]
            return [key for due, key in sorted(dues) if due <= by]

        return await self.lock_free(find, rows_max)

    def append_new(self, rows: Iterable[tuple[K, V]]) -> None:
        """Insert rows whose keys nobody else can have."""
        self._changes.update(rows)

    def apply(self) -> None:
        """Make it what is committed."""
        for key, row in self._changes.items():
            if row is _DELETED:
                self._base.pop(key, None)
            else:
                self._base[key] = row
        self._changes = {}

    def __getitem__(self, key: K) -> V:
        row: Any = self._changes.get(key)
        if row is None:
            return self._base[key]
        if row is _DELETED:
            raise KeyError(key)
        found: V = row
        return found

    def __contains__(self, key: object) -> bool:
        if key in self._changes:
            return self._changes[key] is not _DELETED
        return key in self._base

    def __setitem__(self, key: K, row: V) -> None:
        assert self._writer.holds(self._name, key), f"{self._name} {key} is written without a lock"
        self._changes[key] = row

    def __delitem__(self, key: K) -> None:
        assert self._writer.holds(self._name, key), f"{self._name} {key} is deleted without a lock"
        self._changes[key] = _DELETED

    def __iter__(self) -> Iterator[K]:
        changes = self._changes
        yield from (key for key in self._base if key not in changes)
        yield from (key for key, row in changes.items() if row is not _DELETED)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def values(self) -> Any:
        if not self._changes:
            return self._base.values()
        return [self[key] for key in self]

    def items(self) -> Any:
        if not self._changes:
            return self._base.items()
        return [(key, self[key]) for key in self]
