"""A flash sale from its start to its end, through every service (B6)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from feira.runtime.demo_shop import FIRST_SALE_ID, HOURLY_SALE_ID
from tests.audit import all_agree
from tests.eventually import eventually
from tests.shop_client import Caller, Reply, ShopClient

CARD = {"method": "card", "token": "tok_visa"}


async def sale(client: ShopClient, product_id: int, units: int, **more: Any) -> int:
    """A campaign with one drop that is open; its id."""
    ends_at = datetime.now(UTC) + timedelta(hours=1)
    body = {
        "product_id": product_id,
        "price": 1.00,
        "stock": units,
        "starts_at": datetime.now(UTC).isoformat(),
        "ends_at": ends_at.isoformat(),
    }
    reply = await client.admin.post("/flash-sales", body | more)
    assert reply.status == 201, reply
    sale_id = reply.json["id"]
    assert isinstance(sale_id, int)
    assert (await drop(client, sale_id))["status"] == "open"
    return sale_id


async def drop(client: ShopClient, sale_id: int) -> Any:
    reply = await client.nobody.get(f"/flash-sales/{sale_id}")
    assert reply.status == 200, reply
    return reply.json


async def comes_to(client: ShopClient, sale_id: int, **expected: Any) -> None:
    async def says() -> bool:
        found = await drop(client, sale_id)
        said = {name: found[name] for name in expected}
        assert said == expected, found
        return True

    await eventually(says, what=f"the drop {sale_id} comes to {expected}")


async def claims(caller: Caller, sale_id: int, payment: Any = CARD) -> Reply:
    return await caller.post(f"/flash-sales/{sale_id}/orders", {"payment": payment})


async def test_a_claim_is_paid_at_the_sales_price(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=5, price=4999.90)
    sale_id = await sale(client, product_id, 2)
    await client.has_stock(product_id, on_hand=5, allotted=2, available=3)
    reply = await claims(ana, sale_id)
    assert reply.status == 201, reply
    assert (reply.json["price"], reply.json["flash_sale_id"]) == (1.0, sale_id)
    order = await ana.sees(reply.json["id"], "paid", payment="approved", inventory="sold")
    assert order["total"] == 1.0
    assert await client.books(reply.json["id"]) == {"captured_cents": 100, "refunded_cents": 0}
    again = await claims(ana, sale_id)
    assert (again.status, again.code) == (409, "already_claimed")
    await comes_to(client, sale_id, sold=1, held=0, left=1)
    await client.has_stock(product_id, on_hand=4, reserved=0, allotted=1, available=3)


async def test_who_does_not_pay_makes_room_for_the_next(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=1, price=4999.90)
    sale_id = await sale(client, product_id, 1, pay_seconds=5)
    bia, caio = client.customer(), client.customer()
    unpaid = await claims(ana, sale_id, payment=None)
    assert unpaid.status == 201, unpaid
    waiting = await claims(bia, sale_id)
    assert (waiting.status, waiting.code) == (409, "sold_out")
    assert (waiting.json["waiting"], waiting.json["place"]) == (True, 1)
    assert (await claims(caio, sale_id, payment=None)).json["place"] == 2
    await ana.sees(unpaid.json["id"], "canceled", payment="expired")

    async def has_won() -> Any:
        mine = (await bia.get(f"/flash-sales/{sale_id}/claim")).json
        assert mine["status"] in ("won", "sold"), mine
        return mine

    won = await eventually(has_won, what="the next in the queue gets the unit")
    await bia.sees(won["order_id"], "paid", payment="approved", inventory="sold")
    await comes_to(client, sale_id, sold=1, held=0, left=0)
    out = await claims(client.customer(), sale_id)
    assert (out.status, out.code, out.json.get("waiting")) == (409, "sold_out", None)


async def test_what_nobody_bought_is_given_back_at_the_end(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=10, price=4999.90)
    sale_id = await sale(client, product_id, 4)
    paid = await claims(ana, sale_id)
    held = await claims(client.customer(), sale_id, payment=None)
    await ana.sees(paid.json["id"], "paid", inventory="sold")
    ended = await client.admin.delete(f"/flash-sales/{sale_id}")
    assert ended.status == 200, ended
    late = await claims(client.customer(), sale_id)
    assert (late.status, late.code) == (409, "not_open")
    await comes_to(client, sale_id, status="closing", sold=1, held=1)
    bia = client.admin
    canceled = await bia.post(f"/orders/{held.json['id']}/cancel")
    assert canceled.status == 200, canceled
    await comes_to(client, sale_id, status="closed", sold=1, held=0, left=0)
    await client.has_stock(product_id, on_hand=9, reserved=0, allotted=0, available=9)
    await all_agree(client)


async def test_its_order_is_there_as_soon_as_its_claim(client: ShopClient, ana: Caller) -> None:
    product_id = await client.product(stock=1)
    sale_id = await sale(client, product_id, 1)
    order_id = (await claims(ana, sale_id, payment=None)).json["id"]
    paid = await ana.post(f"/orders/{order_id}/payment", CARD)
    assert paid.status == 202, paid
    await ana.sees(order_id, "paid", payment="approved", inventory="sold")


async def test_a_newcomer_finds_a_sale_that_is_open(client: ShopClient, ana: Caller) -> None:
    async def is_open() -> Any:
        found = (await client.nobody.get("/flash-sales?limit=100")).json["items"]
        sales = [sale for sale in found if sale["campaign_id"] in (HOURLY_SALE_ID, FIRST_SALE_ID)]
        assert {"open"} <= {sale["status"] for sale in sales}, sales
        assert HOURLY_SALE_ID in {sale["campaign_id"] for sale in sales}, sales
        return next(sale for sale in sales if sale["status"] == "open")

    found = await eventually(is_open, what="a seeded flash sale is open")
    assert (found["price"], found["stock"]) == (1.0, 100)
    reply = await claims(ana, found["id"])
    assert reply.status == 201, reply
    await ana.sees(reply.json["id"], "paid", payment="approved", inventory="sold")
