"""After the faults: wait, within limits, until nothing is under way; then ask the auditor."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import aiohttp
import asyncpg

from feira.audit.auditing import audit
from feira.audit.evidence import Evidence
from feira.audit.finding import Moment, Violation
from feira.runtime.registry import SERVICES
from feira.torture.arena import Arena
from feira.torture.eventually import eventually
from feira.torture.faults.fault import Missed
from feira.torture.faults.messages import plant_again
from feira.torture.gathering import UNPUBLISHED, gather

REST_SECONDS_MAX: Final = 300.0
"""A saga whose question was lost asks again after two minutes at most, and may do so twice."""
ASK_EVERY_SECONDS: Final = 0.5
AUDITS_MAX: Final = 20
"""Dead letters are the last to come: they are not counted while waiting."""

OPEN_ORDERS: Final = "SELECT count(*) FROM orders WHERE NOT settled"
OPEN_DROPS: Final = "SELECT count(*) FROM sale_drop WHERE status <> 'closed'"
OPEN_SAGAS: Final = "SELECT count(*) FROM saga WHERE open"


@dataclass(frozen=True, slots=True)
class Rest:
    """How long it took, what was gathered, and what was wrong in it."""

    seconds: float
    evidence: Evidence
    violations: list[Violation]


async def rest(arena: Arena) -> Rest:
    """The shop at rest, audited; after `REST_SECONDS_MAX` as it stands then."""
    began = time.monotonic()
    with suppress(AssertionError):  # what is still under way then, the auditor will tell
        await eventually(lambda: _planted(arena), REST_SECONDS_MAX, "", ASK_EVERY_SECONDS)
        await eventually(lambda: _is_quiet(arena), REST_SECONDS_MAX, "", ASK_EVERY_SECONDS)
    seconds = time.monotonic() - began
    audited = await _audited(arena, seconds)
    for _ in range(AUDITS_MAX - 1):
        if not audited.violations:
            break
        await asyncio.sleep(ASK_EVERY_SECONDS)
        audited = await _audited(arena, seconds)
    return audited


async def _audited(arena: Arena, seconds: float) -> Rest:
    evidence = await _evidence(arena)
    return Rest(seconds, evidence, audit(evidence, Moment.FINAL))


async def _evidence(arena: Arena) -> Evidence:
    evidence = await gather(arena.client)
    evidence.plants = frozenset(arena.plants)
    evidence.clock_error_max_ms = arena.clock_error_max_ms
    return evidence


async def _planted(arena: Arena) -> bool:
    try:
        await plant_again(arena)
    except Missed:
        return False
    return True


async def _is_quiet(arena: Arena) -> bool:
    try:
        counts = [
            await _count(arena, "orders", OPEN_ORDERS),
            await _count(arena, "orchestrator", OPEN_SAGAS),
            await _count(arena, "flashsale", OPEN_DROPS),
            *[await _count(arena, service, UNPUBLISHED) for service in SERVICES],
        ]
        reply = await arena.client.nobody.get("/products?limit=1")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, aiohttp.ClientError):
        return False
    return not any(counts) and reply.status == 200


async def _count(arena: Arena, service: str, query: str) -> int:
    async with arena.shop.database(service) as db:
        count: int = await db.fetchval(query)
        return count
