"""The drop: units of one product at one price for a while, and the queue for them (B6, B7).

    planned ─► preparing ─► ready ─► open ─► closing ─► returning ─► closed
       │           └──────────┴───────────────────────────▲            ▲
       └───────────────────────────── (missed) ────────────────────────┘

Stock is set aside for it while it is preparing, and given back while it is returning; both are
asked of inventory until it answers. At every moment

    sold + held + left + given_back = set_aside

A unit is held for the order of a claim, and comes free only when orders says that the order has
come to rest unpaid: so there is one clock for the payment deadline, and a unit that is being paid
is never given away. While nobody's unit is free, claims wait in a queue up to `queue_max`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Final, assert_never

from feira.kernel.errors import Category, Refused
from feira.services.flashsale.domain.claim import Claim, ClaimStatus, Wish

ASK_AGAIN_SECONDS: Final = 2
ASK_AGAIN_SECONDS_MAX: Final = 60
ASK_ORDERS_AGAIN_SECONDS: Final = 30

SOLD_OUT: Final = Refused(Category.CONFLICT, "sold_out", "No unit is left.")
ALREADY_CLAIMED: Final = Refused(
    Category.CONFLICT, "already_claimed", "You have had your claim on this drop."
)
NOT_OPEN: Final = Refused(Category.CONFLICT, "not_open", "The sale is not open.")
NOT_FOUND: Final = Refused(
    Category.NOT_FOUND, "flash_sale_not_found", "There is no such flash sale."
)


class DropStatus(StrEnum):
    PLANNED = "planned"
    PREPARING = "preparing"
    READY = "ready"
    OPEN = "open"
    CLOSING = "closing"
    RETURNING = "returning"
    CLOSED = "closed"


class Said(Enum):
    """What a drop has to say to others; what it needs for that is in the drop."""

    SET_ASIDE = "set_aside"
    GIVE_BACK = "give_back"
    OPENED = "opened"
    CLOSED = "closed"
    ASK_ORDERS = "ask_orders"
    """Request the orders of those claims again that have not come to rest."""


@dataclass(slots=True)
class Drop:
    id: int
    campaign_id: int
    slot: datetime
    product_id: int
    price_cents: int
    units: int
    """As many as are wanted."""
    per_customer: int
    queue_max: int
    pay_seconds: int
    starts_at: datetime
    prepare_at: datetime
    """When its stock is set aside."""
    ends_at: datetime
    status: DropStatus = DropStatus.PLANNED
    set_aside: int | None = None
    """As many as inventory could set aside; None: it has not answered."""
    held: int = 0
    sold: int = 0
    given_back: int = 0
    claims: int = 0
    """So many were taken in, ever."""
    queued: int = 0
    """So many drew a number in the queue, ever."""
    served: int = 0
    """So many numbers were called."""
    asked: int = 0
    ask_at: datetime | None = None
    """When to ask again what was not answered."""
    version: int = 0

    @property
    def left(self) -> int:
        return (self.set_aside or 0) - self.held - self.sold - self.given_back

    @property
    def waiting(self) -> int:
        return self.queued - self.served

    @property
    def due_at(self) -> datetime | None:
        """When the clock has something to do with it next."""
        match self.status:
            case DropStatus.PLANNED:
                return self.prepare_at
            case DropStatus.READY:
                return min(self.starts_at, self.ends_at)
            case DropStatus.PREPARING | DropStatus.OPEN:
                return min(self.ends_at, self.ask_at or self.ends_at)
            case DropStatus.CLOSING | DropStatus.RETURNING:
                return self.ask_at
            case DropStatus.CLOSED:
                return None
            case _:
                assert_never(self.status)


# --- claims --------------------------------------------------------------------------------------


def claim(
    drop: Drop, wish: Wish, had: int, make_order_id: Callable[[], int], now: datetime
) -> Claim | Refused:
    """A unit at once, a number in the queue, or no. `had`: the customer's claims on it so far."""
    if drop.status is not DropStatus.OPEN or now >= drop.ends_at:
        return NOT_OPEN
    if had >= drop.per_customer:
        return ALREADY_CLAIMED
    if drop.left > 0:
        made = _claim(drop, wish, had, now)
        _win(drop, made, make_order_id(), now)
        return made
    if drop.held > 0 and drop.waiting < drop.queue_max:
        made = _claim(drop, wish, had, now)
        drop.queued += 1
        made.queue_no = drop.queued
        return made
    return SOLD_OUT


