"""The examples of the documents Feira comes from, letter by letter (I1, O2)."""

import re
from typing import Any

import pytest

from tests.shop_client import Caller, ShopClient

API_ORDER = b"""{
  "customer_id": "123456",
  "products": [
    {
      "product_id": "789",
      "quantity": 2,
      "price": 19.99
    },
    {
      "product_id": "456",
      "quantity": 1,
      "price": 29.99
    }
  ]
}"""

# As the document prints it: a zipcode with leading zeros is not JSON.
ORDER = b"""{
    "customerId": 123,
    "itens": [
      { 
        "id": 1, 
        "quantity": 2 
      },
      { 
        "id": 2, 
        "quantity": 1 
      }
    ],
    "delivery": {
      "address": {
        "street": "Rua Exemplo",
        "number": "10A",
        "city": "S\xc3\xa3o Paulo",
        "state": "SP",
        "country": "Brazil",
        "zipcode": 00000000
      }
    }
  }"""  # noqa: W291 - the document's own spaces
ORDER_QUOTED = ORDER.replace(b"00000000", b'"00000000"')


async def test_an_order_by_the_api(client: ShopClient) -> None:
    reply = await client.admin.post("/api/orders", API_ORDER)
    assert reply.status == 200, reply
    order_id = reply.json["order_id"]
    assert re.fullmatch(r"[1-9][0-9]*", order_id)
    assert reply.json == {
        "order_id": order_id,
        "status": "received",
        "message": "Order successfully placed.",
    }
    order = await client.admin.sees(int(order_id), "in_progress", inventory="reserved")
    assert order["customerId"] == 123456
    assert order["total"] == 69.97


async def test_a_customer_orders_by_the_api_for_themselves_only(client: ShopClient) -> None:
    reply = await client.customer(123456).post("/api/orders", API_ORDER)
    assert reply.status == 200, reply
    reply = await client.customer(123457).post("/api/orders", API_ORDER)
    assert (reply.status, reply.code) == (403, "forbidden")


async def test_a_price_that_is_not_the_catalogs_is_refused(admin: Caller) -> None:
    reply = await admin.post("/api/orders", API_ORDER.replace(b"29.99", b"9.99"))
    assert (reply.status, reply.code) == (409, "price_changed")
    assert [error["pointer"] for error in reply.json["errors"]] == ["/items/1/price"]


async def test_the_zipcode_of_the_document_is_not_json(admin: Caller) -> None:
    reply = await admin.post("/orders", ORDER)
    assert (reply.status, reply.code) == (400, "not_json")


async def test_an_order_as_documented(client: ShopClient) -> None:
    reply = await client.admin.post("/orders", ORDER_QUOTED)
    assert reply.status == 201, reply
    order_id = reply.json["id"]
    assert reply.json == {"id": order_id, "status": "pending"}
    assert isinstance(order_id, int)

    customer = client.customer(123)
    order = await customer.sees(order_id, "in_progress", inventory="reserved", payment="pending")
    assert order["itens"] == [{"id": 1, "quantity": 2}, {"id": 2, "quantity": 1}]
    assert order["customerId"] == 123
    assert order["delivery"]["address"]["zipcode"] == "00000000"
    assert order["delivery"]["address"]["city"] == "São Paulo"
    assert order["payment"] == {
        "status": "pending",
        "method": None,
        "captured": 0.0,
        "refunded": 0.0,
    }

    listed = await listed_as(customer, "in_progress")
    assert {"id": order_id, "status": "in_progress", "customerId": 123}.items() <= listed[
        order_id
    ].items()

    canceled = await customer.post(f"/orders/{order_id}/cancel")
    assert (canceled.status, canceled.json) == (200, {"id": order_id, "status": "canceled"})
    await customer.sees(order_id, "canceled", inventory="released")
    assert order_id in await listed_as(customer, "canceled")
    assert order_id not in await listed_as(customer, "in_progress")


async def test_items_may_be_said_in_english(client: ShopClient, ana: Caller) -> None:
    reply = await ana.post("/orders", {"items": [{"id": "1", "quantity": 1}]})
    assert reply.status == 201, reply
    order = await ana.order(reply.json["id"])
    assert order["itens"] == [{"id": 1, "quantity": 1}]


async def test_nobody_orders_for_another_customer(client: ShopClient) -> None:
    reply = await client.customer(124).post("/orders", ORDER_QUOTED)
    assert (reply.status, reply.code) == (403, "forbidden")


async def test_nobody_sees_or_cancels_anothers_order(client: ShopClient, ana: Caller) -> None:
    order_id = await ana.buys((1, 1), token=None)
    stranger = client.customer()
    for reply in (
        await stranger.get(f"/orders/{order_id}"),
        await stranger.post(f"/orders/{order_id}/cancel"),
        await stranger.delete(f"/orders/{order_id}"),
        await stranger.post(f"/orders/{order_id}/payment", {"method": "card", "token": "tok_visa"}),
    ):
        assert (reply.status, reply.code) == (404, "order_not_found")
    assert order_id not in await listed_as(stranger, "in_progress")
    assert (await ana.delete(f"/orders/{order_id}")).json["status"] == "canceled"


async def test_what_is_not_sold_cannot_be_ordered(ana: Caller) -> None:
    reply = await ana.post("/orders", {"itens": [{"id": 2**53 - 1, "quantity": 1}]})
    assert (reply.status, reply.code) == (422, "unknown_product")


@pytest.mark.parametrize("path", ["/orders", "/api/orders"])
async def test_nobody_in_particular_orders_nothing(client: ShopClient, path: str) -> None:
    reply = await client.nobody.post(path, API_ORDER)
    assert (reply.status, reply.code) == (401, "unauthenticated")


async def listed_as(caller: Caller, status: str) -> dict[int, Any]:
    """The caller's orders of that status, by id."""
    reply = await caller.get(f"/orders?status={status}")
    assert reply.status == 200, reply
    assert all(order["status"] == status for order in reply.json)
    return {order["id"]: order for order in reply.json}
