"""kill -9 of each Feira process, each service in a process of its own, while orders come in."""

import asyncio

import pytest

from feira.runtime.registry import SERVICES
from tests.eventually import eventually
from tests.faults.rush import ORDERS, Rush
from tests.shop import RunningShop

TEST_TIMEOUT_SECONDS = 300


@pytest.fixture(scope="module")
def shop_settings() -> dict[str, str]:
    return {"FEIRA_PROCESSES": ";".join(SERVICES)}


async def test_every_process_is_killed_in_one_run(shop: RunningShop, rush: Rush) -> None:
    """Databases and broker among them."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.outlives_all(shop)


async def test_every_process_is_killed_twice(shop: RunningShop, rush: Rush) -> None:
    """The second time while it makes good what the first has left."""
    names = [*SERVICES, "sandbox", "nginx"]
    killed: dict[str, set[int]] = {name: set() for name in names}
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        for at in range(len(names)):
            await rush.reached(ORDERS * at // len(names))
            for name in (names[at], names[at - 1]):
                await until_it_runs_anew(shop, name, killed[name])
                killed[name].add(shop.kill_part(name))
        await rush.ends_well()
        for name in names:
            await until_it_runs_anew(shop, name, killed[name])
    assert all(len(pids) == 2 for pids in killed.values())


async def until_it_runs_anew(shop: RunningShop, name: str, killed: set[int]) -> None:
    """As another process than those that were killed: of these one may not be gone quite yet."""

    async def runs() -> bool:
        return name in shop.parts() and shop.pid_of(name) not in killed

    await eventually(runs, TEST_TIMEOUT_SECONDS, f"{name} runs anew")
