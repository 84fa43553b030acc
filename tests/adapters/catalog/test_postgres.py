"""What only PostgreSQL can show: races between processes, plans, and updates in place."""

import asyncio
from datetime import datetime
from typing import Any

import msgspec
import pytest

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection, connect
from feira.chassis.store import Contention
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from feira.services.catalog.adapters.postgres import categories, products, queries
from feira.services.catalog.adapters.postgres.unit_of_work import postgres_unit_of_work
from feira.services.catalog.application.change_product import ChangeProduct
from feira.services.catalog.application.create_product import CreateProduct
from feira.services.catalog.application.ensure_products import EnsureProducts
from feira.services.catalog.application.ports import Sort
from feira.services.catalog.application.remove_category import RemoveCategory
from feira.services.catalog.domain.category import CATEGORY_IN_USE
from feira.services.catalog.domain.product import Changes
from tests.unit.catalog.world import START, Told, World, decide, draft, level, seed

WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
PROBES_MAX = 500


class Process:
    """Another process of the catalog, whose transactions end when the test says so."""

    def __init__(self, connection: Connection, worker: int) -> None:
        self.connection = connection
        self.transaction = connection.transaction()
        self._ids = Ids(ManualClock(START), worker)

    async def decide(self, *commands: Any, now: datetime = START) -> Told:
        """In a transaction that stays open."""
        await self.transaction.start()
        outbox = Outbox("/feira/catalog", 4, self._ids, now)
        uow = postgres_unit_of_work(self.connection, outbox, self._ids, now)
        return await decide(commands, uow, outbox)


async def until_somebody_waits(connection: Connection) -> None:
    for _ in range(PROBES_MAX):
        if await connection.fetchval(WAITING):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


async def test_a_category_that_another_process_fills_stays(
    dsn: str, connection: Connection, postgres_world: World
) -> None:
    await postgres_world.with_shelf()
    await postgres_world.do(ChangeProduct(12, Changes(category_ids=())))
    other = Process(await connect(dsn, "other"), worker=1)
    await other.decide(CreateProduct(draft("NEW", categories=(3,))))
    removing = asyncio.create_task(postgres_world.do(RemoveCategory(3)))
    observer = await connect(dsn, "observer")
    await until_somebody_waits(observer)
    await other.transaction.commit()
    assert (await removing).outcomes == [CATEGORY_IN_USE]
    await other.connection.close()
    await observer.close()


async def test_a_code_that_another_process_took_meanwhile_is_contention(
    dsn: str, postgres_world: World
) -> None:
    """The lane decides the batch again, and then sees whose the code is."""
    await postgres_world.with_shelf()
    other = Process(await connect(dsn, "other"), worker=1)
    observer = await connect(dsn, "observer")
    await observer.execute(
        "INSERT INTO product SELECT 99, 'LATE', name, price_cents, description, category_ids, "
        "attributes, initial_stock, created_at, version, removed FROM product WHERE id = 11"
    )
    rows = products.PostgresProductRows(other.connection)
    (doll,) = await rows.lock([11])
    doll.code = "LATE"
    with pytest.raises(Contention):
        await rows.update([doll])
    doll.id = 100
    with pytest.raises(Contention):
        await rows.insert([doll])
    await other.connection.close()
    await observer.close()


# --- plans ---------------------------------------------------------------------------------------


async def plan_of(connection: Connection, statement: str, *arguments: Any) -> Any:
    explained = await connection.fetchval(f"EXPLAIN (FORMAT json) {statement}", *arguments)
    return msgspec.json.decode(explained)[0]["Plan"]


def indexes_in(plan: Any) -> set[str]:
    found = {plan["Index Name"]} if "Index Name" in plan else set()
    return found.union(*(indexes_in(inner) for inner in plan.get("Plans", ())))


@pytest.fixture
async def full_shop(postgres_world: World, connection: Connection) -> Connection:
    for start in range(1, 5001, 500):
        seeds = (seed(at, f"P-{at}", at) for at in range(start, start + 500))
        await postgres_world.do(EnsureProducts(tuple(seeds)))
        await postgres_world.do(*(level(at, 5, 1) for at in range(start, start + 500)))
    await connection.execute("ANALYZE")
    return connection


async def test_hot_reads_go_by_their_indexes(full_shop: Connection) -> None:
    shown = await plan_of(full_shop, queries.GET, 7)
    assert indexes_in(shown) >= {"product_pkey", "stock_level_pkey"} or indexes_in(shown) >= {
        "product_sold",
        "stock_level_pkey",
    }
    nothing_asked = (None, None, None, None, 20, 0)
    for sort, index in (
        (Sort.NAME, "product_name"),
        (Sort.NAME_DOWN, "product_name"),
        (Sort.PRICE, "product_price"),
        (Sort.PRICE_DOWN, "product_price"),
    ):
        plan = await plan_of(full_shop, queries.FIND_BY[sort], *nothing_asked)
        assert index in indexes_in(plan), sort
    by_id = await plan_of(full_shop, queries.FIND_BY[Sort.ID], *nothing_asked)
    assert indexes_in(by_id) & {"product_pkey", "product_sold"}


async def test_writes_find_their_rows_by_indexes(full_shop: Connection) -> None:
    assert "product_code" in indexes_in(await plan_of(full_shop, products.LOCK_BY_CODE, ["P-7"]))
    assert "product_pkey" in indexes_in(await plan_of(full_shop, products.LOCK, [7, 8]))
    assert "product_pkey" in indexes_in(await plan_of(full_shop, products.PAGE_AFTER, 7, 10))
    in_use = await plan_of(full_shop, products.CATEGORIES_IN_USE, [1])
    assert "product_categories" in indexes_in(in_use)
    assert categories.ALL.count("WHERE") == 0, "the tree is read whole"


async def test_a_sale_updates_a_stock_level_in_place(
    full_shop: Connection, postgres_world: World
) -> None:
    before = "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'stock_level'"
    for version in range(2, 6):
        await postgres_world.do(level(7, 5, version))
    for _ in range(PROBES_MAX):
        await full_shop.execute("SELECT pg_stat_force_next_flush()")
        await full_shop.execute("SELECT pg_stat_clear_snapshot()")
        if await full_shop.fetchval(before) >= 4:
            return
    raise AssertionError("stock levels were not updated in place")
