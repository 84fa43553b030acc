"""One shop for all journeys, and people who meet it."""

from collections.abc import AsyncIterator, Generator, Iterator

import pytest

from tests.shop import RunningShop, open_shop
from tests.shop_client import Caller, ShopClient, clients_of
from tests.shop_report import with_tails

PROVIDER_TIMEOUT_SECONDS = 1


@pytest.fixture(scope="session")
def shop() -> Iterator[RunningShop]:
    """Impatient with its provider, so that the tests need not be patient; and an account may ask
    a flash sale as often as it likes, as they ask all they have by one."""
    with open_shop(
        FEIRA_PAYMENTS_PROVIDER_TIMEOUT_SECONDS=str(PROVIDER_TIMEOUT_SECONDS),
        FEIRA_FLASHSALE_ACCOUNT_CLAIMS_AT_ONCE="100000",
        FEIRA_FLASHSALE_ADDRESS_CLAIMS_AT_ONCE="100000",
    ) as running:
        yield running


@pytest.fixture
async def client(shop: RunningShop) -> AsyncIterator[ShopClient]:
    async with clients_of(shop) as callers:
        yield callers


@pytest.fixture
def admin(client: ShopClient) -> Caller:
    return client.admin


@pytest.fixture
def ana(client: ShopClient) -> Caller:
    """A customer who has never been here."""
    return client.customer()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return with_tails(item, (yield))
