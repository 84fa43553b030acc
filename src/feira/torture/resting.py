"""After the faults: wait, within limits, until nothing is under way; then ask the auditor.

At rest is a shop of which every part runs and is ready, no order, saga or drop is open, nothing
waits to be published, every plant is buried, and nothing that must come to be is still to come.
What must hold always is not waited for: it is wrong at the first sight.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from feira.audit.auditing import audit
from feira.audit.evidence import Evidence
from feira.audit.finding import Moment, Violation
from feira.runtime.registry import SERVICES
from feira.torture.arena import Arena
from feira.torture.faults.fault import Missed
from feira.torture.faults.messages import publish, waiting_plants
from feira.torture.gathering import UNPUBLISHED, gather
from feira.torture.running_shop import DATABASE_AWAY

REST_SECONDS_MAX: Final = 300.0
"""A saga whose question was lost asks again after two minutes at most, and may do so twice."""
ASK_EVERY_SECONDS: Final = 0.5
PLANT_AGAIN_SECONDS: Final = 15.0
"""Longer than a consumer that has stopped waits, and than a lease on a partition lasts."""

OPEN_ORDERS: Final = "SELECT count(*) FROM orders WHERE NOT settled"
OPEN_DROPS: Final = "SELECT count(*) FROM sale_drop WHERE status <> 'closed'"
OPEN_SAGAS: Final = "SELECT count(*) FROM saga WHERE open"

NOT_READABLE: Final = (
    *DATABASE_AWAY,
    aiohttp.ClientError,
    AssertionError,  # somebody answers that it cannot
)


@dataclass(frozen=True, slots=True)
class Rest:
    """How long it took, what was gathered, and what was wrong in it."""

    seconds: float
    evidence: Evidence
    violations: list[Violation]


async def rest(arena: Arena) -> Rest:
    """The shop at rest, audited; after `REST_SECONDS_MAX` as it stands then.

    Raises `RuntimeError` when `feira up` has ended, or the shop cannot even be read by then.
    """
    began = time.monotonic()
    gardener = Gardener(arena)
    while True:
        arena.shop.ensure_running()
        seconds = time.monotonic() - began
        is_last = seconds > REST_SECONDS_MAX
        try:
            if is_last or (await _is_quiet(arena) and await gardener.has_buried_all()):
                evidence = await evidence_of(arena)
                found = audit(evidence, Moment.FINAL)
                if is_last or not found or audit(evidence, Moment.APART):
                    return Rest(seconds, evidence, found)
        except NOT_READABLE as error:
            if is_last:
                raise RuntimeError(f"the shop cannot be read: {error!r}") from error
        await asyncio.sleep(ASK_EVERY_SECONDS)


async def evidence_of(arena: Arena) -> Evidence:
    """Gathered store after store: what work under way does meanwhile is for `Moment.APART`."""
    evidence = await gather(arena.client)
    evidence.plants = frozenset(arena.plants)
    evidence.clock_error_max_ms = arena.clock_error_max_ms
    return evidence


@dataclass
class Gardener:
    """Plants again what nobody has buried: a broker that lost its data lost these, too.

    Whoever published them would repeat them, as the relays do.
    """

    arena: Arena
    planted_at: float = field(default=0.0)

    async def has_buried_all(self) -> bool:
        waiting = await waiting_plants(self.arena)
        if waiting and time.monotonic() - self.planted_at > PLANT_AGAIN_SECONDS:
            self.planted_at = time.monotonic()
            try:
                await publish(self.arena, [self.arena.plants[name] for name in waiting])
            except Missed:
                self.planted_at = 0.0
        return not waiting


async def _is_quiet(arena: Arena) -> bool:
    """Everybody is there, and nobody has anything left to do that can be counted."""
    counts = [
        await _count(arena, "orders", OPEN_ORDERS),
        await _count(arena, "orchestrator", OPEN_SAGAS),
        await _count(arena, "flashsale", OPEN_DROPS),
        *[await _count(arena, service, UNPUBLISHED) for service in SERVICES],
    ]
    return not any(counts) and await arena.client.is_ready()


async def _count(arena: Arena, service: str, query: str) -> int:
    async with arena.shop.database(service) as db:
        count: int = await db.fetchval(query)
        return count
