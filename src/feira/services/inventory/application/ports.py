"""What the use cases need, in their own words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from feira.chassis.store import UnitOfWork
from feira.services.inventory.domain.allotment import Allotment
from feira.services.inventory.domain.reservation import Reservation
from feira.services.inventory.domain.stock import Movement, StockItem


class ReservationRepository(Protocol):
    async def get_many(self, order_ids: Iterable[int]) -> Mapping[int, Reservation]:
        """Those that exist, by their order.

        A live view of all that this unit of work knows: it also shows what is added later.
        """
        ...

    async def find_overdue(self, now: datetime, rows_max: int) -> Sequence[Reservation]:
        """Holds that have ended by `now`, the longest ended first."""
        ...

    def add_many(self, reservations: Iterable[Reservation]) -> None: ...

    def save_many(self, reservations: Iterable[Reservation]) -> None: ...


class StockRepository(Protocol):
    """Every item that is added or saved gets its next version, once a batch, and is told of."""

    async def get_many_for_update(self, product_ids: Iterable[int]) -> Mapping[int, StockItem]:
        """Those that exist, by their product, locked in the order of their ids. A live view."""
        ...

    async def ids_after(self, product_id: int, ids_max: int) -> Sequence[int]:
        """The next ids of those that exist, rising."""
        ...

    def add_many(self, items: Iterable[StockItem]) -> None: ...

    def save_many(self, items: Iterable[StockItem]) -> None: ...

    def tell_many(self, items: Iterable[StockItem]) -> None:
        """Tell their levels, changed or not, as they are when the batch ends.

        So a version always stands for the same level, however often it is told.
        """
        ...


class AllotmentRepository(Protocol):
    async def get_many_for_update(self, allotment_ids: Iterable[int]) -> Mapping[int, Allotment]:
        """Those that exist, locked in the order of their ids. A live view."""
        ...

    def add_many(self, allotments: Iterable[Allotment]) -> None: ...

    def save_many(self, allotments: Iterable[Allotment]) -> None: ...


class MovementRepository(Protocol):
    def add_many(self, movements: Iterable[Movement]) -> None: ...


class AnnouncementRepository(Protocol):
    """How far the announcement of all levels has come: stored, so that a crash does not end it."""

    async def position(self) -> int | None:
        """The product announced last, 0 at the beginning; None when all is said."""
        ...

    def move_to(self, position: int | None) -> None: ...


class InventoryUnitOfWork(UnitOfWork, Protocol):
    @property
    def reservations(self) -> ReservationRepository: ...

    @property
    def allotments(self) -> AllotmentRepository: ...

    @property
    def stock(self) -> StockRepository: ...

    @property
    def movements(self) -> MovementRepository: ...

    @property
    def announcement(self) -> AnnouncementRepository: ...


@dataclass(frozen=True, slots=True)
class StockView:
    """A stock item with its latest movements, the newest first."""

    item: StockItem
    movements: Sequence[Movement]


class StockQueries(Protocol):
    async def get(self, product_id: int, movements_max: int) -> StockView | None: ...
