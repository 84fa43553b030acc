"""kill -9 in the middle of a flash sale, with three processes of its service."""

import asyncio
import os
import signal

import pytest

from feira.runtime.registry import SERVICES
from tests.crowd import BUYERS, Crowd
from tests.shop import BROKER, RunningShop
from tests.shop_client import ShopClient

TEST_TIMEOUT_SECONDS = 300


@pytest.fixture(scope="module")
def shop_settings() -> dict[str, str]:
    """Each service in a process of its own, flashsale in three."""
    return {"FEIRA_PROCESSES": ";".join((*SERVICES, "flashsale", "flashsale"))}


async def test_three_processes_sell_every_unit_once(client: ShopClient) -> None:
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        crowd = await Crowd.gathers(client)
        await crowd.rushes_in()
        await crowd.ends_well()


@pytest.mark.parametrize(
    "names",
    [
        ("flashsale", "nginx", "flashsale-2"),
        ("orders", "identity", "inventory", "catalog", "orchestrator"),
        ("payments", "sandbox", BROKER, "postgres"),
    ],
    ids=" ".join,
)
async def test_processes_are_killed_while_a_crowd_claims(
    shop: RunningShop, client: ShopClient, names: tuple[str, ...]
) -> None:
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        crowd = await Crowd.gathers(client)
        rushing = asyncio.create_task(crowd.rushes_in())
        for at, name in enumerate(names):
            await crowd.was_answered(BUYERS * (at * 2 + 1) // (len(names) * 2 + 6))
            os.kill(shop.pid_of(name), signal.SIGKILL)
        await rushing
        await crowd.ends_well()
        for name in names:
            await shop.until_part_runs(name)
