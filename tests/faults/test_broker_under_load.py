"""The broker dies, stands still, and loses everything, while orders come in: on whichever it is.

`FEIRA_TEST_BROKER` names it (`tests/shop.py`); `make test-brokers` runs this on Kafka, and on
RabbitMQ all but `kill -9` (ADR 0013).
"""

import asyncio
import os
import shutil
import signal

from tests.faults.rush import ORDERS, Rush
from tests.shop import BROKER, RunningShop
from tests.shop_client import ShopClient

TEST_TIMEOUT_SECONDS = 300
AWAY_SECONDS = 30
SEEDED_PRODUCT = 1
END_TIMEOUT_SECONDS = 150
"""A Java or Erlang server takes its time to come back on a busy machine."""


async def test_the_broker_is_killed(shop: RunningShop, rush: Rush) -> None:
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.reached(ORDERS // 5)
        killed = shop.kill_part(BROKER)
        await rush.ends_well(END_TIMEOUT_SECONDS)
    assert shop.pid_of(BROKER) != killed


async def test_orders_are_accepted_while_the_broker_is_away(
    shop: RunningShop, client: ShopClient, rush: Rush
) -> None:
    """For half a minute: the rush is over by then, the last order comes at the very end, and the
    first has not come any further."""
    ana = client.customer()
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.reached(ORDERS // 5)
        os.kill(shop.pid_of(BROKER), signal.SIGSTOP)
        try:
            first = await ana.buys((SEEDED_PRODUCT, 1))
            await asyncio.gather(rush.reached(ORDERS), asyncio.sleep(AWAY_SECONDS))
            last = await ana.buys((SEEDED_PRODUCT, 1))
            assert (await ana.order(first))["status"] == "pending", "the broker is away"
        finally:
            os.kill(shop.pid_of(BROKER), signal.SIGCONT)
        for order_id in (first, last):
            await ana.sees(order_id, "paid", timeout_seconds=END_TIMEOUT_SECONDS)
        await rush.ends_well(END_TIMEOUT_SECONDS)


async def test_the_broker_loses_everything(shop: RunningShop, rush: Rush) -> None:
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.reached(ORDERS // 5)
        killed = shop.kill_part(BROKER)
        wipe(shop)
        await rush.ends_well(END_TIMEOUT_SECONDS)
    assert shop.pid_of(BROKER) != killed


def wipe(shop: RunningShop) -> None:
    """Delete its data's directory before it is started again."""
    shutil.rmtree((shop.data_dir / BROKER).resolve() / "data")
