"""`feira bench`: purchases, accepts, hot reservations and a flash sale, beside the floor."""

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import uvloop
from rich.console import Console
from rich.table import Table

from feira.bench import accepts, floor, hot_sku, purchases
from feira.bench.world import world
from feira.cli import bench_flash

PARTS: Final = ("purchases", "accepts", "hot-sku", "flash")
RESULTS: Final = Path("bench/results/bench.json")
WARM_UP_ORDERS: Final = 500


def bench(arguments: Sequence[str]) -> int:
    """Measure, print a table, write JSON; returns the exit code."""
    options = _options(arguments)
    console = Console(stderr=True)
    results = uvloop.run(_measure(options, console))
    print_table(results, Console())
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=2) + "\n")
    print(f"written to {options.out}", file=sys.stderr)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="feira bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"what to measure: {', '.join(PARTS)} (all)")
    parser.add_argument("--orders", type=int, default=15_000, help="orders a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, the floor in between")
    parser.add_argument("--connections", type=int, default=192, help="clients at once")
    parser.add_argument("--processes", default=None, help="as FEIRA_PROCESSES")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the JSON goes")
    bench_flash.add_options(parser)
    options = parser.parse_args(arguments)
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    options.parts = options.parts or list(PARTS)
    return options


async def _measure(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    results: dict[str, Any] = {}
    if "purchases" in options.parts:
        results["purchases"] = await _purchases(options, console)
    if "accepts" in options.parts:
        results["accepts"] = await _accepts(options, console)
    if "hot-sku" in options.parts:
        results["hot_sku"] = await _hot_sku(options, console)
    if "flash" in options.parts:
        results["flash"] = await bench_flash.measure(options, console)
    return results


async def _purchases(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    rounds, floors = [], []
    chosen = {"processes": options.processes} if options.processes else {}
    console.print("purchases: opening a shop")
    async with world(**chosen) as shop:
        await asyncio.sleep(2)  # let the start settle: idle memory is measured next
        idle_megabytes = shop.resident_megabytes()
        await purchases.measure(shop, WARM_UP_ORDERS, 64, "warm-up")
        for number in range(options.rounds):
            floors.append(await floor.measure(shop.superuser_dsn, options.orders))
            console.print(f"  round {number + 1}: floor {floors[-1]:,.0f}/s")
            rounds.append(
                await purchases.measure(
                    shop, options.orders, options.connections, f"round-{number}"
                )
            )
            console.print(f"  round {number + 1}: purchases {rounds[-1].per_second:,.0f}/s")
        megabytes = shop.resident_megabytes()
    median = statistics.median(r.per_second for r in rounds)
    return {
        "floor_per_second": floors,
        "rounds": [asdict(r) for r in rounds],
        "per_second": median,
        "share_of_floor": median / statistics.median(floors),
        "idle_megabytes": idle_megabytes,
        "megabytes": megabytes,
    }


async def _accepts(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    ours, raws = [], []
    console.print("accepts: opening a shop with `orders` alone")
    async with world("orders", seed=False) as shop:
        await accepts.prepare(shop)
        await accepts.measure(shop, WARM_UP_ORDERS, 64, "warm-up")
        for number in range(options.rounds):
            raws.append(await accepts.measure_raw(options.orders, options.connections))
            ours.append(
                await accepts.measure(shop, options.orders, options.connections, f"round-{number}")
            )
            console.print(
                f"  round {number + 1}: raw POST {raws[-1].per_second:,.0f}/s, "
                f"orders accepted {ours[-1].per_second:,.0f}/s"
            )
    median = statistics.median(o.per_second for o in ours)
    raw = statistics.median(r.per_second for r in raws)
    return {
        "rounds": [asdict(o) for o in ours],
        "raw_rounds": [asdict(r) for r in raws],
        "per_second": median,
        "raw_per_second": raw,
        "share_of_raw": median / raw,
    }


async def _hot_sku(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    lanes, singles = [], []
    console.print("hot-sku: opening a shop")
    async with world("orders, catalog, inventory") as shop:
        await hot_sku.prepare(shop)
        for number in range(options.rounds):
            singles.append(await hot_sku.measure_one_by_one(shop))
            lanes.append(await hot_sku.measure_lane(shop, options.orders))
            console.print(
                f"  round {number + 1}: one by one {singles[-1]:,.0f}/s, "
                f"reserved by the lane {lanes[-1]:,.0f}/s"
            )
    lane, single = statistics.median(lanes), statistics.median(singles)
    return {"per_second": lane, "one_by_one_per_second": single, "times": lane / single}


def print_table(results: dict[str, Any], console: Console) -> None:
    table = Table(title="Feira on this machine (medians of one run)")
    for column in ("what", "figure", "beside"):
        table.add_column(column)
    for row in _rows(results):
        table.add_row(*row)
    console.print(table)


def _rows(results: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    if bought := results.get("purchases"):
        floor_rate = statistics.median(bought["floor_per_second"])
        share = f"{bought['share_of_floor']:.1%} of the floor, {floor_rate:,.0f}/s"
        rows.append(("complete purchases", f"{bought['per_second']:,.0f}/s", share))
        last = bought["rounds"][-1]
        for name in ("answer", "purchase"):
            quantiles = f"p50 {last[f'{name}_p50_ms']:.0f} ms, p99 {last[f'{name}_p99_ms']:.0f} ms"
            rows.append((f"{name} latency under this load", quantiles, ""))
        total_us = sum(last["cpu_us"].values())
        rows.append(("processor a purchase", f"{total_us:.0f} µs", _shares(last["cpu_us"], "µs")))
        for name in ("idle_megabytes", "megabytes"):
            memory = bought[name]
            what = "memory idle" if name.startswith("idle") else "memory after the run"
            rows.append((what, f"{sum(memory.values()):.0f} MB", _shares(memory, "MB")))
    if accepted := results.get("accepts"):
        raw = f"{accepted['share_of_raw']:.1%} of a raw POST, {accepted['raw_per_second']:,.0f}/s"
        rows.append(("durable order accepts", f"{accepted['per_second']:,.0f}/s", raw))
    if hot := results.get("hot_sku"):
        single = f"{hot['times']:.1f} times one by one, {hot['one_by_one_per_second']:,.0f}/s"
        rows.append(("reservations of a hot SKU", f"{hot['per_second']:,.0f}/s", single))
    if sale := results.get("flash"):
        rows += bench_flash.rows(sale)
    return rows


def _shares(figures: dict[str, float], unit: str) -> str:
    return ", ".join(f"{name} {value:.0f} {unit}" for name, value in figures.items())
