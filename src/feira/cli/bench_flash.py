"""`feira bench flash`: a crowd at a sale, and what its parts do beside the machine."""

import argparse
import asyncio
import statistics
from dataclasses import asdict
from itertools import count
from typing import Any, Final

from rich.console import Console

from feira.bench import flash, hot_sku
from feira.bench.world import world

ALONE: Final = "flashsale"
CLAIMS_A_ROUND: Final = 20_000
OVERLOAD_CLAIMS: Final = 4_000
SATURATING_CONNECTIONS: Final = 50
LOSERS_CONNECTIONS: Final = 64
PLENTY_ID: Final = 1_001
GONE_ID: Final = 1_002

Rows = list[tuple[str, str, str]]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--crowd", type=int, default=10_000, help="flash: buyers for 100 units")
    parser.add_argument("--concurrency", type=int, default=500, help="flash: claims at once")
    parser.add_argument("--paying", type=float, default=0.8, help="flash: the share that pays")


async def measure(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """All in one run, each beside what it is compared with."""
    return {
        **await _beside(options, console),
        "crowd": await _crowd(options, console),
    }


async def _beside(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    singles, lanes, raws, losers = [], [], [], []
    customers = (n * CLAIMS_A_ROUND + 2_000_000 for n in count())
    console.print("flash: opening a shop with `flashsale` alone")
    async with world(ALONE, seed=False) as shop:
        await flash.a_drop(shop, PLENTY_ID, flash.PLENTY)
        await flash.a_drop(shop, GONE_ID, flash.UNITS, sold=flash.UNITS)
        tokens = shop.customer_tokens(options.orders, next(customers))
        await asyncio.sleep(flash.MEMORY_SECONDS)
        for number in range(options.rounds):
            singles.append(await hot_sku.measure_one_by_one(shop))
            lanes.append(await flash.measure_lane(shop, PLENTY_ID, CLAIMS_A_ROUND, next(customers)))
            raws.append(await flash.measure_raw(tokens, LOSERS_CONNECTIONS))
            losers.append(await flash.measure_losers(shop, GONE_ID, tokens, LOSERS_CONNECTIONS))
            console.print(
                f"  round {number + 1}: one by one {singles[-1]:,.0f}/s, claims {lanes[-1]:,.0f}/s,"
                f" raw POST {raws[-1].per_second:,.0f}/s, losers {losers[-1].per_second:,.0f}/s"
            )
        overload = await flash.measure_overload(
            shop, PLENTY_ID, OVERLOAD_CLAIMS, SATURATING_CONNECTIONS, next(customers)
        )
        console.print(f"  ten times the load: {overload.overloaded.per_second:,.0f} claims/s")
    claims, single = statistics.median(lanes), statistics.median(singles)
    lost = statistics.median(answers.per_second for answers in losers)
    raw = statistics.median(answers.per_second for answers in raws)
    return {
        "claims_per_second": claims,
        "one_by_one_per_second": single,
        "times": claims / single,
        "losers": [asdict(answers) for answers in losers],
        "losers_per_second": lost,
        "raw_per_second": raw,
        "share_of_raw": lost / raw,
        "overload": asdict(overload),
    }


async def _crowd(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    console.print("flash: opening a whole shop")
    chosen = {"processes": options.processes} if options.processes else {}
    async with world(**chosen) as shop:
        crowd = await flash.measure_crowd(
            shop, options.crowd, options.concurrency, options.paying, 9_000_000
        )
    console.print(f"  {crowd.buyers:,} buyers answered in {crowd.answered_seconds:.1f} s")
    return asdict(crowd)


def rows(results: dict[str, Any]) -> Rows:
    """The lines of the table."""
    crowd, overload = results["crowd"], results["overload"]
    peak = overload["peak"]["per_second"]
    single = f"{results['times']:.1f} times one by one, {results['one_by_one_per_second']:,.0f}/s"
    raw = f"{results['share_of_raw']:.1%} of a raw POST, {results['raw_per_second']:,.0f}/s"
    goodput = f"{overload['overloaded']['per_second'] / peak:.1%} of the peak, {peak:,.0f}/s"
    after = f"{overload['after']['per_second'] / peak:.1%} of the peak"
    quantiles = f"p50 {crowd['p50_ms']:.0f} ms, p99 {crowd['p99_ms']:.0f} ms"
    return [
        ("claims on a hot drop", f"{results['claims_per_second']:,.0f}/s", single),
        ("losers, from memory", f"{results['losers_per_second']:,.0f}/s", raw),
        (
            "claims at ten times the load",
            f"{overload['overloaded']['per_second']:,.0f}/s",
            goodput,
        ),
        ("claims just after it", f"{overload['after']['per_second']:,.0f}/s", after),
        (
            f"{crowd['buyers']:,} buyers for {crowd['units']} units",
            f"answered in {crowd['answered_seconds']:.1f} s",
            quantiles,
        ),
        ("units sold and paid", f"{crowd['sold']}", f"in {crowd['sold_seconds']:.1f} s"),
    ]
