"""kill -9 of PostgreSQL and Valkey, and a Valkey that has lost everything, while orders come in."""

import asyncio
import os
import shutil
import signal

from valkey import Valkey

from feira.runtime.shop import read_environment
from tests.faults.rush import ORDERS, Rush
from tests.faults.test_broker_under_load import (
    test_orders_are_accepted_while_the_broker_is_away,
)
from tests.shop import RunningShop

__all__ = ["test_orders_are_accepted_while_the_broker_is_away"]  # on Valkey, too

TEST_TIMEOUT_SECONDS = 300


async def test_the_database_is_killed(shop: RunningShop, rush: Rush) -> None:
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.reached(ORDERS // 5)
        killed = shop.kill_part("postgres")
        await rush.ends_well()
    assert shop.pid_of("postgres") != killed


async def test_the_broker_is_killed(shop: RunningShop, rush: Rush) -> None:
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.reached(ORDERS // 5)
        killed = shop.kill_part("valkey")
        await rush.ends_well()
    assert shop.pid_of("valkey") != killed


async def test_the_broker_forgets_everything(shop: RunningShop, rush: Rush) -> None:
    """FLUSHALL: streams, groups and what nobody had read, gone between two commands."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        for orders in (ORDERS // 5, ORDERS // 2):
            await rush.reached(orders)
            flush_broker(shop)
        await rush.ends_well()


async def test_the_broker_forgets_what_nobody_has_read(shop: RunningShop, rush: Rush) -> None:
    """All but orders stand still, so that what the broker loses was in its keeping alone."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        others = [name for name in shop.parts() if "inventory" in name]
        for name in others:
            os.kill(shop.pid_of(name), signal.SIGSTOP)
        try:
            await rush.reached(ORDERS // 2)
            flush_broker(shop)
        finally:
            for name in others:
                os.kill(shop.pid_of(name), signal.SIGCONT)
        await rush.ends_well()


async def test_the_broker_is_killed_and_its_data_deleted(shop: RunningShop, rush: Rush) -> None:
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.reached(ORDERS // 5)
        wipe_broker(shop)
        killed = shop.kill_part("valkey")
        await rush.ends_well()
    assert shop.pid_of("valkey") != killed


async def test_all_is_killed_at_once(shop: RunningShop, rush: Rush) -> None:
    """What a power failure is to one machine, the disk's own cache aside."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.reached(ORDERS // 5)
        for name in shop.parts():
            shop.kill_part(name)
        await rush.ends_well()


def flush_broker(shop: RunningShop) -> None:
    with Valkey.from_url(read_environment(shop.data_dir)["FEIRA_BROKER_URL"]) as broker:
        assert broker.flushall()


def wipe_broker(shop: RunningShop) -> None:
    """Delete its data's directory under its feet: it ends before it can write anything again."""
    shutil.rmtree((shop.data_dir / "valkey").resolve() / "data")
