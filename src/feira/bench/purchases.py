"""Complete purchases a second: an HTTP order with its payment, until all services settled it."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from feira.bench.load import send_all
from feira.bench.world import World

POLL_SECONDS: Final = 0.1
SETTLE_SECONDS_MAX: Final = 120.0
OPEN: Final = "SELECT count(*) FROM saga WHERE open"
STARTED: Final = "SELECT count(*) FROM saga"
COMPLETED: Final = "SELECT count(*) FROM saga WHERE progress->>0 = 'completed'"
STARTS: Final = "SELECT id, created_at FROM orders WHERE id > $1"
ENDS: Final = """
SELECT order_id, started_at, (progress->13->-1->>0)::int AS elapsed_ms FROM saga WHERE order_id > $1
"""
LAST_ORDER: Final = "SELECT coalesce(max(order_id), 0) FROM saga"


@dataclass(frozen=True, slots=True)
class Purchases:
    orders: int
    per_second: float
    accepted_per_second: float
    answer_p50_ms: float
    answer_p99_ms: float
    purchase_p50_ms: float
    purchase_p99_ms: float
    cpu_us: dict[str, float]
    """Processor microseconds a purchase, by process."""


async def measure(world: World, orders: int, connections: int, label: str) -> Purchases:
    """Raises RuntimeError when not every order was accepted, or not every purchase completed."""
    sagas, placed = await world.connect("orchestrator"), await world.connect("orders")
    last_order = await sagas.fetchval(LAST_ORDER)
    before, completed_before = await sagas.fetchval(STARTED), await sagas.fetchval(COMPLETED)
    requests = world.orders(orders, label)
    cpu_before, load_before = world.cpu_seconds(), time.process_time()
    started_at = time.perf_counter()
    report = await send_all(world.port, requests, connections)
    while await sagas.fetchval(OPEN) or await sagas.fetchval(STARTED) < before + orders:
        if time.perf_counter() - started_at > SETTLE_SECONDS_MAX:
            raise RuntimeError(f"purchases did not settle; accepted: {dict(report.statuses)}")
        await asyncio.sleep(POLL_SECONDS)
    seconds = time.perf_counter() - started_at
    cpu = {name: used - cpu_before[name] for name, used in world.cpu_seconds().items()}
    cpu["load generator"] = time.process_time() - load_before
    if await sagas.fetchval(COMPLETED) - completed_before != orders:
        raise RuntimeError("some purchases were canceled")
    starts = dict(map(tuple, await placed.fetch(STARTS, last_order)))
    latencies_ms = sorted(
        (started - starts[order_id]).total_seconds() * 1000 + elapsed_ms
        for order_id, started, elapsed_ms in await sagas.fetch(ENDS, last_order)
    )
    await sagas.close()
    await placed.close()
    return Purchases(
        orders=orders,
        per_second=orders / seconds,
        accepted_per_second=orders / report.took_seconds,
        answer_p50_ms=report.quantile_ms(0.5),
        answer_p99_ms=report.quantile_ms(0.99),
        purchase_p50_ms=latencies_ms[len(latencies_ms) // 2],
        purchase_p99_ms=latencies_ms[int(len(latencies_ms) * 0.99)],
        cpu_us={name: used / orders * 1e6 for name, used in cpu.items()},
    )
