"""A flash sale under a crowd, and the parts of it beside what the machine could do.

Hot claims: the real lane of `flashsale` on one drop that everybody wants, every claim a winner with
its row and its order request, beside single-row updates on 32 connections. Losers: claims on a drop
that is sold out, over HTTP, beside a raw ASGI POST that is sent the same tokens.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp

from feira.bench.accepts import BODY, measure_raw_posts
from feira.bench.load import Report, post, send_all
from feira.bench.world import World
from feira.chassis.parts import Parts
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.service import Service
from feira.chassis.settings import load_settings
from feira.chassis.transports.opening import open_transport
from feira.chassis.work import Origin
from feira.runtime.environment import use_environment_of
from feira.runtime.process import verifier_of
from feira.runtime.registry import builder_of, settings_of
from feira.services.flashsale.application.claim_unit import ClaimUnit, Won
from feira.services.flashsale.domain.claim import Wish

SERVICE: Final = "flashsale"
CLAIMS_AT_ONCE: Final = 500
IN_FLIGHT_MAX: Final = 4
PRODUCT_ID: Final = 1
PLENTY: Final = 10_000_000
UNITS: Final = 100
PAY_SECONDS: Final = 3
SOLD_SECONDS_MAX: Final = 60.0
POLL_SECONDS: Final = 0.1
MEMORY_SECONDS: Final = 1.5
"""After so long every process knows of a drop that was written behind its back."""
PAYING: Final = (
    b'{"payment":{"method":"card","token":"tok_visa"},'
    b'"delivery":{"address":{"street":"Rua Exemplo","number":"10A","city":"S\xc3\xa3o Paulo",'
    b'"state":"SP","country":"Brazil","zipcode":"00000000"}}}'
)
NOT_PAYING: Final = b"{}"
CAMPAIGN: Final = """
INSERT INTO campaign (id, product_id, price_cents, units, starts_at, ends_at, created_at,
    per_customer, queue_max, pay_seconds, carries_over, admission, admission_per_second,
    admission_at_once, challenge_bits, carried_units, last_slot)
VALUES ($1, 1, 100, $2, now(), now() + interval '1 day', now(), 1, 0, 86400, false, false, 50, 200,
    0, 0, now())
"""
DROP: Final = """
INSERT INTO sale_drop (id, campaign_id, slot, product_id, price_cents, units, per_customer,
    queue_max, pay_seconds, starts_at, ends_at, prepare_at, status, set_aside, held, sold,
    given_back, claims, queued, served, asked, ask_at, due_at, version)
VALUES ($1, $1, now(), 1, 100, $2, 1, 0, 86400, now(), now() + interval '1 day', now(), 'open', $2,
    0, $3, 0, 0, 0, 0, 0, NULL, now() + interval '1 day', 1)
