"""Everything a transaction of flash sales works with, over any database.

Campaigns and drops are locked when they are loaded, so that the lanes of several processes take
turns: a drop is what everybody wants, and trying again would only make the crowd larger. Claims are
changed by nobody but who has locked their drop.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from feira.chassis.outbox import Outbox
from feira.kernel.ids import Ids
from feira.services.flashsale.application.crowd_ports import CrowdCounts, WaitingRooms
from feira.services.flashsale.domain.campaign import Campaign
from feira.services.flashsale.domain.claim import Claim
from feira.services.flashsale.domain.drop import Drop

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
PREPARE_BEFORE_DEFAULT = timedelta(minutes=2)

OnDropsChanged = Callable[[Sequence[Drop]], None]
"""Told of the drops that a transaction has changed, once it is durable."""


class HasId(Protocol):
    id: int


T = TypeVar("T", bound=HasId)


class Rows(Protocol[T]):
    """A table of aggregates, in one transaction."""

    async def lock(self, ids: Collection[int]) -> Iterable[T]:
        """Those that exist, locked in the order of their ids."""
        ...

    async def lock_due(self, now: datetime, rows_max: int) -> Iterable[T]:
        """Those that are due, except what others have locked."""
        ...

    async def insert(self, aggregates: Collection[T]) -> None:
        """Raises `Contention` when another transaction has inserted one meanwhile."""
        ...

    async def update(self, aggregates: Collection[T]) -> None: ...


class DropRows(Rows[Drop], Protocol):
    async def current_of(self, campaign_ids: Collection[int]) -> Mapping[int, int]: ...

    async def lock_waiting_for_others(self, rows_max: int) -> Iterable[Drop]: ...

    async def lock_of_campaigns(self, campaign_ids: Collection[int]) -> Iterable[Drop]: ...


class ClaimRows(Protocol):
    async def count_of(
        self, customers: Collection[tuple[int, int]]
    ) -> Mapping[tuple[int, int], int]: ...

    async def of_orders(self, order_ids: Collection[int]) -> Iterable[Claim]: ...

    async def next_in_queue(self, drop_id: int, rows_max: int) -> Sequence[Claim]: ...

    async def unsettled(self, drop_id: int, rows_max: int) -> Sequence[Claim]: ...

    async def insert(self, claims: Collection[Claim]) -> None:
        """Raises `Contention` when another transaction has inserted one meanwhile."""
        ...

    async def update(self, claims: Collection[Claim]) -> None:
        """Raises `Contention` when an order's id is another claim's already."""
        ...


@dataclass(frozen=True, slots=True)
class Tables:
    """A database's tables, in one transaction."""

    campaigns: Rows[Campaign]
    drops: DropRows
    claims: ClaimRows
    waiting_rooms: WaitingRooms
    crowd_counts: CrowdCounts


class Locked(Generic[T]):
    """The identity map of one transaction: each loaded once, and written once when it ends."""

    def __init__(self, rows: Rows[T]) -> None:
        self._rows = rows
        self._known: dict[int, T] = {}
        self._asked: set[int] = set()
        """Ids that were looked for: what was not found then is not looked for again."""
        self._new: dict[int, T] = {}
        self._changed: dict[int, T] = {}

    async def get_many_for_update(self, ids: Iterable[int]) -> Mapping[int, T]:
        missing = set(ids) - self._asked
        if missing:
            self._asked |= missing
            self._learn(await self._rows.lock(missing))
        return self._known

    async def find_due(self, now: datetime, rows_max: int) -> Sequence[T]:
        await self.flush()  # what was decided earlier in this batch counts
        return self._learn(await self._rows.lock_due(now, rows_max))

    def add_many(self, aggregates: Iterable[T]) -> None:
        for aggregate in aggregates:
            self._known[aggregate.id] = self._new[aggregate.id] = aggregate

    def save_many(self, aggregates: Iterable[T]) -> None:
        for aggregate in aggregates:
            if aggregate.id not in self._new:
                self._changed[aggregate.id] = aggregate

    async def flush(self) -> None:
        new, changed = self._new, self._changed
        self._new, self._changed = {}, {}
        if new:
            await self._rows.insert(new.values())
        if changed:
            await self._rows.update(changed.values())

    def _learn(self, aggregates: Iterable[T]) -> list[T]:
        """Take in loaded ones; one that is known already stays as this transaction has it."""
        learned = [self._known.setdefault(one.id, one) for one in aggregates]
        self._asked.update(one.id for one in learned)
        return learned


