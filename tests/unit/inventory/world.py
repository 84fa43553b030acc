"""Inventory without a lane: batches of commands, decided as the lane decides them.

A world stands on any database: the same stories are told on memory and on PostgreSQL.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any, Final, TypeVar

from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.outbox import Outbox
from feira.chassis.work import Origin
from feira.contracts.catalog import ProductChanged
from feira.contracts.flashsale import GiveBackStock, SetAsideStock
from feira.contracts.inventory import StockLevelChanged
from feira.contracts.message import Message
from feira.contracts.orchestrator import (
    ConfirmReservation,
    ReleaseStock,
    ReserveStock,
    StockLine,
)
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from feira.services.inventory.adapters.memory import MemoryInventory, units_of_work
from feira.services.inventory.adapters.unit_of_work import RowsUnitOfWork
from feira.services.inventory.application.adjust_stock import AdjustStock, adjust_stock
from feira.services.inventory.application.announce_levels import (
    AnnounceLevels,
    ContinueAnnouncement,
    announce_levels,
    continue_announcement,
)
from feira.services.inventory.application.count_stock import CountStock, count_stock
from feira.services.inventory.application.expire_reservations import (
    ExpireReservations,
    expire_reservations,
)
from feira.services.inventory.application.moving import Moved
from feira.services.inventory.application.ports import StockQueries
from feira.services.inventory.application.preload import preload
from feira.services.inventory.application.receive_stock import ReceiveStock, receive_stock
from feira.services.inventory.application.tell_levels import TellLevels, tell_levels
from feira.services.inventory.application.untold_levels import UntoldLevels
from feira.services.inventory.domain.allotment import Allotment
from feira.services.inventory.domain.reservation import Reservation, ReservationStatus
from feira.services.inventory.domain.stock import Movement, StockItem
from feira.services.inventory.entrypoints.consumer import LISTENS_TO

START: Final = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
ADMIN: Final = 4
USE_CASES: Final[Mapping[type, Any]] = {
    ReceiveStock: receive_stock,
    AdjustStock: adjust_stock,
    CountStock: count_stock,
    ExpireReservations: expire_reservations,
    AnnounceLevels: announce_levels,
    ContinueAnnouncement: continue_announcement,
    TellLevels: tell_levels,
    **LISTENS_TO,
}

Begin = Callable[[Outbox, Ids, datetime], AbstractAsyncContextManager[RowsUnitOfWork]]
T = TypeVar("T")


@dataclass
class Told:
    """What a batch led to: an outcome a command, and the messages in their order."""

    outcomes: list[Any]
    messages: list[Message]

    @property
    def answers(self) -> list[Message]:
        """The messages about reservations and allotments."""
        return [told for told in self.messages if not isinstance(told, StockLevelChanged)]

    @property
    def levels(self) -> list[StockLevelChanged]:
        return [told for told in self.messages if isinstance(told, StockLevelChanged)]


@dataclass
class World:
    """`begin` opens a transaction; `read` and `queries` see what has been committed."""

    begin: Begin
    read: Callable[[], Awaitable[MemoryInventory]]
    queries: StockQueries
    preloads: bool = True
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))

    def __post_init__(self) -> None:
        self.ids = Ids(self.clock)

    async def do(self, *commands: Any) -> Told:
        """Decide the commands in one batch."""
        outbox = Outbox("/feira/inventory", 4, self.ids, self.clock.now())
        async with self.begin(outbox, self.ids, self.clock.now()) as uow:
            if self.preloads:
                await preload(commands, uow)
            told = await decide(commands, uow, outbox)
        uow.committed()
        return told

    async def do_in_batches(self, batches: Sequence[Sequence[Any]]) -> Told:
        told = [await self.do(*batch) for batch in batches if batch]
        return Told(
            [outcome for part in told for outcome in part.outcomes],
            [message for part in told for message in part.messages],
        )

    async def with_stock(self, levels: Mapping[int, int]) -> None:
        await self.do(*(product(product_id, units) for product_id, units in levels.items()))

    async def books(self) -> MemoryInventory:
        """A copy of all that is committed."""
        return await self.read()

    async def item(self, product_id: int) -> tuple[int, int]:
        """(on_hand, reserved)"""
        found = (await self.books()).stock[product_id]
        return found.on_hand, found.reserved

    async def status(self, order_id: int) -> ReservationStatus:
        return (await self.books()).reservations[order_id].status

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


async def decide(commands: Sequence[Any], uow: RowsUnitOfWork, outbox: Outbox) -> Told:
    """As `chassis.batch.BatchRunner` does: each run of one type, then flush."""
    outcomes: list[Any] = []
    for kind, run in groupby(commands, type):
        of_one_type = list(run)
        outbox.speak_for([Origin("a-story")] * len(of_one_type))
        outcomes += await USE_CASES[kind](of_one_type, uow)
    assert len(outcomes) == len(commands)
    await uow.flush()
    return Told(outcomes, [message for message, _ in outbox._announced])


def in_memory(*, preloads: bool = True, untold: UntoldLevels | None = None) -> World:
    inventory, make_uow = MemoryInventory(), units_of_work(untold)
    database = MemoryDatabase(inventory)

    @asynccontextmanager
    async def begin(outbox: Outbox, ids: Ids, now: datetime) -> AsyncIterator[RowsUnitOfWork]:
        with database.transaction() as tables:
            yield make_uow(tables, outbox, ids, now)

    async def read() -> MemoryInventory:
        return MemoryInventory(
            {key: replace(row) for key, row in inventory.reservations.items()},
            {key: replace(row) for key, row in inventory.stock.items()},
            dict(inventory.movements_by_id),
            dict(inventory.announcement),
            {key: replace(row) for key, row in inventory.allotments.items()},
        )

    return World(begin, read, inventory, preloads)


# --- commands ------------------------------------------------------------------------------------


def product(product_id: int, initial_stock: int = 0, version: int = 1) -> ProductChanged:
    return ProductChanged(
        product_id=product_id,
        code=f"SKU-{product_id}",
        name="A product",
        price_cents=10_00,
        version=version,
        initial_stock=initial_stock,
    )


def reserve(
    order_id: int,
    *lines: tuple[int, int],
    hold_seconds: int = 900,
    allotment_id: int | None = None,
) -> ReserveStock:
    """Lines are (product id, quantity)."""
    return ReserveStock(
        order_id=order_id,
        lines=tuple(StockLine(product_id=p, quantity=q) for p, q in lines),
        hold_seconds=hold_seconds,
        allotment_id=allotment_id,
    )


def set_aside(allotment_id: int, product_id: int, quantity: int) -> SetAsideStock:
    return SetAsideStock(allotment_id=allotment_id, product_id=product_id, quantity=quantity)


def give_back(allotment_id: int) -> GiveBackStock:
    return GiveBackStock(allotment_id=allotment_id)


def confirm(order_id: int) -> ConfirmReservation:
    return ConfirmReservation(order_id=order_id)


def release(order_id: int) -> ReleaseStock:
    return ReleaseStock(order_id=order_id)


def receive(product_id: int, quantity: int, reason: str | None = None) -> ReceiveStock:
    return ReceiveStock(product_id, quantity, reason, ADMIN)


def adjust(product_id: int, quantity: int, reason: str = "breakage") -> AdjustStock:
    return AdjustStock(product_id, quantity, reason, ADMIN)


def count(product_id: int, on_hand: int, reason: str | None = None) -> CountStock:
    return CountStock(product_id, on_hand, reason, ADMIN)


# --- any sequence of commands, split anyhow ------------------------------------------------------


ORDERS: Final = range(1, 9)
PRODUCTS: Final = range(1, 5)
ALLOTMENTS: Final = range(101, 104)


def random_command(chance: Random) -> Any:
    """Few orders and products, so that commands meet."""
    order_id, product_id = chance.choice(ORDERS), chance.choice(PRODUCTS)
    allotment_id = chance.choice(ALLOTMENTS)
    lines = [(chance.choice(PRODUCTS), chance.randint(1, 4)) for _ in range(chance.randint(1, 3))]
    return chance.choices(
        [
            reserve(order_id, *lines, hold_seconds=chance.choice([0, 900])),
            confirm(order_id),
            release(order_id),
            ExpireReservations(chance.randint(1, 3)),
            product(product_id, chance.randint(0, 6)),
            receive(product_id, chance.randint(1, 5)),
            adjust(product_id, chance.choice([-3, -1, 2])),
            count(product_id, chance.randint(0, 6)),
            AnnounceLevels(),
            ContinueAnnouncement(chance.randint(1, 3)),
            TellLevels(frozenset(chance.sample(PRODUCTS, 2))),
            set_aside(allotment_id, allotment_id - 100, chance.randint(1, 5)),
            give_back(allotment_id),
            reserve(order_id, (allotment_id - 100, 1), allotment_id=allotment_id),
        ],
        weights=[8, 4, 4, 2, 3, 2, 2, 1, 1, 2, 1, 4, 2, 8],
    )[0]


def random_commands(chance: Random, length: int) -> list[Any]:
    return [random_command(chance) for _ in range(length)]


def random_split(chance: Random, commands: Sequence[T]) -> list[Sequence[T]]:
    cuts = sorted(chance.randint(0, len(commands)) for _ in range(chance.randint(1, 10)))
    return [
        commands[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(commands)], strict=True)
    ]


def messages_by_order(told: Told) -> dict[str, list[Message]]:
    by_order: dict[str, list[Message]] = {}
    for message in told.answers:
        by_order.setdefault(message.key, []).append(message)
    return by_order


def check_versions(told: Told) -> None:
    """A version of a product stands for one level, however often it is told."""
    known: dict[tuple[int, int], StockLevelChanged] = {}
    for level in told.levels:
        assert known.setdefault((level.product_id, level.version), level) == level


def last_levels(told: Told) -> dict[int, tuple[int, int]]:
    """(on_hand, reserved) by product, as the announcement with the highest version says."""
    ordered = sorted(told.levels, key=lambda level: level.version)
    return {level.product_id: (level.on_hand, level.reserved) for level in ordered}


def without_ids(outcomes: Sequence[Any]) -> list[Any]:
    return [
        replace(outcome, movement=replace(outcome.movement, id=0))
        if isinstance(outcome, Moved)
        else outcome
        for outcome in outcomes
    ]


@dataclass(frozen=True)
class State:
    """The books without what depends on how batches were cut: ids of movements, versions."""

    reservations: dict[int, Reservation]
    levels: dict[int, tuple[int, int, int]]
    allotments: dict[int, Allotment]
    movements: list[Movement]
    announcement: dict[int, int]


def state_of(books: MemoryInventory) -> State:
    return State(
        {key: replace(found, version=0) for key, found in books.reservations.items()},
        {
            key: (item.on_hand, item.reserved, item.allotted)
            for key, item in sorted(books.stock.items())
        },
        books.allotments,
        [replace(movement, id=0) for movement in books.movements],
        books.announcement,
    )


def check_books(books: MemoryInventory) -> None:
    """What holds between any two batches."""
    held: dict[int, int] = dict.fromkeys(books.stock, 0)
    ledger: dict[int, int] = dict.fromkeys(books.stock, 0)
    for reservation in books.reservations.values():
        for product_id, quantity in reservation.lines:
            if reservation.status is ReservationStatus.HELD:
                held[product_id] += quantity
            if reservation.confirmed_at:
                ledger[product_id] -= quantity
    for movement in books.movements:
        ledger[movement.product_id] += movement.quantity
    check_allotments(books)
    for item in books.stock.values():
        check_item(item, held[item.product_id], ledger[item.product_id])


def check_allotments(books: MemoryInventory) -> None:
    """Of what was set aside, each unit is left, drawn, or given back; while it is open."""
    left: dict[int, int] = dict.fromkeys(books.stock, 0)
    drawn: dict[int, int] = dict.fromkeys(books.allotments, 0)
    for reservation in books.reservations.values():
        if reservation.allotment_id is not None and reservation.promises:
            drawn[reservation.allotment_id] += sum(line.quantity for line in reservation.lines)
    for allotment in books.allotments.values():
        if allotment.product_id is not None:
            left[allotment.product_id] += allotment.left
        assert allotment.left >= 0, allotment
        assert not (allotment.left and allotment.closed_at), allotment
        gone = allotment.left + allotment.given_back + drawn[allotment.id]
        # What comes back after the closing goes to everybody: it is drawn no more, nor left.
        assert gone == allotment.units if allotment.is_open else gone <= allotment.units, allotment
    for item in books.stock.values():
        assert item.allotted == left[item.product_id], f"{item}, {left[item.product_id]} set aside"


def check_item(item: StockItem, held: int, ledger: int) -> None:
    assert item.reserved >= 0, item
    assert item.allotted >= 0, item
    assert item.available >= 0, item
    assert item.reserved == held, f"{item}, but {held} are held"
    assert item.on_hand == ledger, f"{item}, but the ledger says {ledger}"
