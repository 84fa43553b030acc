"""The crowd's tables and queries in PostgreSQL: places, counts, and plans that stay cheap."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import pytest

from feira.services.flashsale.adapters.postgres import crowd_queries
from feira.services.flashsale.adapters.postgres.crowd_rows import (
    PostgresCrowdCounts,
    PostgresWaitingRooms,
)
from feira.services.flashsale.domain.report import CountOf, CrowdCount
from tests.postgres import PostgresServer
from tests.unit.flashsale.standings import NOON

DROPS = 400
CLAIMS = 20_000
FILL = f"""
INSERT INTO campaign (id, product_id, price_cents, units, starts_at, ends_at, created_at,
    per_customer, queue_max, pay_seconds, carries_over, admission, admission_per_second,
    admission_at_once, challenge_bits, carried_units)
VALUES (1, 1, 100, 100, now(), now() + interval '1 day', now(), 1, 1000, 300, false, false, 50,
    200, 0, 0);
INSERT INTO sale_drop (id, campaign_id, slot, product_id, price_cents, units, per_customer,
    queue_max, pay_seconds, starts_at, ends_at, prepare_at, status, set_aside, held, sold,
    given_back, claims, queued, served, asked, due_at, version)
SELECT n, 1, now() - n * interval '1 hour', 1, 100, 100, 1, 1000, 300,
    now() - n * interval '1 hour', now() + interval '1 hour', now(),
    CASE n WHEN 1 THEN 'open' ELSE 'closed' END, 100, 0, 100,
    0, 100, 0, 0, 0, now(), 1
FROM generate_series(1, {DROPS}) AS n;
INSERT INTO claim (drop_id, seq, customer_id, nth, status, queue_no, arrived_at, decided_at)
SELECT 1 + n % 20, n / 20, n, 1, 'waiting', 1 + n / 20, now(), now()
FROM generate_series(0, {CLAIMS - 1}) AS n;
ANALYZE
"""


@pytest.fixture
async def database(postgres_server: PostgresServer) -> str:
    return await postgres_server.fresh_database("flashsale")


@pytest.fixture
async def connection(database: str) -> AsyncIterator[Any]:
    opened = await asyncpg.connect(database)
    yield opened
    await opened.close()


async def test_places_are_given_in_order_once_a_customer(connection: Any) -> None:
    rooms = PostgresWaitingRooms(connection)
    assert await rooms.take_many([(7, 30), (7, 10), (8, 30), (7, 30)]) == {
        (7, 30): 1,
        (7, 10): 2,
        (8, 30): 1,
    }
    assert (await rooms.take_many([(7, 20), (7, 10)])) == {(7, 20): 3, (7, 10): 2}


async def test_three_processes_give_no_place_twice(database: str) -> None:
    connections = [await asyncpg.connect(database) for _ in range(3)]

    async def gives(process: int) -> list[int]:
        places: list[int] = []
        for batch in range(10):
            guests = [(7, process * 1_000 + batch * 10 + n) for n in range(10)]
            async with connections[process].transaction():
                taken = await PostgresWaitingRooms(connections[process]).take_many(guests)
            places += taken.values()
        return places

    given = await asyncio.gather(*(gives(process) for process in range(3)))
    assert sorted(place for places in given for place in places) == list(range(1, 301))
    for opened in connections:
        await opened.close()


async def test_counts_of_several_processes_are_added_up(connection: Any) -> None:
    for count in (3, 4):
        counts = PostgresCrowdCounts(connection)
        counts.add_many([CrowdCount(7, CountOf.REFUSAL, "sold_out", count)] * 2)
        await counts.flush()
    assert await connection.fetchval("SELECT count FROM crowd_count WHERE drop_id = 7") == 14


async def test_what_the_board_reads_stays_cheap(connection: Any) -> None:
    await connection.execute(FILL)
    for statement, arguments, index, rows_max in (
        (crowd_queries.LIVE, (NOON.replace(year=2100),), "sale_drop_live", 5),
        (crowd_queries.HOLDERS, ([1, 2], [990, 990], 100), "claim_pkey", 40),
        (crowd_queries.QUEUE_NO, (1, 20), "claim_drop_id_customer_id_nth_key", 5),
        (crowd_queries.ONE, (1,), "sale_drop_pkey", 5),
    ):
        plan = await connection.fetchval(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", *arguments
        )
        node = msgspec.json.decode(plan)[0]["Plan"]
        assert index in indexes_in(node), statement
        assert rows_read(node) <= rows_max, statement


def indexes_in(node: Any) -> set[str]:
    found = {node["Index Name"]} if "Index Name" in node else set()
    return found.union(*(indexes_in(inner) for inner in node.get("Plans", ())))


def rows_read(node: Any) -> float:
    """By the scan that reads most, filtered rows included."""
    own = 0.0
    if "Scan" in node["Node Type"]:
        own = node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
    return max([own, *(rows_read(inner) for inner in node.get("Plans", ()))])
