"""The flash-sale API: campaigns by administrators, claims by everybody (B6)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feira.contracts.flashsale import OrdersRequested, SetAsideStock
from feira.contracts.inventory import StockSetAside
from tests.asgi import AsgiAnswer
from tests.component.running import Running, codes
from tests.eventually import eventually

CARD = {"method": "card", "token": "tok_visa"}


def body(**more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    fields = {
        "product_id": 7,
        "price": 1.00,
        "stock": 2,
        "starts_at": (now - timedelta(seconds=1)).isoformat(),
        "ends_at": (now + timedelta(hours=1)).isoformat(),
    }
    return {key: value for key, value in (fields | more).items() if value is not None}


async def opened(shop: Running, **more: Any) -> int:
    """The id of a campaign whose drop is open; the test is inventory."""
    starting = asyncio.create_task(shop.admin.post("/flash-sales", body(**more)))
    asked: list[SetAsideStock] = []
    while not asked:
        asked = [told for told in await shop.hear(1) if isinstance(told, SetAsideStock)]
    await shop.say(
        StockSetAside(allotment_id=asked[0].allotment_id, product_id=7, quantity=asked[0].quantity)
    )
    answer = await starting
    assert answer.status == 201, answer.body
    sale_id = int(answer.json["id"])

    async def is_open() -> bool:
        found = (await shop.nobody.get(f"/flash-sales/{sale_id}")).json
        return bool(found["status"] == "open")

    await eventually(is_open)
    return sale_id


async def claims(shop: Running, sale_id: int, customer_id: int, **more: Any) -> AsgiAnswer:
    return await shop.customer(customer_id).post(f"/flash-sales/{sale_id}/orders", more)


async def test_a_campaign_is_shown_as_it_was_started(shop: Running) -> None:
    hourly = body(
        schedule={"every": "hour", "from": 0, "to": 23}, starts_at=None, ends_at=None, stock=100
    )
    answer = await shop.admin.post("/flash-sales", hourly)
    assert answer.status == 201
    shown = answer.json
    assert shown["schedule"] == {"every": "hour", "from": 0, "to": 23}
    assert (shown["price"], shown["stock"], shown["per_customer"]) == (1.0, 100, 1)
    assert (shown["queue_max"], shown["pay_seconds"], shown["carry_over"]) == (1000, 300, False)
    listed = (await shop.nobody.get("/flash-sales")).json
    assert (listed["total"], listed["page"]) == (2, 1), "this hour's drop, and the next"
    assert {drop["campaign_id"] for drop in listed["items"]} == {shown["id"]}
    assert shown["id"] not in {drop["id"] for drop in listed["items"]}
    ended = await shop.admin.send("DELETE", f"/flash-sales/{shown['id']}")
    assert ended.status == 200
    assert (await shop.admin.send("DELETE", "/flash-sales/999")).code == "flash_sale_not_found"


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": 0},
        {"price": 1.001},
        {"price": -1},
        {"stock": 0},
        {"stock": 100_001},
        {"stock": 1.5},
        {"stock": "2"},
        {"product_id": 0},
        {"ends_at": None},
        {"ends_at": "2020-01-01T00:00:00Z"},
        {"ends_at": "2999-01-01T00:00:00Z"},
        {"ends_at": "2025-01-01T00:00:00"},
        {"ends_at": "9999-12-31T23:59:59-12:00"},
        {"starts_at": 1e300},
        {"starts_at": "0001-01-01T00:00:00+14:00"},
        {"schedule": {"every": "minute"}},
        {"schedule": {"every": "hour", "from": 24}},
        {"per_customer": 0},
        {"queue_max": -1},
        {"pay_seconds": 0},
        {"challenge_bits": 25},
        {"colour": "red"},
    ],
)
async def test_a_wrong_campaign_is_refused(shop: Running, wrong: dict[str, Any]) -> None:
    fields = {key: value for key, value in (body() | wrong).items() if value is not None}
    answer = await shop.admin.post("/flash-sales", fields)
    assert answer.status == 422, answer.body


async def test_only_administrators_start_and_end_campaigns(shop: Running) -> None:
    answers = [
        await shop.nobody.post("/flash-sales", body()),
        await shop.customer().post("/flash-sales", body()),
        await shop.customer().send("DELETE", "/flash-sales/1"),
        await shop.nobody.post("/flash-sales/1/orders"),
    ]
    assert [answer.status for answer in answers] == [401, 403, 403, 401]


async def test_a_claim_is_an_order_and_the_rest_wait_or_are_refused(shop: Running) -> None:
    sale_id = await opened(shop, queue_max=1)
    first = await claims(shop, sale_id, 11, payment=CARD)
    assert first.status == 201
    assert (first.json["status"], first.json["price"]) == ("pending", 1.0)
    second = await claims(shop, sale_id, 12)
    third = await claims(shop, sale_id, 13)
    assert second.status == 201
    assert codes([third, await claims(shop, sale_id, 11)]) == [
        (409, "sold_out"),
        (409, "already_claimed"),
    ]
    assert (third.json["waiting"], third.json["place"]) == (True, 1)
    fourth = await claims(shop, sale_id, 14)
    assert codes([fourth]) == [(409, "sold_out")]
    assert "waiting" not in fourth.json
    requested = [m for m in await shop.hear(4) if isinstance(m, OrdersRequested)]
    orders = [order for message in requested for order in message.orders]
    assert [order.order_id for order in orders] == [first.json["id"], second.json["id"]]
    assert [order.payment is not None for order in orders] == [True, False]
    own = (await shop.customer(13).get(f"/flash-sales/{sale_id}/claim")).json
    assert own == {"flash_sale_id": sale_id, "status": "waiting", "place": 1}
    won = (await shop.customer(11).get(f"/flash-sales/{sale_id}/claim")).json
    assert (won["status"], won["order_id"]) == ("won", first.json["id"])
    nobody = await shop.customer(99).get(f"/flash-sales/{sale_id}/claim")
    assert codes([nobody]) == [(404, "claim_not_found")]


async def test_a_repeat_gets_the_first_answer(shop: Running) -> None:
    sale_id = await opened(shop)
    path, headers = f"/flash-sales/{sale_id}/orders", {"Idempotency-Key": "mine"}
    answers = await asyncio.gather(
        *(shop.customer(21).post(path, {"payment": CARD}, headers=headers) for _ in range(5))
    )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    other = await shop.customer(21).post(path, {}, headers=headers)
    assert codes([other]) == [(422, "idempotency_key_reused")]


async def test_what_is_not_open_and_what_is_not_there(shop: Running) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    answer = await shop.admin.post("/flash-sales", body(starts_at=tomorrow, ends_at=later))
    sale_id = answer.json["id"]
    assert codes([await claims(shop, sale_id, 31)]) == [(409, "not_open")]
    assert codes([await claims(shop, 999, 31)]) == [(404, "flash_sale_not_found")]
    assert codes([await shop.nobody.get("/flash-sales/999")]) == [(404, "flash_sale_not_found")]


@pytest.mark.parametrize(
    "wrong", [{"payment": {"method": "cash", "token": "t"}}, {"delivery": {}}, {"payment": []}, []]
)
async def test_a_wrong_claim_is_refused(shop: Running, wrong: Any) -> None:
    answer = await shop.customer().post("/flash-sales/5/orders", wrong)
    assert codes([answer]) == [(422, "invalid_body")]
