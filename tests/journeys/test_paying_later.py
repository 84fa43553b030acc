"""An order without a payment waits, its stock held, until its customer pays or the hold ends."""

from tests.shop_client import Caller, Reply, ShopClient


async def pay(caller: Caller, order_id: int, token: str = "tok_visa") -> Reply:
    return await caller.post(f"/orders/{order_id}/payment", {"method": "card", "token": token})


async def test_it_waits_with_its_stock_held(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=3)
    order_id = await ana.buys((product_id, 2), token=None)
    await ana.sees(order_id, "in_progress", payment="pending", inventory="reserved")
    await client.has_stock(product_id, on_hand=3, reserved=2, available=1)


async def test_it_is_paid(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=3)
    order_id = await ana.buys((product_id, 2), token=None)
    await ana.sees(order_id, "in_progress")
    reply = await pay(ana, order_id)
    assert reply.status in (200, 202), reply
    assert reply.json["id"] == order_id
    await ana.sees(order_id, "paid", payment="approved", inventory="sold")
    assert await client.books(order_id) == {"captured_cents": 2000, "refunded_cents": 0}
    again = await pay(ana, order_id)
    assert (again.status, again.code) == (409, "order_not_payable")


async def test_it_is_paid_before_its_stock_is_held(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=1)
    order_id = await ana.buys((product_id, 1), token=None)
    assert (await pay(ana, order_id)).status in (200, 202)
    await ana.sees(order_id, "paid", payment="approved", inventory="sold")


async def test_one_card_is_declined_and_another_is_good(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=1)
    order_id = await ana.buys((product_id, 1), token=None)
    await ana.sees(order_id, "in_progress")
    assert (await pay(ana, order_id, "tok_declined")).status in (200, 202)
    await ana.sees(order_id, "in_progress", payment="declined", inventory="reserved")
    await client.has_stock(product_id, on_hand=1, reserved=1)
    assert (await pay(ana, order_id)).status in (200, 202)
    await ana.sees(order_id, "paid", payment="approved", inventory="sold")
    assert await client.books(order_id) == {"captured_cents": 1000, "refunded_cents": 0}


async def test_two_payments_at_once_are_one_too_many(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=1)
    order_id = await ana.buys((product_id, 1), token=None)
    await ana.sees(order_id, "in_progress")
    assert (await pay(ana, order_id, "tok_slow")).status in (200, 202)
    reply = await pay(ana, order_id)
    assert (reply.status, reply.code) == (409, "payment_in_progress")
    await ana.sees(order_id, "paid")
    assert await client.books(order_id) == {"captured_cents": 1000, "refunded_cents": 0}


async def test_its_customer_thinks_better_of_it(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=1)
    order_id = await ana.buys((product_id, 1), token=None)
    await ana.sees(order_id, "in_progress")
    reply = await ana.delete(f"/orders/{order_id}")
    assert (reply.status, reply.json) == (200, {"id": order_id, "status": "canceled"})
    await ana.sees(order_id, "canceled", inventory="released")
    await client.has_stock(product_id, on_hand=1, reserved=0)
    again = await ana.post(f"/orders/{order_id}/cancel")
    assert (again.status, again.json) == (200, {"id": order_id, "status": "canceled"})