class Drops(Locked[Drop]):
    def __init__(self, rows: DropRows) -> None:
        super().__init__(rows)
        self._drop_rows = rows
        self.touched: dict[int, Drop] = {}
        """All that this transaction adds or changes."""

    async def find_current(self, campaign_ids: Collection[int]) -> Mapping[int, int]:
        await self.flush()
        return await self._drop_rows.current_of(campaign_ids)

    async def find_waiting_for_others(self, drops_max: int) -> Sequence[Drop]:
        await self.flush()
        return self._learn(await self._drop_rows.lock_waiting_for_others(drops_max))

    async def find_of_campaigns(self, campaign_ids: Collection[int]) -> Sequence[Drop]:
        await self.flush()
        return self._learn(await self._drop_rows.lock_of_campaigns(campaign_ids))

    async def flush(self) -> None:
        for drop in (*self._new.values(), *self._changed.values()):
            drop.version += 1
            self.touched[drop.id] = drop
        await super().flush()


class Claims:
    """Not an identity map: each use case writes back what it loads, before the next one loads."""

    def __init__(self, rows: ClaimRows) -> None:
        self._rows = rows
        self._new: list[Claim] = []
        self._changed: dict[tuple[int, int], Claim] = {}

    async def count_of(
        self, customers: Collection[tuple[int, int]]
    ) -> Mapping[tuple[int, int], int]:
        await self.flush()
        return await self._rows.count_of(customers) if customers else {}

    async def of_orders(self, order_ids: Collection[int]) -> Mapping[int, Claim]:
        await self.flush()
        found = await self._rows.of_orders(order_ids)
        return {claim.order_id: claim for claim in found if claim.order_id is not None}

    async def next_in_queue(self, drop_id: int, claims_max: int) -> Sequence[Claim]:
        await self.flush()
        return await self._rows.next_in_queue(drop_id, claims_max)

    async def unsettled(self, drop_id: int, claims_max: int) -> Sequence[Claim]:
        await self.flush()
        return await self._rows.unsettled(drop_id, claims_max)

    def add_many(self, claims: Iterable[Claim]) -> None:
        self._new.extend(claims)

    def save_many(self, claims: Iterable[Claim]) -> None:
        self._changed.update({(claim.drop_id, claim.seq): claim for claim in claims})

    async def flush(self) -> None:
        new, changed = self._new, self._changed
        self._new, self._changed = [], {}
        if new:
            await self._rows.insert(new)
        if changed:
            await self._rows.update(changed.values())


class RowsUnitOfWork:
    def __init__(
        self,
        outbox: Outbox,
        ids: Ids,
        now: datetime,
        *,
        tables: Tables,
        prepare_before: timedelta,
        on_drops_changed: OnDropsChanged,
    ) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.zone: tzinfo = SAO_PAULO
        self.prepare_before = prepare_before
        self.campaigns = Locked(tables.campaigns)
        self.drops = Drops(tables.drops)
        self.claims = Claims(tables.claims)
        self.waiting_rooms = tables.waiting_rooms
        self.crowd_counts = tables.crowd_counts
        self._on_drops_changed = on_drops_changed

    async def flush(self) -> None:
        await self.campaigns.flush()
        await self.drops.flush()
        await self.claims.flush()
        await self.crowd_counts.flush()

    def committed(self) -> None:
        if touched := self.drops.touched:
            self._on_drops_changed(list(touched.values()))


def nobody_is_told(_drops: Sequence[Drop]) -> None:
    """Where nothing is kept in memory about drops."""
