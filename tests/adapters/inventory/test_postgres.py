"""What only PostgreSQL can show: the audit, and what a batch costs it."""

from datetime import timedelta
from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest

from feira.chassis.postgres.connection import Connection
from feira.services.inventory.adapters.postgres import allotments, queries, reservations, stock
from tests.adapters.inventory.process import AUDIT, Process, statements_of
from tests.unit.inventory.world import (
    START,
    World,
    check_books,
    check_versions,
    confirm,
    in_memory,
    last_levels,
    messages_by_order,
    random_commands,
    random_split,
    release,
    reserve,
    state_of,
    without_ids,
)

# --- the same as in memory -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
async def test_any_split_leads_to_the_same_as_one_batch_in_memory(
    postgres_world: World, connection: Connection, seed: int
) -> None:
    chance = Random(seed)
    commands = random_commands(chance, 120)
    memory = in_memory()
    expected = await memory.do(*commands)
    told = await postgres_world.do_in_batches(random_split(chance, commands))
    books = await postgres_world.books()
    assert state_of(books) == state_of(await memory.books())
    assert messages_by_order(told) == messages_by_order(expected)
    assert without_ids(told.outcomes) == without_ids(expected.outcomes)
    assert last_levels(told) == last_levels(expected)
    check_versions(told)
    check_books(books)
    assert await connection.fetch(AUDIT) == []


# --- the audit -----------------------------------------------------------------------------------


async def test_the_ledger_shows_sales_beside_movements(
    postgres_world: World, connection: Connection
) -> None:
    await postgres_world.with_stock({1: 10, 2: 10})
    await postgres_world.do(reserve(17, (1, 3), (2, 1)), reserve(18, (1, 2)), reserve(19, (1, 1)))
    await postgres_world.do(confirm(17), confirm(18))
    await postgres_world.do(release(18))
    ledger = await connection.fetch(
        "SELECT kind, quantity, reference FROM stock_ledger WHERE product_id = 1"
        " ORDER BY kind, quantity"
    )
    assert [tuple(row) for row in ledger] == [
        ("receipt", 10, "product/1"),
        ("restock", 2, "order/18"),
        ("sale", -3, "order/17"),
        ("sale", -2, "order/18"),
    ]
    audit = await connection.fetch("SELECT * FROM stock_audit ORDER BY product_id")
    assert [tuple(row) for row in audit] == [(1, 7, 7, 1, 1, 0, 0), (2, 9, 9, 0, 0, 0, 0)]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE stock_item SET on_hand = on_hand + 1 WHERE product_id = 1",
        "UPDATE stock_item SET reserved = reserved - 1 WHERE product_id = 1",
        "UPDATE reservation SET status = 'released' WHERE status = 'held'",
        "UPDATE reservation SET status = 'confirmed', confirmed_at = now() WHERE status = 'held'",
        "DELETE FROM movement WHERE product_id = 1",
        "DELETE FROM reservation WHERE status = 'confirmed'",
    ],
)
async def test_the_audit_sees_what_does_not_agree(
    postgres_world: World, connection: Connection, tampering: str
) -> None:
    await postgres_world.with_stock({1: 10, 2: 10})
    await postgres_world.do(reserve(17, (1, 3)), reserve(18, (1, 1)), confirm(18))
    assert await connection.fetch(AUDIT) == []
    await connection.execute(tampering)
    assert [row[0] for row in await connection.fetch(AUDIT)] == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE stock_item SET reserved = 11",
        "UPDATE stock_item SET reserved = -1",
        "UPDATE stock_item SET on_hand = -1",
        "UPDATE reservation SET expires_at = NULL",
        "UPDATE reservation SET status = 'confirmed'",
        "UPDATE reservation SET status = 'refused'",
        "UPDATE reservation SET status = 'sold'",
        "INSERT INTO movement VALUES (1, 1, 'receipt', 0, NULL, NULL, now())",
        "INSERT INTO movement VALUES (1, 1, 'theft', 1, NULL, NULL, now())",
    ],
)
async def test_the_database_itself_refuses_what_cannot_be(
    postgres_world: World, connection: Connection, wrong: str
) -> None:
    await postgres_world.with_stock({1: 10})
    await postgres_world.do(reserve(17, (1, 3)))
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(wrong)


