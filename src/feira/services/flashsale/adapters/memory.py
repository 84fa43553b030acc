"""Flash sales in memory: the same units of work over dictionaries, for tests and the simulation.

Rows are copied on their way in and out. They are locked as in SQL: before they are written, and
where the statement says so before they are read.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from feira.chassis.memory.rows import Rows
from feira.chassis.outbox import Outbox
from feira.chassis.store import Contention
from feira.kernel.ids import Ids
from feira.services.flashsale.adapters.memory_crowd import (
    MemoryCrowd,
    MemoryCrowdCounts,
    MemoryWaitingRooms,
)
from feira.services.flashsale.adapters.unit_of_work import (
    PREPARE_BEFORE_DEFAULT,
    OnDropsChanged,
    RowsUnitOfWork,
    Tables,
    nobody_is_told,
)
from feira.services.flashsale.domain.campaign import Campaign
from feira.services.flashsale.domain.claim import Claim, ClaimStatus
from feira.services.flashsale.domain.drop import Drop, DropStatus

WAITING_FOR_OTHERS = (DropStatus.PREPARING, DropStatus.RETURNING)


@dataclass
class MemoryFlashSales(MemoryCrowd):
    """The database: what has been flushed."""

    async def get(self, sale_id: int) -> Drop | None:
        if sale_id in self.drops:
            return replace(self.drops[sale_id])
        of_campaign = [drop for drop in self.drops.values() if drop.campaign_id == sale_id]
        live = [drop for drop in of_campaign if drop.status is not DropStatus.CLOSED]
        if live:
            return replace(min(live, key=_currency))
        return replace(max(of_campaign, key=lambda drop: drop.slot)) if of_campaign else None

    async def find_live(self, *, offset: int, drops_max: int) -> tuple[Sequence[Drop], int]:
        live = [drop for drop in self.drops.values() if drop.status is not DropStatus.CLOSED]
        live.sort(key=lambda drop: (drop.starts_at, drop.id))
        return [replace(drop) for drop in live[offset : offset + drops_max]], len(live)

    async def newest_claim(self, drop_id: int, customer_id: int) -> Claim | None:
        found = [
            claim
            for claim in self.claims.values()
            if (claim.drop_id, claim.customer_id) == (drop_id, customer_id)
        ]
        return replace(max(found, key=lambda claim: claim.nth)) if found else None

    async def next_due(self) -> datetime | None:
        drops = [drop.due_at for drop in self.drops.values() if drop.due_at]
        campaigns = [c.plan_at for c in self.campaigns.values() if c.plan_at]
        return min([*drops, *campaigns], default=None)


def _currency(drop: Drop) -> tuple[bool, datetime]:
    """The open one first, then the next to open."""
    return drop.status is not DropStatus.OPEN, drop.starts_at


T = TypeVar("T", Campaign, Drop)


async def _locked(rows: Rows[int, T], ids: Iterable[int]) -> list[T]:
    """As they are once they are locked."""
    there = sorted(key for key in ids if key in rows)
    await rows.lock(there)
    return [replace(rows[key]) for key in there]


class MemoryCampaignRows:
    def __init__(self, rows: Rows[int, Campaign]) -> None:
        self._rows = rows

    async def lock(self, ids: Collection[int]) -> Iterable[Campaign]:
        return await _locked(self._rows, ids)

    async def lock_due(self, now: datetime, rows_max: int) -> Iterable[Campaign]:
        locked = await self._rows.lock_due(lambda row: row.plan_at, now, rows_max)
        return [replace(self._rows[key]) for key in locked]

    async def insert(self, aggregates: Collection[Campaign]) -> None:
        await self._rows.lock([campaign.id for campaign in aggregates])
        if any(campaign.id in self._rows for campaign in aggregates):
            raise Contention("another process has made a campaign of this id")
        await self.update(aggregates)

    async def update(self, aggregates: Collection[Campaign]) -> None:
        self._rows.update({campaign.id: replace(campaign) for campaign in aggregates})


class MemoryDropRows:
    def __init__(self, rows: Rows[int, Drop]) -> None:
        self._rows = rows

    async def lock(self, ids: Collection[int]) -> Iterable[Drop]:
        return await _locked(self._rows, ids)

    async def lock_due(self, now: datetime, rows_max: int) -> Iterable[Drop]:
        locked = await self._rows.lock_due(lambda row: row.due_at, now, rows_max)
        return [replace(self._rows[key]) for key in locked]

    async def lock_waiting_for_others(self, rows_max: int) -> Iterable[Drop]:
        waiting = [
            key for key, row in self._rows.items() if row.held or row.status in WAITING_FOR_OTHERS
        ]
        return await self.lock(sorted(waiting)[:rows_max])

    async def lock_of_campaigns(self, campaign_ids: Collection[int]) -> Iterable[Drop]:
        live = [row for row in self._rows.values() if row.status is not DropStatus.CLOSED]
        return await self.lock([row.id for row in live if row.campaign_id in campaign_ids])

    async def current_of(self, campaign_ids: Collection[int]) -> Mapping[int, int]:
        live = [row for row in self._rows.values() if row.status is not DropStatus.CLOSED]
        live.sort(key=_currency, reverse=True)
        return {row.campaign_id: row.id for row in live if row.campaign_id in campaign_ids}

    async def insert(self, aggregates: Collection[Drop]) -> None:
        await self._rows.lock([drop.id for drop in aggregates])
        slots = {(row.campaign_id, row.slot) for row in self._rows.values()}
        if any((drop.campaign_id, drop.slot) in slots for drop in aggregates):
            raise Contention("another process planned the same drop")
        await self.update(aggregates)

    async def update(self, aggregates: Collection[Drop]) -> None:
        self._rows.update({drop.id: replace(drop) for drop in aggregates})


class MemoryClaimRows:
    """Whoever touches claims has locked their drop."""

    def __init__(self, rows: Rows[tuple[int, int], Claim]) -> None:
        self._rows = rows

    async def count_of(
        self, customers: Collection[tuple[int, int]]
    ) -> Mapping[tuple[int, int], int]:
        all_claims = Counter((row.drop_id, row.customer_id) for row in self._rows.values())
        return {one: all_claims[one] for one in customers if one in all_claims}

    async def of_orders(self, order_ids: Collection[int]) -> Iterable[Claim]:
        wanted = set(order_ids)
        return [replace(row) for row in self._rows.values() if row.order_id in wanted]

    async def next_in_queue(self, drop_id: int, rows_max: int) -> Sequence[Claim]:
        return self._first(drop_id, ClaimStatus.WAITING, rows_max)

    async def unsettled(self, drop_id: int, rows_max: int) -> Sequence[Claim]:
        return self._first(drop_id, ClaimStatus.WON, rows_max)

    def _first(self, drop_id: int, status: ClaimStatus, rows_max: int) -> list[Claim]:
        """Numbers in the queue rise with the order of arrival."""
        found = sorted(
            key for key, row in self._rows.items() if key[0] == drop_id and row.status is status
        )
        return [replace(self._rows[key]) for key in found[:rows_max]]

    async def insert(self, claims: Collection[Claim]) -> None:
        known = {(row.drop_id, row.customer_id, row.nth) for row in self._rows.values()}
        if any(
            (c.drop_id, c.seq) in self._rows or (c.drop_id, c.customer_id, c.nth) in known
            for c in claims
        ):
            raise Contention("another process decided on the same claim")
        await self.update(claims)

    async def update(self, claims: Collection[Claim]) -> None:
        await self._rows.lock([(claim.drop_id, claim.seq) for claim in claims])
        if self._has_orders_of_others(claims):
            raise Contention("another process has made an order of this id")
        self._rows.update({(claim.drop_id, claim.seq): replace(claim) for claim in claims})

    def _has_orders_of_others(self, claims: Collection[Claim]) -> bool:
        own = {(claim.drop_id, claim.seq) for claim in claims}
        made = [claim.order_id for claim in claims if claim.order_id is not None]
        others = {row.order_id for key, row in self._rows.items() if key not in own}
        return len(set(made)) < len(made) or not others.isdisjoint(made)


def units_of_work(
    prepare_before: timedelta = PREPARE_BEFORE_DEFAULT,
    on_drops_changed: OnDropsChanged = nobody_is_told,
) -> Callable[[MemoryFlashSales, Outbox, Ids, datetime], RowsUnitOfWork]:
    def make(tables: Any, outbox: Outbox, ids: Ids, now: datetime) -> RowsUnitOfWork:
        return RowsUnitOfWork(
            outbox,
            ids,
            now,
            tables=Tables(
                MemoryCampaignRows(tables.campaigns),
                MemoryDropRows(tables.drops),
                MemoryClaimRows(tables.claims),
                MemoryWaitingRooms(tables.places),
                MemoryCrowdCounts(tables.crowd_counts),
            ),
            prepare_before=prepare_before,
            on_drops_changed=on_drops_changed,
        )

    return make
