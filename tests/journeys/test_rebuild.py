"""A copy of what others told that has come to harm is made anew, while the shop is open."""

import asyncio
import sys

from tests.shop import RunningShop
from tests.shop_client import Caller, ShopClient

REBUILD_TIMEOUT_SECONDS = 120


async def rebuild(shop: RunningShop, *arguments: str) -> tuple[int, str]:
    """`feira rebuild`, as an operator runs it: its exit code and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "feira", "rebuild", *arguments),
        cwd=shop.folder,
        env=shop.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(REBUILD_TIMEOUT_SECONDS):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_stock_levels_are_mended(shop: RunningShop, client: ShopClient, ana: Caller) -> None:
    wrong, lost = await client.product(stock=3), await client.product(stock=4)
    code, said = await rebuild(shop, "catalog")
    assert code == 0, said
    assert "it is the same" in said

    async with shop.database("catalog") as database:
        await database.execute(
            "UPDATE stock_level SET available = 999, version = version + 7 WHERE product_id = $1",
            wrong,
        )
        await database.execute("INSERT INTO stock_level VALUES (999999999999999, 5, 1)")
    code, said = await rebuild(shop, "catalog")
    assert code == 1, said
    assert "2 rows of it are wrong" in said
    assert f"{wrong}: is ({wrong}, 999, " in said
    assert "999999999999999: is (999999999999999, 5, 1), should be absent" in said
    assert (await ana.get(f"/products/{wrong}")).json["stock"] == 999, "it only looked"

    async with shop.database("catalog") as database:
        await database.execute("DELETE FROM stock_level WHERE product_id = $1", lost)
    code, said = await rebuild(shop, "catalog", "--apply")
    assert code == 0, said
    assert "rows mended" in said
    assert (await ana.get(f"/products/{wrong}")).json["stock"] == 3
    assert (await ana.get(f"/products/{lost}")).json["stock"] == 4, "what is missing comes again"

    await ana.buys((wrong, 2))  # and it goes on hearing of changes
    code, said = await rebuild(shop, "catalog")
    assert code == 0, said


async def test_the_price_book_is_mended(shop: RunningShop, client: ShopClient) -> None:
    product_id = await client.product(stock=1, price=10.0)
    async with shop.database("orders") as database:
        await database.execute(
            "UPDATE product SET price_cents = 1 WHERE product_id = $1", product_id
        )
    code, said = await rebuild(shop, "orders", "--apply")
    assert code == 0, said
    assert "1 rows of it are wrong" in said
    async with shop.database("orders") as database:
        price_cents = await database.fetchval(
            "SELECT price_cents FROM product WHERE product_id = $1", product_id
        )
    assert price_cents == 10_00


async def test_who_keeps_no_copies_says_so(shop: RunningShop) -> None:
    code, said = await rebuild(shop, "identity")
    assert (code, said) == (0, "identity keeps no copy of what others tell\n")
