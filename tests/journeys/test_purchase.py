"""What becomes of an order that brings its payment (I4, B4, O5)."""

import time

import pytest

from tests.shop_client import Caller, ShopClient

PURCHASE_SECONDS_MAX = 2.0
"""200 ms where nothing else runs; this is what a busy machine is allowed."""


async def test_a_card_that_is_good(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=5, price=19.99)
    order_id = await ana.buys((product_id, 2))
    order = await ana.sees(order_id, "paid", payment="approved", inventory="sold")
    assert order["total"] == 39.98
    assert order["payment"]["method"] == "card"
    assert (order["payment"]["captured"], order["payment"]["refunded"]) == (39.98, 0)
    assert await client.books(order_id) == {"captured_cents": 3998, "refunded_cents": 0}
    await client.has_stock(product_id, on_hand=3, reserved=0, available=3)


async def test_a_purchase_is_quick(client: ShopClient, ana: Caller) -> None:
    """The quickest of a few: what the others take is how busy the machine is."""
    product_id = await client.product(stock=100)
    seconds = []
    for _ in range(9):
        started_at = time.monotonic()
        await ana.sees(await ana.buys((product_id, 1)), "paid")
        seconds.append(time.monotonic() - started_at)
    assert min(seconds) < PURCHASE_SECONDS_MAX, seconds


async def test_a_card_that_is_declined(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=5)
    order_id = await ana.buys((product_id, 5), token="tok_declined")
    order = await ana.sees(order_id, "canceled", payment="declined", inventory="released")
    assert order["reason"] == "payment_declined"
    assert await client.books(order_id) == {"captured_cents": 0, "refunded_cents": 0}
    await client.has_stock(product_id, on_hand=5, reserved=0)


async def test_more_than_there_is(client: ShopClient, ana: Caller) -> None:
    product_id, plenty = await client.product(stock=5), await client.product(stock=50)
    order_id = await ana.buys((plenty, 1), (product_id, 6))
    order = await ana.sees(order_id, "canceled", inventory="insufficient")
    assert order["reason"] == "insufficient_stock"
    assert await client.books(order_id) == {"captured_cents": 0, "refunded_cents": 0}
    await client.has_stock(product_id, on_hand=5, reserved=0)
    await client.has_stock(plenty, on_hand=50, reserved=0)


async def test_a_provider_that_does_not_answer_is_asked_and_charged_once(
    client: ShopClient, ana: Caller
) -> None:
    product_id = await client.product(stock=1, price=7.50)
    order_id = await ana.buys((product_id, 1), token="tok_timeout")
    await ana.sees(order_id, "paid")
    assert await client.books(order_id) == {"captured_cents": 750, "refunded_cents": 0}
    assert await charges_of(client, order_id) == 1
    await client.has_stock(product_id, on_hand=0, reserved=0)


@pytest.mark.parametrize("token", ["tok_slow", "tok_duplicate"])
async def test_a_provider_that_is_slow_or_says_it_thrice(
    client: ShopClient, ana: Caller, token: str
) -> None:
    product_id = await client.product(stock=2, price=7.50)
    order_id = await ana.buys((product_id, 1), token=token)
    await ana.sees(order_id, "paid", payment="approved", inventory="sold")
    assert await client.books(order_id) == {"captured_cents": 750, "refunded_cents": 0}
    assert await charges_of(client, order_id) == 1
    await client.has_stock(product_id, on_hand=1, reserved=0)


async def test_after_payment_there_is_no_canceling(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=1)
    order_id = await ana.buys((product_id, 1))
    await ana.sees(order_id, "paid")
    for reply in (
        await ana.post(f"/orders/{order_id}/cancel"),
        await ana.delete(f"/orders/{order_id}"),
        await client.admin.post(f"/orders/{order_id}/cancel"),
    ):
        assert (reply.status, reply.code) == (409, "order_already_paid")
    await ana.sees(order_id, "paid", payment="approved", inventory="sold")


async def test_the_catalog_shows_what_is_left(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=3)
    await ana.sees(await ana.buys((product_id, 2)), "paid")
    await ana.sees(await ana.buys((product_id, 1), token=None), "in_progress")
    await client.shows_stock(product_id, 0)


async def charges_of(client: ShopClient, order_id: int) -> int:
    """How many payments the shop has asked the provider for, as administrators see it."""
    reply = await client.admin.get(f"/payments?order_id={order_id}")
    assert reply.status == 200, reply
    assert all(payment["status"] == "captured" for payment in reply.json["items"])
    return int(reply.json["total"])
