"""The crowd's side in memory: for tests and the simulation."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from feira.chassis.memory.rows import Rows
from feira.services.flashsale.application.crowd_ports import Holder
from feira.services.flashsale.domain.campaign import Campaign
from feira.services.flashsale.domain.claim import Claim, ClaimStatus
from feira.services.flashsale.domain.drop import Drop, DropStatus
from feira.services.flashsale.domain.report import CountOf, CrowdCount, ReportedClaim
from feira.services.flashsale.domain.standing import Standing
from feira.services.flashsale.domain.waiting_room import Pace

Guest = tuple[int, int]
CountKey = tuple[int, CountOf, str]
DOOR: Final = 0
"""No customer has this number: who locks it for a drop gives places there."""


@dataclass
class MemoryCrowd:
    """What the crowd reads of the database, and its own rows."""

    campaigns: dict[int, Campaign] = field(default_factory=dict)
    drops: dict[int, Drop] = field(default_factory=dict)
    claims: dict[tuple[int, int], Claim] = field(default_factory=dict)
    """By drop and place in the order of arrival."""
    places: dict[Guest, int] = field(default_factory=dict)
    crowd_counts: dict[CountKey, int] = field(default_factory=dict)

    async def standings(self, soon: datetime) -> Sequence[Standing]:
        live = [
            drop
            for drop in self.drops.values()
            if drop.status is not DropStatus.CLOSED and drop.starts_at < soon
        ]
        return [self._standing(drop) for drop in sorted(live, key=lambda one: one.starts_at)]

    async def standing(self, drop_id: int) -> Standing | None:
        drop = self.drops.get(drop_id)
        return self._standing(drop) if drop else None

    async def holders(self, seen: Mapping[int, int], holders_max: int) -> Sequence[Holder]:
        found: list[Holder] = []
        for drop_id, last in seen.items():
            newer = [claim for claim in self._claims_on(drop_id) if claim.seq > last]
            found += [Holder(drop_id, c.seq, c.customer_id) for c in newer[:holders_max]]
        return found

    async def reported_claims(self, drop_id: int) -> Sequence[ReportedClaim]:
        return [
            ReportedClaim(
                claim.seq,
                claim.customer_id,
                claim.status,
                claim.arrived_at,
                claim.decided_at,
                claim.order_id,
                claim.queue_no,
                claim.won_at,
                claim.settled_at,
            )
            for claim in self._claims_on(drop_id)
        ]

    async def counts(self, drop_id: int) -> Sequence[CrowdCount]:
        return [
            CrowdCount(*key, count) for key, count in self.crowd_counts.items() if key[0] == drop_id
        ]

    async def arrivals(self, drop_id: int) -> int:
        return sum(of_drop == drop_id for of_drop, _ in self.places)

    async def queue_no(self, drop_id: int, customer_id: int) -> int | None:
        waiting = [
            claim.queue_no
            for claim in self._claims_on(drop_id)
            if claim.customer_id == customer_id and claim.status is ClaimStatus.WAITING
        ]
        return waiting[-1] if waiting else None

    def _claims_on(self, drop_id: int) -> list[Claim]:
        return [claim for key, claim in sorted(self.claims.items()) if key[0] == drop_id]

    def _standing(self, drop: Drop) -> Standing:
        crowd = self.campaigns[drop.campaign_id].crowd
        return Standing(
            drop_id=drop.id,
            campaign_id=drop.campaign_id,
            product_id=drop.product_id,
            price_cents=drop.price_cents,
            status=drop.status,
            starts_at=drop.starts_at,
            ends_at=drop.ends_at,
            version=drop.version,
            units=drop.units if drop.set_aside is None else drop.set_aside,
            left=drop.left,
            held=drop.held,
            sold=drop.sold,
            waiting=drop.waiting,
            served=drop.served,
            queue_max=drop.queue_max,
            admission=crowd.admission,
            pace=Pace(crowd.admission_at_once, crowd.admission_per_second),
            challenge_bits=crowd.challenge_bits,
        )


class MemoryWaitingRooms:
    def __init__(self, places: Rows[Guest, int]) -> None:
        self._places = places

    async def take_many(self, guests: Iterable[Guest]) -> Mapping[Guest, int]:
        wanted = list(dict.fromkeys(guests))
        await self._places.lock([(drop_id, DOOR) for drop_id in {guest[0] for guest in wanted}])
        await self._places.lock(wanted)
        arrivals = Counter(drop_id for drop_id, _ in self._places)
        for guest in wanted:
            if guest not in self._places:
                arrivals[guest[0]] += 1
                self._places[guest] = arrivals[guest[0]]
        return {guest: self._places[guest] for guest in wanted}


class MemoryCrowdCounts:
    def __init__(self, counts: Rows[CountKey, int]) -> None:
        self._counts = counts
        self._added: Counter[CountKey] = Counter()

    def add_many(self, counts: Iterable[CrowdCount]) -> None:
        for count in counts:
            self._added[count.drop_id, count.kind, count.name] += count.count

    async def flush(self) -> None:
        added, self._added = self._added, Counter()
        await self._counts.lock(list(added))
        for key, count in added.items():
            self._counts[key] = self._counts.get(key, 0) + count
