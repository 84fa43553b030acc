"""A run: rounds of load and faults, each followed by rest and an audit of everything so far."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

from feira.audit.auditing import audit
from feira.audit.evidence import Evidence
from feira.audit.finding import Moment, Violation
from feira.kernel.clock import SystemClock
from feira.torture.arena import Arena, open_arena
from feira.torture.customers import Administrator, Customer
from feira.torture.disks import why_not_mountable
from feira.torture.faults.fault import Fault
from feira.torture.resting import NOT_READABLE, evidence_of, rest
from feira.torture.striking import Strikes, Striking

ROUND_SECONDS: Final = 120.0
SALE_SECONDS_MAX: Final = 30.0
SALE_PAY_SECONDS: Final = 5
SALE_UNITS: Final = 20
CUSTOMERS: Final = 24
PRICES: Final = (3.00, 10.00, 19.99, 0.05, 1234.56, 7.77)
SCARCE_STOCK: Final = 20
PLENTY_STOCK: Final = 400
AUDIT_EVERY_SECONDS: Final = 30.0
READ_TIMEOUT_SECONDS: Final = 15.0
READ_AGAIN_SECONDS: Final = 0.2

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done."""

    minutes: float
    seeds: Sequence[int]
    """Of the first round, the second, and so on; then the first again."""
    faults: Sequence[Fault]
    broker: str = "valkey"
    relay: str = "poll"
    customers: int = CUSTOMERS
    round_seconds: float = ROUND_SECONDS
    pace: float = 1.0
    """Above 1 faults come that much more often."""
    audit_every_seconds: float = AUDIT_EVERY_SECONDS
    """While the faults are on: what holds always holds then, too."""


@dataclass
class Run:
    """What was done, and what held."""

    plan: Plan
    left_out: dict[str, str] = field(default_factory=dict)
    """Kinds of faults that this machine does not allow, and why."""
    strikes: Strikes = field(default_factory=Strikes)
    tortured_seconds: float = 0.0
    rest_seconds: list[float] = field(default_factory=list)
    audits: int = 0
    audits_missed: int = 0
    """While the faults were on; missed, because somebody could not be read."""
    given_up: int = 0
    violations: list[Violation] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)
    stopped: str | None = None
    """Why it ended before its time."""
    last_lines: str = ""
    """Of everything that the shop's parts say, where something was violated."""

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
        return not (self.violations or self.silent or self.stopped)


async def torture(run: Run, say: Say) -> None:
    """Writes down what it does in `run`: whoever interrupts it has what was done so far.

    Raises `RuntimeError` when the shop cannot be opened, or ends by itself.
    """
    plan = run.plan
    reason = why_not_mountable() if any(fault.needs_disks for fault in plan.faults) else None
    if reason is not None:
        run.left_out = {fault.name: reason for fault in plan.faults if fault.needs_disks}
        say(f"NOT DONE, {reason}: {', '.join(run.left_out)}")
    say("opening a shop")
    async with open_arena(plan.broker, plan.relay, with_disks=reason is None) as arena:
        prices = {
            await arena.client.product(
                stock=SCARCE_STOCK if at % 2 else PLENTY_STOCK, price=price
            ): price
            for at, price in enumerate(PRICES)
        }
        await _rounds(arena, run, prices, say)
        if run.violations:
            run.last_lines = arena.shop.tails()


async def _rounds(arena: Arena, run: Run, prices: dict[int, float], say: Say) -> None:
    number, left = 0, run.plan.minutes * 60
    while left > 0 and not run.violations:
        number += 1
        seconds = min(left, run.plan.round_seconds)
        left -= seconds
        say(f"round {number}: {seconds:.0f} s")
        await _round(arena, run, prices, number, seconds)
        if run.violations:
            say(f"  while the faults were on: {summary(run)}")
            return
        say("  the faults end; waiting until nothing is under way")
        rested = await rest(arena)
        run.rest_seconds.append(rested.seconds)
        run.evidence, run.violations = rested.evidence, rested.violations
        say(f"  at rest after {rested.seconds:.0f} s: {summary(run)}")


async def _round(
    arena: Arena, run: Run, prices: dict[int, float], number: int, seconds: float
) -> None:
    seed = f"{run.plan.seeds[(number - 1) % len(run.plan.seeds)]}/{number}"
    closing = asyncio.Event()
    sale_id = await _open_sale(arena, number, seconds)
    customers = [
        Customer(
            f"c{number}-{at}",
            arena.client.customer(),
            prices,
            sale_id,
            Random(f"{seed}/customer/{at}"),
        )
        for at in range(run.plan.customers)
    ]
    dice = Random(f"{seed}/administrator")
    administrator = Administrator(f"a{number}", arena.client.admin, list(prices), dice)
    faults = [fault for fault in run.plan.faults if fault.name not in run.left_out]
    striking = Striking(arena, faults, seed, run.strikes, run.plan.pace)
    try:
        async with asyncio.TaskGroup() as group:
            for customer in customers:
                group.create_task(customer.shops_until(closing))
            group.create_task(administrator.works_until(closing))
            group.create_task(_audits_until(closing, striking, arena, run))
            await _strikes(striking, run, seconds, closing)
    except* RuntimeError as errors:  # the shop has ended: there is nothing to go on with
        raise errors.exceptions[0] from None
    run.given_up += administrator.given_up + sum(who.given_up for who in customers)


async def _strikes(striking: Striking, run: Run, seconds: float, closing: asyncio.Event) -> None:
    began = time.monotonic()
    striking.start()
    try:
        await striking.until_failed(seconds, closing)
    finally:
        run.tortured_seconds += time.monotonic() - began
        closing.set()
        await striking.stop()


async def _audits_until(closing: asyncio.Event, striking: Striking, arena: Arena, run: Run) -> None:
    """While work is under way: a violation ends the round. Raises what `ensure_running` raises."""
    while not closing.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), run.plan.audit_every_seconds)
        async with striking.withheld():
            arena.shop.ensure_running()
            evidence = await _evidence_meanwhile(arena)
        if evidence is None:
            run.audits_missed += 1
            continue
        run.audits += 1
        run.evidence, run.violations = evidence, audit(evidence, Moment.APART)
        if run.violations:
            closing.set()


async def _evidence_meanwhile(arena: Arena) -> Evidence | None:
    """None where somebody does not come back in time to be read."""
    with suppress(TimeoutError):
        async with asyncio.timeout(READ_TIMEOUT_SECONDS) as limit:
            while not limit.expired():
                with suppress(*NOT_READABLE):
                    return await evidence_of(arena)
                await asyncio.sleep(READ_AGAIN_SECONDS)
    return None


async def _open_sale(arena: Arena, number: int, seconds: float) -> int:
    """A flash sale that begins and ends within the round: fewer units than customers."""
    product_id = await arena.client.product(stock=SALE_UNITS, price=4_999.90)
    now = SystemClock().now()
    body = {
        "product_id": product_id,
        "price": 1.00,
        "stock": SALE_UNITS,
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(seconds=min(seconds, SALE_SECONDS_MAX))).isoformat(),
        "pay_seconds": SALE_PAY_SECONDS,
    }
    reply = await arena.client.admin.post("/flash-sales", body, key=f"sale-{number}")
    assert reply.status == 201, reply
    return int(reply.json["id"])


def summary(run: Run) -> str:
    fired = sum(run.strikes.fired.values())
    found = f"{len(run.violations)} VIOLATIONS" if run.violations else "everything agrees"
    return f"{len(run.evidence.orders)} orders, {fired} faults, {found}"
