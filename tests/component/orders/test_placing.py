"""Placing orders over HTTP, in the words of the documents (O2, I1)."""

import asyncio
import re
from typing import Any

import pytest

from feira.contracts.orders import OrderCreated
from tests.asgi import AsgiAnswer
from tests.component.running import Running

API_ORDER = {
    "customer_id": "7",
    "products": [
        {"product_id": "789", "quantity": 2, "price": 19.99},
        {"product_id": "456", "quantity": 1, "price": 29.99},
    ],
}
ORDER = {
    "customerId": 7,
    "itens": [{"id": 1, "quantity": 2}, {"id": 2, "quantity": 1}],
    "delivery": {
        "address": {
            "street": "Rua Exemplo",
            "number": "10A",
            "city": "São Paulo",
            "state": "SP",
            "country": "Brazil",
            "zipcode": "00000000",
        }
    },
}
CARD = {"method": "card", "token": "tok_visa"}


async def test_an_order_by_the_api_answers_as_documented(shop: Running) -> None:
    answer = await shop.customer().post("/api/orders", API_ORDER)
    order_id = answer.json["order_id"]
    assert answer.status == 200
    assert re.fullmatch("[1-9][0-9]*", order_id)
    assert answer.json == {
        "order_id": order_id,
        "status": "received",
        "message": "Order successfully placed.",
    }
    shown = (await shop.customer().get(f"/orders/{order_id}")).json
    assert shown["total"] == 69.97
    (created,) = await shop.hear(1)
    assert isinstance(created, OrderCreated)
    assert (created.order_id, created.total_cents) == (int(order_id), 69_97)


async def test_an_order_as_documented_is_pending(shop: Running) -> None:
    answer = await shop.customer().post("/orders", ORDER)
    assert answer.status == 201
    order_id = answer.json["id"]
    assert answer.json == {"id": order_id, "status": "pending"}
    shown = (await shop.customer().get(f"/orders/{order_id}")).json
    assert shown.pop("created_at").startswith("20")
    assert shown == {
        "id": order_id,
        "status": "pending",
        "customerId": 7,
        "itens": ORDER["itens"],
        "items": [
            {"id": 1, "quantity": 2, "price": 10.0},
            {"id": 2, "quantity": 1, "price": 10.0},
        ],
        "total": 30.0,
        "payment": {"status": "pending", "method": None, "captured": 0.0, "refunded": 0.0},
        "inventory": {"status": "pending"},
        "delivery": ORDER["delivery"],
        "reason": None,
        "tracking": None,
    }


async def test_the_documents_zipcode_without_quotes_is_not_json(shop: Running) -> None:
    body = b'{"itens":[{"id":1,"quantity":2}],"delivery":{"address":{"zipcode": 00000000}}}'
    assert problem(await shop.customer().send("POST", "/orders", body=body)) == (400, "not_json")


async def test_ids_may_be_text_and_items_english(shop: Running) -> None:
    answer = await shop.customer().post("/orders", {"items": [{"id": "1", "quantity": 1}]})
    assert answer.status == 201


async def test_an_order_may_bring_its_payment(shop: Running) -> None:
    answer = await shop.customer().post("/orders", ORDER | {"payment": CARD})
    assert answer.status == 201
    (created,) = await shop.hear(1)
    assert isinstance(created, OrderCreated)
    assert created.payment is not None
    assert created.payment.token == "tok_visa"
    shown = (await shop.customer().get(f"/orders/{answer.json['id']}")).json
    assert shown["payment"]["method"] == "card"
    assert "tok_visa" not in str(shown)


