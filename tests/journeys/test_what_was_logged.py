"""After all other journeys: nothing went wrong where no customer would have seen it."""

from tests.audit import all_agree
from tests.shop import RunningShop
from tests.shop_client import ShopClient


def test_no_process_has_logged_an_error(shop: RunningShop) -> None:
    assert shop.errors_logged() == []


async def test_everybody_still_agrees(client: ShopClient) -> None:
    evidence = await all_agree(client)
    assert evidence.orders or evidence.stock
