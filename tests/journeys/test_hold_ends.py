"""Nobody pays: the hold ends, and the stock is for others. A shop with little patience."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.shop import BROKER, RunningShop, open_shop
from tests.shop_client import Caller, ShopClient, clients_of

HOLD_SECONDS = 5 if BROKER == "valkey" else 10
"""Kafka and RabbitMQ take a while to bring their first messages."""


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    with open_shop(FEIRA_ORCHESTRATOR_HOLD_SECONDS=str(HOLD_SECONDS)) as running:
        yield running


@pytest.fixture
async def client(shop: RunningShop) -> AsyncIterator[ShopClient]:
    async with clients_of(shop) as callers:
        yield callers


async def test_an_order_that_nobody_pays_expires(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=2)
    order_id = await ana.buys((product_id, 2), token=None)
    await ana.sees(order_id, "in_progress", payment="pending", inventory="reserved")
    await client.has_stock(product_id, on_hand=2, reserved=2, available=0)
    order = await ana.sees(order_id, "canceled", payment="expired", inventory="released")
    assert order["reason"] in ("payment_expired", "reservation_expired")
    await client.has_stock(product_id, on_hand=2, reserved=0, available=2)
    assert await client.books(order_id) == {"captured_cents": 0, "refunded_cents": 0}
    late = await ana.post(f"/orders/{order_id}/payment", {"method": "card", "token": "tok_visa"})
    assert (late.status, late.code) == (409, "order_not_payable")


async def test_the_next_customer_gets_it(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=1)
    dreamer = client.customer()
    held = await dreamer.buys((product_id, 1), token=None)
    await dreamer.sees(held, "in_progress")
    too_early = await ana.buys((product_id, 1))
    await ana.sees(too_early, "canceled", inventory="insufficient")
    await dreamer.sees(held, "canceled")
    await ana.sees(await ana.buys((product_id, 1)), "paid")
