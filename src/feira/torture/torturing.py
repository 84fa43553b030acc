"""A run: rounds of load and faults, each followed by rest and an audit of everything so far."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from feira.audit.evidence import Evidence
from feira.audit.finding import Violation
from feira.torture.arena import Arena, open_arena
from feira.torture.customers import Administrator, Customer
from feira.torture.disks import why_not_mountable
from feira.torture.eventually import eventually
from feira.torture.faults.fault import Fault
from feira.torture.resting import rest
from feira.torture.striking import Strikes, Striking

ROUND_SECONDS_MAX: Final = 120.0
CUSTOMERS: Final = 24
PRICES: Final = (3.00, 10.00, 19.99, 0.05, 1234.56, 7.77)
SCARCE_STOCK: Final = 20
PLENTY_STOCK: Final = 400
FIRED_EVERY_SECONDS: Final = 0.2

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done."""

    minutes: float
    seed: int
    faults: Sequence[Fault]
    broker: str = "valkey"
    customers: int = CUSTOMERS
    ends_when_all_fired: bool = False
    """A short run: each round ends as soon as every kind of fault has fired."""


@dataclass
class Run:
    """What was done, and what held."""

    plan: Plan
    left_out: dict[str, str] = field(default_factory=dict)
    """Kinds of faults that this machine does not allow, and why."""
    strikes: Strikes = field(default_factory=Strikes)
    tortured_seconds: float = 0.0
    rest_seconds: list[float] = field(default_factory=list)
    given_up: int = 0
    violations: list[Violation] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def silent(self) -> list[str]:
        """Kinds of faults that should have fired, and never did."""
        return [
            fault.name
            for fault in self.plan.faults
            if fault.name not in self.left_out and not self.strikes.fired[fault.name]
        ]

    @property
    def held(self) -> bool:
        return not self.violations and not self.silent


async def torture(plan: Plan, say: Say) -> Run:
    """Raises `RuntimeError` when the shop cannot even be opened."""
    run = Run(plan)
    reason = why_not_mountable() if any(fault.needs_disks for fault in plan.faults) else None
    if reason is not None:
        run.left_out = {fault.name: reason for fault in plan.faults if fault.needs_disks}
        say(f"NOT DONE, {reason}: {', '.join(run.left_out)}")
    say("opening a shop")
    async with open_arena(plan.broker, with_disks=reason is None) as arena:
        prices = {
            await arena.client.product(
                stock=SCARCE_STOCK if at % 2 else PLENTY_STOCK, price=price
            ): price
            for at, price in enumerate(PRICES)
        }
        await _rounds(arena, run, prices, say)
    return run


async def _rounds(arena: Arena, run: Run, prices: dict[int, float], say: Say) -> None:
    number = 0
    while run.tortured_seconds < run.plan.minutes * 60 and not run.violations:
        number += 1
        left = run.plan.minutes * 60 - run.tortured_seconds
        say(f"round {number}: {min(left, ROUND_SECONDS_MAX):.0f} s")
        began = time.monotonic()
        await _round(arena, run, prices, number, min(left, ROUND_SECONDS_MAX))
        run.tortured_seconds += time.monotonic() - began
        say("  the faults end; waiting until nothing is under way")
        rested = await rest(arena)
        run.rest_seconds.append(rested.seconds)
        run.evidence, run.violations = rested.evidence, rested.violations
        say(f"  at rest after {rested.seconds:.0f} s: {summary(run)}")


async def _round(
    arena: Arena, run: Run, prices: dict[int, float], number: int, seconds: float
) -> None:
    seed = f"{run.plan.seed}/{number}"
    closing = asyncio.Event()
    customers = [
        Customer(
            f"c{number}-{at}", arena.client.customer(), prices, Random(f"{seed}/customer/{at}")
        )
        for at in range(run.plan.customers)
    ]
    dice = Random(f"{seed}/administrator")
    administrator = Administrator(f"a{number}", arena.client.admin, list(prices), dice)
    faults = [fault for fault in run.plan.faults if fault.name not in run.left_out]
    striking = Striking(arena, faults, seed, run.strikes)
    async with asyncio.TaskGroup() as group:
        for customer in customers:
            group.create_task(customer.shops_until(closing))
        group.create_task(administrator.works_until(closing))
        striking.start()
        try:
            await _until_over(run, striking, seconds)
        finally:
            closing.set()
            await striking.stop()
    run.given_up += administrator.given_up + sum(who.given_up for who in customers)


async def _until_over(run: Run, striking: Striking, seconds: float) -> None:
    """The round's time is over, every kind has fired where that is enough, or one failed."""

    async def all_fired() -> bool:
        return run.plan.ends_when_all_fired and not run.silent

    ends = [
        asyncio.create_task(eventually(all_fired, seconds, "", FIRED_EVERY_SECONDS)),
        asyncio.create_task(striking.failed()),
    ]
    try:
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)


def summary(run: Run) -> str:
    fired = sum(run.strikes.fired.values())
    found = f"{len(run.violations)} VIOLATIONS" if run.violations else "everything agrees"
    return f"{len(run.evidence.orders)} orders, {fired} faults, {found}"
