"""A fresh shop for each module that breaks one."""

from collections.abc import AsyncIterator, Generator, Iterator

import pytest

from tests.faults.rush import Rush
from tests.shop import BROKER, RunningShop, open_shop
from tests.shop_client import ShopClient, clients_of
from tests.shop_report import with_tails

# What is done to Valkey is in test_killed_parts.py.
collect_ignore = ["test_broker_under_load.py"] if BROKER == "valkey" else []


@pytest.fixture(scope="module")
def shop_settings() -> dict[str, str]:
    """The environment of the module's shop; a module may say otherwise."""
    return {}


@pytest.fixture(scope="module")
def shop(shop_settings: dict[str, str]) -> Iterator[RunningShop]:
    with open_shop(**shop_settings) as running:
        yield running


@pytest.fixture
async def client(shop: RunningShop) -> AsyncIterator[ShopClient]:
    async with clients_of(shop) as callers:
        yield callers


@pytest.fixture
async def rush(client: ShopClient) -> AsyncIterator[Rush]:
    """Customers are ordering when the test begins."""
    async with Rush.on(client) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return with_tails(item, (yield))
