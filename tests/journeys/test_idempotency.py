"""The same key and body, the same answer; another body is refused (I3)."""

import asyncio

from tests.shop_client import Caller, ShopClient, order_body

REPLAYS = 50
KEY = "0191e0f4-replayed"


async def test_fifty_at_once_are_one_order(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=REPLAYS)
    body = order_body((product_id, 1))
    replies = await asyncio.gather(*(ana.post("/orders", body, key=KEY) for _ in range(REPLAYS)))
    assert [reply.status for reply in replies] == [201] * REPLAYS
    assert len({reply.body for reply in replies}) == 1
    assert len({reply.headers["Content-Type"] for reply in replies}) == 1

    order_id = replies[0].json["id"]
    await ana.sees(order_id, "paid")
    assert [order["id"] for order in (await ana.get("/orders")).json] == [order_id]
    await client.has_stock(product_id, on_hand=REPLAYS - 1, reserved=0)

    later = await ana.post("/orders", body, key=f'"{KEY}"')
    assert (later.status, later.body) == (201, replies[0].body)
    other = await ana.post("/orders", order_body((product_id, 2)), key=KEY)
    assert other.status == 422
    assert other.code.startswith("idempotency_key")


async def test_one_key_of_two_customers_is_two_orders(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=2)
    bia = client.customer()
    first, second = (
        await ana.buys((product_id, 1), key=KEY),
        await bia.buys((product_id, 1), key=KEY),
    )
    assert first != second


async def test_a_refusal_is_repeated_too(client: ShopClient, ana: Caller) -> None:
    body = {"itens": [{"id": 2**53 - 1, "quantity": 1}]}
    replies = await asyncio.gather(*(ana.post("/orders", body, key=KEY) for _ in range(5)))
    assert {(reply.status, reply.code) for reply in replies} == {(422, "unknown_product")}


async def test_stock_is_received_once(client: ShopClient) -> None:
    product_id = await client.product(stock=1)
    path = f"/inventory/{product_id}/receipts"
    replies = await asyncio.gather(
        *(client.admin.post(path, {"quantity": 5}, key=f"receipt-{product_id}") for _ in range(10))
    )
    assert {reply.status for reply in replies} == {201}
    assert len({reply.body for reply in replies}) == 1
    await client.has_stock(product_id, on_hand=6)


async def test_a_payment_is_submitted_once(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=1)
    order_id = await ana.buys((product_id, 1), token=None)
    await ana.sees(order_id, "in_progress")
    card = {"method": "card", "token": "tok_visa"}
    replies = await asyncio.gather(
        *(ana.post(f"/orders/{order_id}/payment", card, key=f"pay-{order_id}") for _ in range(10))
    )
    assert len({(reply.status, reply.body) for reply in replies}) == 1
    await ana.sees(order_id, "paid")
    assert await client.books(order_id) == {"captured_cents": 1000, "refunded_cents": 0}
