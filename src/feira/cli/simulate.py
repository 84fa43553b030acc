"""`feira simulate`: the whole shop in simulated worlds where everything goes wrong, by seeds."""

import argparse
import os
import sys
from collections.abc import Sequence
from hashlib import blake2b
from secrets import randbelow
from typing import Final

from feira.kernel.errors import Misconfigured
from feira.simulation.campaign import Campaign, Result, carry_out, table_of_faults
from feira.simulation.faults import KINDS, parse_faults

FRESH_SEEDS_BELOW: Final = 10**9


def simulate(arguments: Sequence[str]) -> int:
    """Run, print what happened and what held; returns the exit code."""
    options = _options(arguments)
    first = randbelow(FRESH_SEEDS_BELOW) if options.seed is None else options.seed
    campaign = Campaign(
        seeds=tuple(str(first + at) for at in range(options.seeds)),
        orders=options.orders,
        kinds=options.faults,
        jobs=options.jobs,
    )
    print(
        f"seeds {first} to {first + options.seeds - 1}, {options.orders:,} purchases each,"
        f" {options.jobs} at a time",
        file=sys.stderr,
    )
    result = carry_out(campaign, lambda line: print(line, file=sys.stderr, flush=True))
    for line in report(campaign, result):
        print(line)
    return 1 if result.failures else 0


def report(campaign: Campaign, result: Result) -> list[str]:
    """What was simulated, what went wrong on purpose, and what did not hold."""
    ended = ", ".join(f"{count:,} {status}" for status, count in sorted(result.orders.items()))
    steps = sum(outcome.steps for outcome in result.outcomes.values())
    hours = sum(outcome.virtual_seconds for outcome in result.outcomes.values()) / 3600
    lines = [
        f"{campaign.purchases:,} purchases in {hours:.1f} simulated hours, {steps:,} steps",
        f"orders: {ended}",
        "faults that happened:",
        *table_of_faults(result.injected, [kind for kind in KINDS if kind in campaign.kinds]),
        f"hash {_hash(result)}",
    ]
    failed = [seed for seed, outcome in result.outcomes.items() if outcome.violations]
    if failed:
        lines.append(f"seeds that failed: {', '.join(sorted(failed, key=int))}")
    return [*lines, *result.failures] if result.failures else [*lines, "everything held"]


def _hash(result: Result) -> str:
    """The seed's own, or one of all of them."""
    hashes = [outcome.hash for _, outcome in sorted(result.outcomes.items())]
    if len(hashes) == 1:
        return hashes[0]
    return blake2b("".join(hashes).encode(), digest_size=16).hexdigest()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="feira simulate", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="the first seed (a fresh one)")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds")
    parser.add_argument("--orders", type=int, default=1_000, help="purchases a seed")
    parser.add_argument(
        "--faults", default="all", help="all, none, or kinds and groups of faults with commas"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    options = parser.parse_args(arguments)
    if min(options.seeds, options.orders, options.jobs) < 1:
        parser.error("--seeds, --orders and --jobs are at least 1")
    options.jobs = min(options.jobs, options.seeds)
    try:
        options.faults = parse_faults(options.faults)
    except Misconfigured as error:
        parser.error(str(error))
    return options
