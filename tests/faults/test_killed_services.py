"""kill -9 of each Feira process, each service in a process of its own, while orders come in."""

import asyncio

import pytest

from feira.runtime.registry import SERVICES
from tests.faults.rush import ORDERS, Rush
from tests.shop import RunningShop

TEST_TIMEOUT_SECONDS = 60


@pytest.fixture(scope="module")
def shop_settings() -> dict[str, str]:
    return {"FEIRA_PROCESSES": ";".join(SERVICES)}


@pytest.mark.parametrize("name", [*SERVICES, "sandbox", "nginx"])
async def test_a_process_is_killed_twice(shop: RunningShop, rush: Rush, name: str) -> None:
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        killed = []
        for orders in (ORDERS // 5, ORDERS // 2):
            await rush.reached(orders)
            await shop.until_part_runs(name)
            killed.append(shop.kill_part(name))
        await rush.ends_well()
    assert shop.pid_of(name) not in killed


async def test_every_process_is_killed_in_one_run(shop: RunningShop, rush: Rush) -> None:
    """Databases and broker among them: what is killed next finds the last one still recovering."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        names = shop.parts()
        for at, name in enumerate(names, start=1):
            await rush.reached(ORDERS * at // (len(names) + 1))
            shop.kill_part(name)
        await rush.ends_well()