def place_of(drop: Drop, waiting: Claim) -> int:
    """How many are before it in the queue, itself included."""
    assert waiting.queue_no is not None
    return waiting.queue_no - drop.served


def settle(drop: Drop, found: Claim, *, is_sold: bool, now: datetime) -> bool:
    """The order of a claim has come to rest. False: that was known."""
    if found.status is not ClaimStatus.WON:
        return False
    drop.held -= 1
    found.settled_at = now
    found.payment_token = None  # of no more use: not kept
    if is_sold:
        drop.sold += 1
        found.status = ClaimStatus.SOLD
    else:
        found.status = ClaimStatus.LAPSED
    return True


def callable_numbers(drop: Drop, now: datetime) -> int:
    """How many of those who wait get a unit now. After the end nobody does."""
    is_open = drop.status is DropStatus.OPEN and now < drop.ends_at
    return min(drop.left, drop.waiting) if is_open else 0


def callable_at_most(drop: Drop, coming_free: int) -> int:
    """How many of those who wait may get a unit when so many more come free.

    Some may be free already: whoever freed them found the sale over, by a clock ahead of ours.
    """
    return min(drop.waiting, drop.left + coming_free)


def serve(
    drop: Drop, next_in_queue: Sequence[Claim], make_order_id: Callable[[], int], now: datetime
) -> None:
    """Give units to those who wait, in their order."""
    for waiting in next_in_queue:
        assert waiting.queue_no == drop.served + 1, "numbers are called in their order"
        drop.served += 1
        _win(drop, waiting, make_order_id(), now)


def _claim(drop: Drop, wish: Wish, had: int, now: datetime) -> Claim:
    drop.claims += 1
    return Claim(
        drop.id,
        drop.claims,
        wish.customer_id,
        had + 1,
        ClaimStatus.WAITING,
        wish.arrived_at,
        now,
        delivery=wish.delivery,
        payment_method=wish.payment_method,
        payment_token=wish.payment_token,
    )


def _win(drop: Drop, winner: Claim, order_id: int, now: datetime) -> None:
    drop.held += 1
    winner.status = ClaimStatus.WON
    winner.order_id, winner.won_at = order_id, now
    winner.pay_until = now + timedelta(seconds=drop.pay_seconds)
    if drop.ask_at is None:
        drop.ask_at = now + timedelta(seconds=ASK_ORDERS_AGAIN_SECONDS)


# --- the clock -----------------------------------------------------------------------------------


def is_due(drop: Drop, now: datetime) -> bool:
    return drop.due_at is not None and drop.due_at <= now


def turn(drop: Drop, now: datetime) -> list[Said]:
    """Do what is due; what to say about it. Nothing, when nothing is due."""
    return TURNS[drop.status](drop, now) if is_due(drop, now) else []


def _turn_planned(drop: Drop, now: datetime) -> list[Said]:
    return _miss(drop) if now >= drop.ends_at else _ask(drop, DropStatus.PREPARING, now)


def _turn_preparing(drop: Drop, now: datetime) -> list[Said]:
    is_over = now >= drop.ends_at
    return _ask(drop, DropStatus.RETURNING if is_over else DropStatus.PREPARING, now)