"""
DROP_NOW: Final = "SELECT held, sold, queued - served AS waiting FROM sale_drop WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Answers:
    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Crowd:
    """One sale, from its first claim until its last unit was paid."""

    buyers: int
    units: int
    sold: int
    statuses: dict[int, int]
    answered_seconds: float
    sold_seconds: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Overload:
    """Claims a second that won a unit: at saturation, at ten times that, and just after."""

    peak: Answers
    overloaded: Answers
    after: Answers


async def a_drop(world: World, drop_id: int, units: int, sold: int = 0) -> int:
    """An open drop that nobody has set stock aside for: its orders are never made."""
    connection = await world.connect(SERVICE)
    await connection.execute(CAMPAIGN, drop_id, units)
    await connection.execute(DROP, drop_id, units, sold)
    await connection.close()
    return drop_id


async def measure_lane(world: World, drop_id: int, claims: int, first_customer: int) -> float:
    """Durable winning claims a second on one drop; raises RuntimeError when one did not win."""
    service = _flashsale(world)
    running = asyncio.create_task(service.lane.run())
    commands = [
        ClaimUnit(drop_id, Wish(first_customer + n, datetime.now(UTC))) for n in range(claims)
    ]
    started_at = time.perf_counter()
    room = asyncio.Semaphore(IN_FLIGHT_MAX)

    async def ask(at: int) -> list[Any]:
        async with room:
            chunk = commands[at : at + CLAIMS_AT_ONCE]
            return await service.lane.ask_all(chunk, origin=Origin("bench"))

    outcomes = await asyncio.gather(*(ask(at) for at in range(0, claims, CLAIMS_AT_ONCE)))
    seconds = time.perf_counter() - started_at
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await service.close()
    if not all(isinstance(outcome, Won) for chunk in outcomes for outcome in chunk):
        raise RuntimeError("a claim did not win a unit")
    return claims / seconds


async def measure_losers(
    world: World, drop_id: int, tokens: list[str], connections: int
) -> Answers:
    """Claims on a drop that is sold out, straight to the service."""
    path = f"/flash-sales/{drop_id}/orders"
    requests = [post(path, token, PAYING) for token in tokens]
    port = world.shop.settings.service_port(SERVICE)
    report = await send_all(port, requests, connections)
    if report.statuses[409] != len(tokens):
        raise RuntimeError(f"not all were refused: {dict(report.statuses)}")
    return _answers(report, len(tokens))


async def measure_raw(tokens: list[str], connections: int) -> Answers:
    """As many POSTs with the same tokens to the raw application."""
    report = await measure_raw_posts([post("/orders", t, BODY) for t in tokens], connections)
    return _answers(report, len(tokens))


async def measure_crowd(
    world: World, buyers: int, concurrency: int, paying: float, first_customer: int
) -> Crowd:
    """A sale of 100 units through the gateway; raises RuntimeError when somebody got no answer."""
    sale_id = await _start_sale(world)
    tokens = world.customer_tokens(buyers, first_customer)
    chance = random.Random(first_customer)
    path = f"/flash-sales/{sale_id}/orders"
    requests = [
        post(path, token, PAYING if chance.random() < paying else NOT_PAYING, f"crowd-{sale_id}")
        for token in tokens
    ]
    started_at = time.perf_counter()
    report = await send_all(world.port, requests, concurrency)
    if report.statuses[201] + report.statuses[409] != buyers:
        raise RuntimeError(f"not everybody was answered: {dict(report.statuses)}")
    sold = await _until_sold(world, sale_id)
    return Crowd(
        buyers=buyers,
        units=UNITS,
        sold=sold,
        statuses=dict(report.statuses),
        answered_seconds=report.took_seconds,
        sold_seconds=time.perf_counter() - started_at,
        p50_ms=report.quantile_ms(0.5),
        p99_ms=report.quantile_ms(0.99),
    )


async def measure_overload(
    world: World, drop_id: int, claims: int, connections: int, first_customer: int
) -> Overload:
    """Closed loops, so that the load is as many claims at once; each wins a unit."""
    first = first_customer
    rounds = []
    for at_once in (connections, connections * 10, connections):
        rounds.append(await _claims_over_http(world, drop_id, claims, at_once, first))
        first += claims
    return Overload(*rounds)


async def _claims_over_http(
    world: World, drop_id: int, claims: int, connections: int, first_customer: int
) -> Answers:
    path = f"/flash-sales/{drop_id}/orders"
    requests = [
        post(path, token, NOT_PAYING, "claim")
        for token in world.customer_tokens(claims, first_customer)
    ]
    report = await send_all(world.port, requests, connections)
    if report.statuses[201] != claims:
        raise RuntimeError(f"not all claims won a unit: {dict(report.statuses)}")
    return _answers(report, claims)


def _answers(report: Report, requests: int) -> Answers:
    return Answers(
        requests / report.took_seconds, report.quantile_ms(0.5), report.quantile_ms(0.99)
    )


def _flashsale(world: World) -> Service:
    use_environment_of(world.shop.data_dir.path)
    settings = load_settings(settings_of(SERVICE))
    transport = open_transport("sim://flash", partitions=settings.partitions, member="bench")
    parts = Parts(PostgresDatabase.of(settings), transport, verifier_of(settings))
    return builder_of(SERVICE)(parts, settings)


async def _start_sale(world: World) -> int:
    """A campaign of one drop that is open when this returns, of a product with enough stock."""
    now = datetime.now(UTC)
    body = {
        "product_id": PRODUCT_ID,
        "price": 1.00,
        "stock": UNITS,
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(hours=1)).isoformat(),
        "pay_seconds": PAY_SECONDS,
    }
    address = f"{world.shop.settings.address}/flash-sales"
    headers = {"Authorization": f"Bearer {world.admin_token()}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(address, data=json.dumps(body)) as answer:
            started = await answer.json(content_type=None)
            if answer.status != 201:
                raise RuntimeError(f"the sale did not start: {started}")
        sale_id: int = started["id"]
        async with asyncio.timeout(SOLD_SECONDS_MAX):
            while True:
                async with session.get(f"{address}/{sale_id}") as answer:
                    if (await answer.json(content_type=None)).get("status") == "open":
                        return sale_id
                await asyncio.sleep(POLL_SECONDS)


async def _until_sold(world: World, sale_id: int) -> int:
    """Until every unit is paid, or nobody is left who could pay; how many were sold."""
    connection = await world.connect(SERVICE)
    give_up_at = time.perf_counter() + SOLD_SECONDS_MAX
    while True:
        drop = await connection.fetchrow(DROP_NOW, sale_id)
        assert drop is not None
        is_over = drop["held"] == 0 and drop["waiting"] == 0
        if drop["sold"] == UNITS or is_over or time.perf_counter() > give_up_at:
            await connection.close()
            return int(drop["sold"])
        await asyncio.sleep(POLL_SECONDS)
