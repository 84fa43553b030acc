"""Reservations a second of one SKU that everybody wants, beside one-by-one row updates.

The lane's side is the real inventory lane: claim, load, decide, save, outbox, commit.
"""

import asyncio
import time
from typing import Any, Final

import asyncpg

from feira.bench.world import World
from feira.chassis.parts import Parts
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.service import Service
from feira.chassis.settings import load_settings
from feira.chassis.transports.opening import open_transport
from feira.chassis.work import Origin
from feira.contracts.orchestrator import ReserveStock, StockLine
from feira.runtime.environment import use_environment_of
from feira.runtime.process import verifier_of
from feira.runtime.registry import builder_of, settings_of

CONNECTIONS: Final = 32
ENVELOPE_COMMANDS: Final = 250
ENVELOPES_QUEUED_MAX: Final = 8
PRODUCT_ID: Final = 1
ONE_BY_ONE_SECONDS: Final = 3.0
TABLE: Final = """
CREATE TABLE IF NOT EXISTS bench_stock (sku int PRIMARY KEY, qty bigint NOT NULL CHECK (qty >= 0))
WITH (fillfactor = 50)
"""
FILL: Final = "INSERT INTO bench_stock VALUES (1, 1000000000) ON CONFLICT DO NOTHING"
PLENTY: Final = "UPDATE stock_item SET on_hand = 1000000000 WHERE product_id = $1"
TAKE_ONE: Final = "UPDATE bench_stock SET qty = qty - 1 WHERE sku = 1 AND qty >= 1 RETURNING qty"


async def prepare(world: World) -> None:
    """Enough units for every reservation of the run."""
    connection = await world.connect("inventory")
    await connection.execute(PLENTY, PRODUCT_ID)
    await connection.close()


async def measure_lane(world: World, reservations: int) -> float:
    """Durable reservations a second, all of one product, by one inventory lane."""
    service = await _inventory(world)
    running = asyncio.create_task(service.lane.run())
    started_at = time.perf_counter()
    waiting: list[asyncio.Future[list[Any]]] = []
    for _ in range(reservations // ENVELOPE_COMMANDS):
        waiting.append(await _deliver(service))
        if len(waiting) >= ENVELOPES_QUEUED_MAX:
            await waiting.pop(0)
    for done in waiting:
        await done
    seconds = time.perf_counter() - started_at
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await service.close()
    return reservations // ENVELOPE_COMMANDS * ENVELOPE_COMMANDS / seconds


async def measure_one_by_one(world: World) -> float:
    """Single-row updates a second of one row, each its own commit, on 32 connections."""
    connections = await asyncio.gather(*(world.connect("inventory") for _ in range(CONNECTIONS)))
    await connections[0].execute(TABLE)
    await connections[0].execute(FILL)
    until = time.perf_counter() + ONE_BY_ONE_SECONDS
    counts = await asyncio.gather(*(_take_ones(c, until) for c in connections))
    for connection in connections:
        await connection.close()
    return sum(counts) / ONE_BY_ONE_SECONDS


async def _take_ones(connection: "asyncpg.Connection[asyncpg.Record]", until: float) -> int:
    statement = await connection.prepare(TAKE_ONE)
    count = 0
    while time.perf_counter() < until:
        await statement.fetchval()
        count += 1
    return count


async def _inventory(world: World) -> Service:
    use_environment_of(world.shop.data_dir.path)
    settings = load_settings(settings_of("inventory"))
    transport = open_transport("sim://hot-sku", partitions=settings.partitions, member="bench")
    parts = Parts(PostgresDatabase.of(settings), transport, verifier_of(settings))
    return builder_of("inventory")(parts, settings)


async def _deliver(service: Service) -> "asyncio.Future[list[Any]]":
    commands = [
        ReserveStock(
            order_id=service.ids.number(),
            lines=(StockLine(product_id=PRODUCT_ID, quantity=1),),
            hold_seconds=900,
        )
        for _ in range(ENVELOPE_COMMANDS)
    ]
    origins = [Origin("bench")] * ENVELOPE_COMMANDS
    return await service.lane.deliver(
        service.ids.uuid7(), commands, origins, [b""] * ENVELOPE_COMMANDS
    )
