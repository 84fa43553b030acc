"""kill -9 of `feira up` itself; the next `feira up` takes over what it left."""

import asyncio

from tests.faults.rush import ORDERS, Rush
from tests.shop import RunningShop

TEST_TIMEOUT_SECONDS = 300


async def test_the_shop_is_killed_and_opened_again(shop: RunningShop, rush: Rush) -> None:
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.reached(ORDERS // 5)
        shop.kill()
        shop.launch()
        await shop.until_open()
        await rush.ends_well()


async def test_the_shop_is_closed_in_the_middle_and_opened_again(
    shop: RunningShop, rush: Rush
) -> None:
    """Ctrl-C answers what is in flight, and loses nothing."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.reached(ORDERS // 5)
        await asyncio.to_thread(shop.stop)
        shop.launch()
        await shop.until_open()
        await rush.ends_well()