# --- what a batch costs --------------------------------------------------------------------------


async def test_a_batch_is_a_few_statements_however_its_types_alternate(
    postgres_world: World, process: Process
) -> None:
    await postgres_world.with_stock({1: 1000, 2: 1000, 3: 1000})
    await postgres_world.do(*(reserve(order_id, (1, 1), (2, 1)) for order_id in range(100)))
    commands = [
        command
        for order_id in range(100)
        for command in (confirm(order_id), reserve(1000 + order_id, (2, 1), (3, 1)))
    ]
    with statements_of(process.connection) as statements:
        await process.try_once(*commands)
    assert statements == [  # and a COPY of the new reservations
        reservations.LOAD,
        stock.LOCK,
        reservations.UPDATE,
        stock.UPDATE,
    ]


async def test_a_hot_product_costs_one_update_a_batch_and_it_is_hot(
    postgres_world: World, process: Process
) -> None:
    connection = process.connection
    await postgres_world.with_stock({1: 100_000})
    await process.try_once(*(reserve(order_id, (1, 1)) for order_id in range(500)))
    await process.try_once(*(confirm(order_id) for order_id in range(500)))
    await connection.execute("SELECT pg_stat_force_next_flush()")
    updates = await connection.fetchrow(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'stock_item'"
    )
    assert updates is not None
    assert tuple(updates) == (2, 2)


@pytest.mark.parametrize(
    ("statement", "arguments", "index"),
    [
        (reservations.LOAD, [[7, 8, 9]], "reservation_pkey"),
        (reservations.OVERDUE, [START, 500], "reservation_held"),
        (stock.LOCK, [[7, 8, 9]], "stock_item_pkey"),
        (stock.IDS_AFTER, [7, 100], "stock_item_pkey"),
        (queries.GET, [7, 50], "movement_pkey"),
        (
            reservations.UPDATE,
            [[7, 8], ["released", "released"], [None, None], [2, 2]],
            "reservation_pkey",
        ),
        (reservations.CURRENT, [[7, 8], [1, 1]], "reservation_pkey"),
        (stock.UPDATE, [[7, 8], [1, 1], [0, 0], [1, 1], [0, 0]], "stock_item_pkey"),
        (allotments.LOCK, [[7, 8, 9]], "allotment_pkey"),
        (allotments.UPDATE, [[7, 8], [1, 1], [None, None], [0, 0]], "allotment_pkey"),
    ],
)
async def test_every_statement_finds_its_rows_by_an_index(
    connection: Connection, statement: str, arguments: list[Any], index: str
) -> None:
    """Also in the plan that is kept for all arguments, which is what a long-lived lane runs."""
    await fill(connection)
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *arguments)
    nodes = list(nodes_of(msgspec.json.decode(plan)[0]["Plan"]))
    assert index in {node.get("Index Name") for node in nodes}
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}


async def fill(connection: Connection) -> None:
    """Tens of thousands of rows, few of them held: as after some hours of a sale."""
    await connection.execute(
        "INSERT INTO stock_item SELECT n, 10, 0, 1 FROM generate_series(1, 20000) AS n"
    )
    await connection.execute(
        """
        INSERT INTO reservation
        SELECT n, CASE WHEN n % 500 = 0 THEN 'held' ELSE 'released' END, '[[1,1]]', NULL, $1, NULL,
               1
        FROM generate_series(1, 50000) AS n
        """,
        START + timedelta(minutes=15),
    )
    await connection.execute(
        """
        INSERT INTO movement
        SELECT n, n % 100, 'receipt', 1, NULL, NULL, now() FROM generate_series(1, 20000) AS n
        """
    )
    await connection.execute(
        """
        INSERT INTO allotment (id, product_id, units, units_left, set_aside_at, given_back)
        SELECT n, n, 1, 1, now(), 0 FROM generate_series(1, 20000) AS n
        """
    )
    await connection.execute("ANALYZE allotment, stock_item, reservation, movement")


def nodes_of(node: dict[str, Any]) -> Any:
    yield node
    for inner in node.get("Plans", []):
        yield from nodes_of(inner)
