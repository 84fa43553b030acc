"""The aggregates of one transaction: each loaded once, and written once when it ends.

Reservations belong to one order and are checked by version (`chassis.aggregates`). Stock items are
what everybody wants: they are locked, so that the lanes of two processes take turns.

The same for every database behind it; what differs is how rows are read and written (`Rows`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from feira.chassis import aggregates
from feira.chassis.aggregates import Shelf
from feira.services.inventory.domain.reservation import Reservation, ReservationStatus
from feira.services.inventory.domain.stock import StockItem

T = TypeVar("T")


class Rows(Protocol[T]):
    """A table of aggregates, in one transaction."""

    async def lock(self, ids: Collection[int]) -> Iterable[T]:
        """Those that exist, locked in the order of their ids."""
        ...

    async def insert(self, aggregates: Collection[T]) -> None:
        """Raises `Contention` when one has been inserted by another transaction meanwhile."""
        ...

    async def update(self, aggregates: Collection[T]) -> None: ...


class ReservationRows(aggregates.Rows[Reservation], Protocol):
    async def find_overdue(self, now: datetime, rows_max: int) -> Iterable[Reservation]:
        """Held ones that end at `now` or before, first come first."""
        ...


class StockRows(Rows[StockItem], Protocol):
    async def ids_after(self, product_id: int, ids_max: int) -> Sequence[int]: ...


class IdentityMap(Generic[T]):
    def __init__(self, rows: Rows[T], id_of: Callable[[T], int]) -> None:
        self._rows = rows
        self._id_of = id_of
        self._known: dict[int, T] = {}
        self._asked: set[int] = set()
        """Ids that were looked for: what was not found then is not looked for again."""
        self._new: dict[int, T] = {}
        self._changed: dict[int, T] = {}

    async def get_many_for_update(self, ids: Iterable[int]) -> Mapping[int, T]:
        missing = set(ids) - self._asked
        if missing:
            self._asked |= missing
            for aggregate in await self._rows.lock(missing):
                self._known[self._id_of(aggregate)] = aggregate
        return self._known

    def add_many(self, aggregates: Iterable[T]) -> None:
        for aggregate in aggregates:
            key = self._id_of(aggregate)
            self._known[key] = self._new[key] = aggregate

    def save_many(self, aggregates: Iterable[T]) -> None:
        for aggregate in aggregates:
            key = self._id_of(aggregate)
            if key not in self._new:
                self._changed[key] = aggregate

    async def flush(self) -> None:
        new, changed = self._new, self._changed
        self._new, self._changed = {}, {}
        if new:
            await self._rows.insert(new.values())
        if changed:
            await self._rows.update(changed.values())


class Reservations(aggregates.Aggregates[Reservation]):
    """Mostly confirmed soon after they were made, by the same process: from the shelf."""

    def __init__(self, rows: ReservationRows, shelf: Shelf[Reservation]) -> None:
        super().__init__(rows, lambda reservation: reservation.order_id, shelf)
        self._find_overdue = rows.find_overdue

    async def find_overdue(self, now: datetime, rows_max: int) -> Sequence[Reservation]:
        await self.flush()  # what was decided earlier in this batch counts
        return self._learn(await self._find_overdue(now, rows_max))


def new_shelf() -> Shelf[Reservation]:
    """Only what is held is likely to be asked for soon."""
    return Shelf(lambda reservation: reservation.status is ReservationStatus.HELD)


class StockItems(IdentityMap[StockItem]):
    def __init__(self, rows: StockRows) -> None:
        super().__init__(rows, lambda item: item.product_id)
        self._ids_after = rows.ids_after
        self._to_tell: dict[int, StockItem] = {}

    async def ids_after(self, product_id: int, ids_max: int) -> Sequence[int]:
        stored = await self._ids_after(product_id, ids_max)
        new = [key for key in self._new if key > product_id]
        return sorted([*stored, *new])[:ids_max]

    def tell_many(self, items: Iterable[StockItem]) -> None:
        self._to_tell.update({item.product_id: item for item in items})

    @property
    def to_tell(self) -> Collection[StockItem]:
        return self._to_tell.values()

    def seal(self) -> Sequence[StockItem]:
        """What this transaction adds or changes, each with its next version: nothing may follow."""
        items = [*self._new.values(), *self._changed.values()]
        for item in items:
            item.version += 1
        return items
