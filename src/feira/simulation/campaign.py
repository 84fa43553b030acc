"""Many seeds in several processes: progress, sums, and what is told of a failure."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final

from feira.simulation.faults import KINDS
from feira.simulation.plan import Plan, plan
from feira.simulation.run import Outcome, run
from feira.simulation.shrinking import SHRINK_SECONDS_MAX, Shrinker

PROGRESS_EVERY_SECONDS: Final = 10.0
PURCHASES_FOR_ALL_KINDS: Final = 5_000
"""With fewer, a kind of fault that never happened proves nothing."""
FAILURES_TOLD_MAX: Final = 3

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    seeds: tuple[str, ...]
    orders: int
    """Purchases a seed."""
    kinds: frozenset[str] = frozenset(KINDS)
    jobs: int = 1
    shrink_seconds_max: float = SHRINK_SECONDS_MAX

    @property
    def purchases(self) -> int:
        return len(self.seeds) * self.orders

    def plan_of(self, seed: str) -> Plan:
        return plan(seed, self.orders, self.kinds)


@dataclass(slots=True)
class Result:
    """What came of a campaign."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    """In words, for people."""

    @property
    def injected(self) -> Counter[str]:
        return sum((o.injected for o in self.outcomes.values()), Counter())

    @property
    def orders(self) -> Counter[str]:
        return sum((o.orders for o in self.outcomes.values()), Counter())


def carry_out(campaign: Campaign, say: Say) -> Result:
    """Run all seeds. The failing ones are shrunk and explained."""
    result, started = Result(), time.monotonic()
    said_at = started
    for seed, outcome in _outcomes(campaign):
        result.outcomes[seed] = outcome
        if outcome.violations and len(result.failures) < FAILURES_TOLD_MAX:
            say(f"seed {seed} fails; looking for the smallest plan that does")
            result.failures.append(explain(campaign, seed, outcome))
        if time.monotonic() - said_at >= PROGRESS_EVERY_SECONDS:
            said_at = time.monotonic()
            say(_progress(campaign, result, said_at - started))
    say(_progress(campaign, result, time.monotonic() - started))
    result.failures += _kinds_that_never_happened(campaign, result)
    return result


def explain(campaign: Campaign, seed: str, outcome: Outcome) -> str:
    """The seed, the violation in words, and the smallest failing plan with its own story."""
    shrinker = Shrinker(campaign.plan_of(seed), outcome, seconds_max=campaign.shrink_seconds_max)
    smallest = shrinker.shrink()
    lines = [
        f"SEED {seed} FAILS (feira simulate --seed {seed} --orders {campaign.orders}):",
        *outcome.violations[:FAILURES_TOLD_MAX],
        "",
        f"the smallest failing plan found in {smallest.runs} runs:",
        f"  {smallest.plan}",
        f"  customers: {[arrival.number for arrival in smallest.plan.customers]}",
        f"  errands:   {[arrival.number for arrival in smallest.plan.errands]}",
        f"  drops:     {[arrival.number for arrival in smallest.plan.drops]}",
        f"  crowd:     {[arrival.number for arrival in smallest.plan.crowd]}",
        f"  planned:   {[str(mishap) for mishap in smallest.plan.mishaps]}",
        f"  happened:  {dict(sorted(smallest.outcome.injected.items()))}",
        "its story:",
        *smallest.outcome.violations[:1],
    ]
    return "\n".join(lines)


def table_of_faults(injected: Counter[str], kinds: Sequence[str]) -> list[str]:
    return [f"  {injected[kind]:>9,}  {kind}" for kind in kinds]


def _outcomes(campaign: Campaign) -> Iterator[tuple[str, Outcome]]:
    """As they are known; at most a few seeds wait beside those that run."""
    if campaign.jobs == 1:
        for seed in campaign.seeds:
            yield seed, run(campaign.plan_of(seed))
        return
    waiting = list(campaign.seeds)[::-1]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(campaign.jobs, mp_context=context) as pool:
        running: dict[Future[Outcome], str] = {}
        while waiting or running:
            while waiting and len(running) < campaign.jobs:
                seed = waiting.pop()
                running[pool.submit(run, campaign.plan_of(seed))] = seed
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()


def _progress(campaign: Campaign, result: Result, seconds: float) -> str:
    purchases = len(result.outcomes) * campaign.orders
    failed = sum(bool(outcome.violations) for outcome in result.outcomes.values())
    return (
        f"{purchases:,} of {campaign.purchases:,} purchases, {seconds:.0f} s, "
        f"{purchases / max(seconds, 0.001):.0f} a second, {failed} seeds failed"
    )


def _kinds_that_never_happened(campaign: Campaign, result: Result) -> list[str]:
    if campaign.purchases < PURCHASES_FOR_ALL_KINDS:
        return []
    injected = result.injected
    never = [kind for kind in KINDS if kind in campaign.kinds and not injected[kind]]
    return [f"these faults never happened: {', '.join(never)}"] if never else []
