"""Flash sales without HTTP, broker or queue: commands in batches, on any store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from feira.chassis.memory.database import MemoryDatabase
from feira.contracts.flashsale import WORKERS_OF_FLASHSALE
from feira.contracts.inventory import StockGivenBack, StockSetAside
from feira.contracts.message import Message
from feira.contracts.orders import SaleOrderSettled
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from feira.services.flashsale.adapters.memory import MemoryFlashSales, units_of_work
from feira.services.flashsale.application.claim_unit import ClaimUnit, claim_units
from feira.services.flashsale.application.end_campaign import EndCampaign, end_campaigns
from feira.services.flashsale.application.ensure_campaigns import (
    EnsureCampaigns,
    SeedCampaign,
    ensure_campaigns,
)
from feira.services.flashsale.application.say_again import SayAgain, say_again
from feira.services.flashsale.application.start_campaign import StartCampaign, start_campaigns
from feira.services.flashsale.application.turn_drops import TurnDrops, turn_drops
from feira.services.flashsale.domain.campaign import Hourly
from feira.services.flashsale.domain.claim import Claim, ClaimStatus, Wish
from feira.services.flashsale.domain.drop import Drop, DropStatus
from feira.services.flashsale.entrypoints.consumer import LISTENS_TO
from tests.batches import Batches, in_memory, told_by

START: Final = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
"""Midnight in São Paulo."""
HOUR: Final = timedelta(hours=1)
PREPARE: Final = timedelta(minutes=2)
PRODUCT: Final = 1
USE_CASES: Final[dict[type, Any]] = {
    StartCampaign: start_campaigns,
    EndCampaign: end_campaigns,
    EnsureCampaigns: ensure_campaigns,
    ClaimUnit: claim_units,
    TurnDrops: turn_drops,
    SayAgain: say_again,
    **LISTENS_TO,
}


@dataclass
class World:
    """The database and processes over it; `ids` does not depend on the clock."""

    database: MemoryDatabase[MemoryFlashSales] = field(
        default_factory=lambda: MemoryDatabase(MemoryFlashSales())
    )
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))

    def __post_init__(self) -> None:
        self.ids = Ids(ManualClock(START), workers=WORKERS_OF_FLASHSALE)
        self.batches = self.process()

    def process(self) -> Batches:
        make_uow = units_of_work(PREPARE)
        return in_memory(self.database, make_uow, USE_CASES, ids=self.ids, clock=self.clock)

    @property
    def tables(self) -> MemoryFlashSales:
        return self.database.tables

    def told(self) -> list[Message]:
        return [told.message for told in told_by(self.database)]

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


# --- commands ------------------------------------------------------------------------------------


def starting(units: int = 3, **more: Any) -> StartCampaign:
    """One drop of an hour that starts now, unless told otherwise."""
    fields: dict[str, Any] = {
        "product_id": PRODUCT,
        "price_cents": 1_00,
        "units": units,
        "starts_at": START,
        "ends_at": START + HOUR,
        "hourly": None,
        "per_customer": 1,
        "queue_max": 10,
        "pay_seconds": 300,
        "carries_over": False,
    }
    return StartCampaign(**(fields | more))


def hourly(first_hour: int = 0, last_hour: int = 23, **more: Any) -> StartCampaign:
    return starting(hourly=Hourly(first_hour, last_hour), **({"ends_at": None} | more))


def claiming(sale_id: int, customer_id: int, *, token: str | None = None) -> ClaimUnit:
    method = "card" if token else None
    return ClaimUnit(sale_id, Wish(customer_id, START, None, method, token))


def set_aside(drop_id: int, units: int) -> StockSetAside:
    return StockSetAside(allotment_id=drop_id, product_id=PRODUCT, quantity=units)


def given_back(drop_id: int, units: int) -> StockGivenBack:
    return StockGivenBack(allotment_id=drop_id, quantity=units)


def settled(drop_id: int, order_id: int, *, is_sold: bool) -> SaleOrderSettled:
    return SaleOrderSettled(order_id=order_id, allotment_id=drop_id, is_sold=is_sold)


# --- what holds between any two batches ----------------------------------------------------------


def check_drops(tables: MemoryFlashSales, now: datetime) -> None:
    for drop in tables.drops.values():
        claims = [claim for claim in tables.claims.values() if claim.drop_id == drop.id]
        check_drop(drop, sorted(claims, key=lambda claim: claim.seq), now)


def check_drop(drop: Drop, claims: Sequence[Claim], now: datetime) -> None:
    """sold + held + left + given_back = set_aside; never two a customer; places are fair."""
    by_status = {s: [claim for claim in claims if claim.status is s] for s in ClaimStatus}
    assert drop.left >= 0, drop
    assert drop.sold + drop.held + drop.left + drop.given_back == (drop.set_aside or 0), drop
    assert drop.held == len(by_status[ClaimStatus.WON]), drop
    assert drop.sold == len(by_status[ClaimStatus.SOLD]), drop
    assert drop.waiting == len(by_status[ClaimStatus.WAITING]), drop
    assert [claim.seq for claim in claims] == list(range(1, drop.claims + 1))
    customers = [claim.customer_id for claim in claims]
    assert all(customers.count(one) <= drop.per_customer for one in customers), drop
    waiting = [claim.queue_no for claim in by_status[ClaimStatus.WAITING]]
    assert waiting == list(range(drop.served + 1, drop.queued + 1)), "who came first is next"
    if drop.status is DropStatus.OPEN and now < drop.ends_at:
        assert not (drop.left and drop.waiting), "nobody waits while a unit is left"
    assert (drop.due_at is None) <= (drop.status in (DropStatus.CLOSED, DropStatus.CLOSING))


# --- any sequence of commands --------------------------------------------------------------------


class RandomCommands:
    """Few customers and drops, so that commands meet; ids are foreseen.

    What orders and inventory say is honest in that it says one thing about one order or drop, and
    may come at any time, more than once. It is told from a world in which all was done so far.
    """

    def __init__(self, chance: Random, world: World) -> None:
        self._chance = chance
        self._world = world
        self._fates: dict[int, bool] = {}
        self._aside: dict[int, int] = {}

    def take(self, count: int) -> list[Any]:
        return [self._chance.choice(self._kinds())() for _ in range(count)]

    def _kinds(self) -> list[Callable[[], Any]]:
        return [
            *(self._claim,) * 8,
            *(self._settle,) * 4,
            *(self._set_aside, self._set_aside, self._give_back),
            *(self._turn, self._say_again),
            *((self._start, self._end, self._ensure) if self._chance.random() < 0.2 else ()),
        ]

    def _drops(self) -> list[Drop]:
        return list(self._world.tables.drops.values())

    def _start(self) -> StartCampaign:
        chance = self._chance
        units, queue_max = chance.randint(1, 4), chance.choice([0, 1, 3])
        hours = {} if chance.random() < 0.5 else {"hourly": Hourly(0, 23)}
        return starting(
            units=units,
            queue_max=queue_max,
            per_customer=chance.choice([1, 1, 2]),
            carries_over=chance.random() < 0.5,
            starts_at=None,
            ends_at=self._world.clock.now() + timedelta(minutes=chance.choice([10, 90, 300])),
            **hours,
        )

    def _ensure(self) -> EnsureCampaigns:
        ids = self._chance.sample(range(1, 4), 2)
        return EnsureCampaigns(tuple(SeedCampaign(key, self._start()) for key in ids))

    def _end(self) -> EndCampaign:
        campaigns = [*self._world.tables.campaigns, 999]
        return EndCampaign(self._chance.choice(campaigns))

    def _claim(self) -> ClaimUnit:
        drops = self._drops()
        ids = [999, *(drop.id for drop in drops), *(drop.campaign_id for drop in drops)]
        return claiming(self._chance.choice(ids), self._chance.randint(1, 8))

    def _settle(self) -> Any:
        asked = [(c.drop_id, c.order_id) for c in self._world.tables.claims.values() if c.order_id]
        if not asked:
            return TurnDrops()
        drop_id, order_id = self._chance.choice(asked)
        assert order_id is not None
        is_sold = self._fates.setdefault(order_id, self._chance.random() < 0.5)
        return settled(drop_id, order_id, is_sold=is_sold)

    def _set_aside(self) -> Any:
        asked = [drop for drop in self._drops() if drop.asked or drop.ask_at or drop.set_aside]
        if not asked:
            return TurnDrops()
        drop = self._chance.choice(asked)
        units = self._aside.setdefault(drop.id, self._chance.randint(0, drop.units))
        return set_aside(drop.id, units)

    def _give_back(self) -> Any:
        returning = [drop for drop in self._drops() if drop.status is DropStatus.RETURNING]
        if not returning:
            return TurnDrops()
        drop = self._chance.choice(returning)
        aside = self._aside.setdefault(drop.id, drop.set_aside or 0)
        return given_back(drop.id, aside - drop.sold)

    def _turn(self) -> TurnDrops:
        return TurnDrops()

    def _say_again(self) -> SayAgain:
        return SayAgain()


def rows_of(world: World) -> Any:
    """The rows but for versions, which count writes: of these a batch has fewer."""
    tables = world.tables
    return (
        [row for _, row in sorted(tables.campaigns.items())],
        [replace(row, version=0) for _, row in sorted(tables.drops.items())],
        [row for _, row in sorted(tables.claims.items())],
    )
