"""Durable order accepts a second, beside a raw ASGI POST that keeps nothing.

Only `orders` runs: an order is accepted with every other service down (I6).
"""

import asyncio
import sys
from dataclasses import dataclass
from typing import Final

from feira.bench.load import Report, post, send_all
from feira.bench.world import CUSTOMERS, PRODUCTS, World
from feira.embedded.ports import free_port
from feira.embedded.probes import accepts_tcp

PRICES: Final = """
INSERT INTO product SELECT g, 10000, 1, false FROM generate_series(1, $1::int) AS g
ON CONFLICT DO NOTHING
"""
START_SECONDS_MAX: Final = 10.0
POLL_SECONDS: Final = 0.05
BODY: Final = b'{"itens":[{"id":1,"quantity":1}]}'


@dataclass(frozen=True, slots=True)
class Accepts:
    per_second: float
    p50_ms: float
    p99_ms: float


async def prepare(world: World) -> None:
    connection = await world.connect("orders")
    await connection.execute(PRICES, PRODUCTS)
    await connection.close()


async def measure(world: World, orders: int, connections: int, label: str) -> Accepts:
    """Through the gateway; raises RuntimeError when not all were accepted."""
    report = await send_all(world.port, world.orders(orders, label), connections)
    if report.statuses[201] != orders:
        raise RuntimeError(f"not all orders were accepted: {dict(report.statuses)}")
    return Accepts(orders / report.took_seconds, report.quantile_ms(0.5), report.quantile_ms(0.99))


async def measure_raw(requests: int, connections: int) -> Accepts:
    """The raw ASGI POST, asked directly."""
    tokens = [f"token-{n}" for n in range(CUSTOMERS)]
    bodies = [post("/orders", tokens[n % CUSTOMERS], BODY) for n in range(requests)]
    report = await measure_raw_posts(bodies, connections)
    return Accepts(
        requests / report.took_seconds, report.quantile_ms(0.5), report.quantile_ms(0.99)
    )


async def measure_raw_posts(bodies: list[bytes], connections: int) -> Report:
    """These requests to the raw application, in a process of its own."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "feira.bench.raw_app:app", "--port", str(port)),
        *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--lifespan", "off"),
        *("--log-level", "warning"),
    )
    try:
        await _until_listening(port, process.pid)
        return await send_all(port, bodies, connections)
    finally:
        process.terminate()
        await process.wait()


async def _until_listening(port: int, pid: int) -> None:
    listening = accepts_tcp(port)
    async with asyncio.timeout(START_SECONDS_MAX):
        while not await listening(pid):  # noqa: ASYNC110 - another process: nothing to wait on
            await asyncio.sleep(POLL_SECONDS)