@pytest.mark.parametrize("path", ["/orders", "/api/orders"])
async def test_only_administrators_order_for_others(shop: Running, path: str) -> None:
    body = ORDER if path == "/orders" else API_ORDER
    assert problem(await shop.nobody.post(path, body)) == (401, "unauthenticated")
    assert problem(await shop.customer(8).post(path, body)) == (403, "forbidden")
    assert (await shop.admin.post(path, body)).status in (200, 201)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/itens"]),
        ({"itens": []}, None),
        ({"itens": ORDER["itens"], "items": ORDER["itens"]}, ["/itens"]),
        ({"itens": [{"id": 0, "quantity": 1}]}, ["/itens/0/id"]),
        ({"itens": [{"id": 2**53, "quantity": 1}]}, ["/itens/0/id"]),
        ({"itens": [{"id": "01", "quantity": 1}]}, ["/itens/0/id"]),
        ({"itens": [{"id": 1, "quantity": 0}]}, None),
        ({"itens": [{"id": 1, "quantity": 1.5}]}, None),
        ({"itens": [{"id": 1, "quantity": "1"}]}, None),
        ({"itens": [{"id": 1, "quantity": 10_001}]}, None),
        ({"itens": [{"id": 1, "quantity": 1}] * 101}, None),
        ({"itens": ORDER["itens"], "payment": {"method": "cash", "token": "t"}}, None),
        ({"itens": ORDER["itens"], "payment": {"method": "card"}}, None),
        ({"itens": ORDER["itens"], "payment": {"method": "card", "token": "x" * 201}}, None),
        ({"itens": ORDER["itens"], "delivery": {"address": {}}}, None),
        ({"itens": ORDER["itens"], "customerId": "seven"}, ["/customerId"]),
        ([], None),
        ("text", None),
    ],
)
async def test_wrong_bodies_are_refused_with_the_field(
    shop: Running, body: Any, pointers: list[str] | None
) -> None:
    answer = await shop.customer().post("/orders", body)
    assert answer.status == 422, answer.body
    assert answer.code == "invalid_body"
    if pointers is not None:
        assert [error["pointer"] for error in answer.json["errors"]] == pointers


@pytest.mark.parametrize("price", [19.999, -1, 1e40])
async def test_wrong_prices_are_refused_with_the_field(shop: Running, price: float) -> None:
    body = API_ORDER | {"products": [{"product_id": 789, "quantity": 1, "price": price}]}
    answer = await shop.customer().post("/api/orders", body)
    assert problem(answer) == (422, "invalid_body")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/products/0/price"]


async def test_what_is_not_sold_and_what_costs_something_else_is_refused(shop: Running) -> None:
    unknown = await shop.customer().post("/orders", {"itens": [{"id": 404, "quantity": 1}]})
    assert problem(unknown) == (422, "unknown_product")
    cheap = API_ORDER | {"products": [{"product_id": 789, "quantity": 1, "price": 9.99}]}
    changed = await shop.customer().post("/api/orders", cheap)
    assert problem(changed) == (409, "price_changed")
    assert changed.json["errors"] == [{"pointer": "/items/0/price", "detail": "is now 19.99"}]
    huge = {"itens": [{"id": 1, "quantity": 10_000}, {"id": 1, "quantity": 1}]}
    assert problem(await shop.customer().post("/orders", huge)) == (422, "order_too_large")


async def test_bodies_have_a_type_and_a_size(shop: Running) -> None:
    customer = shop.customer()
    text = await customer.send("POST", "/orders", body=b"x", headers={"content-type": "text/plain"})
    assert problem(text)[0] == 415
    large = await customer.send("POST", "/orders", body=b" " * (1024 * 1024 + 1))
    assert problem(large)[0] == 413
    nul = b'{"itens":[{"id":1,"quantity":1}],"payment":{"method":"card","token":"a\\u0000"}}'
    assert problem(await customer.send("POST", "/orders", body=nul)) == (422, "invalid_text")


async def test_fifty_repeats_of_a_key_make_one_order(shop: Running) -> None:
    headers = {"Idempotency-Key": "checkout-1"}
    answers = await asyncio.gather(
        *(shop.customer().post("/orders", ORDER, headers=headers) for _ in range(50))
    )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    other = await shop.customer().post("/orders", ORDER | {"payment": CARD}, headers=headers)
    assert problem(other) == (422, "idempotency_key_reused")
    somebody = await shop.customer(8).post("/orders", {"itens": ORDER["itens"]}, headers=headers)
    assert somebody.status == 201
    assert len((await shop.customer().get("/orders")).json) == 1


async def test_a_refusal_is_repeated_too(shop: Running) -> None:
    headers = {"Idempotency-Key": '"quoted"'}
    body = {"itens": [{"id": 404, "quantity": 1}]}
    first = await shop.customer().post("/orders", body, headers=headers)
    again = await shop.customer().post("/orders", body, headers={"Idempotency-Key": "quoted"})
    assert problem(first) == problem(again) == (422, "unknown_product")
    assert first.body == again.body


def problem(answer: AsgiAnswer) -> tuple[int, str]:
    """The status and the code of an RFC 9457 problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json.keys() >= {"type", "title", "status", "detail", "instance", "code"}
    assert answer.json["status"] == answer.status
    return answer.status, answer.code