def _turn_ready(drop: Drop, now: datetime) -> list[Said]:
    if now >= drop.ends_at:
        return _ask(drop, DropStatus.RETURNING, now)
    drop.status, drop.ask_at = DropStatus.OPEN, None
    return [Said.OPENED]


def _turn_open(drop: Drop, now: datetime) -> list[Said]:
    if now < drop.ends_at:
        return _ask_orders(drop, now)
    drop.status = DropStatus.CLOSING
    drop.ask_at = now + timedelta(seconds=ASK_ORDERS_AGAIN_SECONDS)
    return finish(drop, now)


def _turn_returning(drop: Drop, now: datetime) -> list[Said]:
    return _ask(drop, DropStatus.RETURNING, now)


def set_aside(drop: Drop, units: int, now: datetime) -> list[Said]:
    """Inventory has set so many units aside."""
    assert units >= 0, f"{units} units"
    if drop.status is not DropStatus.PREPARING:
        return []
    drop.set_aside = units
    drop.status, drop.ask_at = DropStatus.READY, None
    return turn(drop, now)


def finish(drop: Drop, now: datetime) -> list[Said]:
    """Give back what is left of a drop that is closing, once nobody's payment is waited for."""
    if drop.status is not DropStatus.CLOSING or drop.held:
        return []
    return _ask(drop, DropStatus.RETURNING, now)


def given_back(drop: Drop, units: int) -> list[Said]:
    """Inventory has taken so many units back: what is left, or one of us has lost count, which
    then shows as units left in a drop that is closed."""
    if drop.status is not DropStatus.RETURNING:
        return []
    if drop.set_aside is None:  # it was not told, and is known now
        drop.set_aside = units
    drop.given_back = units
    drop.status, drop.ask_at = DropStatus.CLOSED, None
    return [Said.CLOSED]


def end_early(drop: Drop, now: datetime) -> list[Said]:
    """No more claims from now on."""
    if now >= drop.ends_at:
        return []
    drop.ends_at = now
    if drop.status is DropStatus.PLANNED:
        return _miss(drop)
    return turn(drop, now)


def pending(drop: Drop) -> list[Said]:
    """What a drop waits for from others, asked (again)."""
    match drop.status:
        case DropStatus.PREPARING:
            return [Said.SET_ASIDE]
        case DropStatus.RETURNING:
            return [Said.GIVE_BACK]
        case DropStatus.OPEN | DropStatus.CLOSING:
            return [Said.ASK_ORDERS] if drop.held else []
        case DropStatus.PLANNED | DropStatus.READY | DropStatus.CLOSED:
            return []
        case _:
            assert_never(drop.status)


def _miss(drop: Drop) -> list[Said]:
    """Its time went by and nobody was there: nothing was set aside."""
    drop.status, drop.set_aside = DropStatus.CLOSED, 0
    return [Said.CLOSED]


def _ask(drop: Drop, status: DropStatus, now: datetime) -> list[Said]:
    drop.asked = drop.asked + 1 if drop.status is status else 0
    drop.status = status
    wait_seconds = min(ASK_AGAIN_SECONDS << min(drop.asked, 8), ASK_AGAIN_SECONDS_MAX)
    drop.ask_at = now + timedelta(seconds=wait_seconds)
    return pending(drop)


def _ask_orders(drop: Drop, now: datetime) -> list[Said]:
    if not drop.held:
        drop.ask_at = None
        return []
    drop.ask_at = now + timedelta(seconds=ASK_ORDERS_AGAIN_SECONDS)
    return pending(drop)


TURNS: Final[dict[DropStatus, Callable[[Drop, datetime], list[Said]]]] = {
    DropStatus.PLANNED: _turn_planned,
    DropStatus.PREPARING: _turn_preparing,
    DropStatus.READY: _turn_ready,
    DropStatus.OPEN: _turn_open,
    DropStatus.CLOSING: _ask_orders,
    DropStatus.RETURNING: _turn_returning,
}
"""Every status but the last, after which nothing is due."""
