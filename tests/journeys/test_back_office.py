"""What administrators do after a sale, what they see of it, and how sessions end."""

import re
import time

import pytest

from tests.eventually import eventually
from tests.journeys.test_opening import logged_in
from tests.shop import RunningShop
from tests.shop_client import Caller, ShopClient

LOGOUT_SECONDS_MAX = 1.0
LOGOUTS = 3


async def test_a_paid_order_is_shipped_and_completed(client: ShopClient, ana: Caller) -> None:
    order_id = await ana.buys((await client.product(stock=1), 1))
    await ana.sees(order_id, "paid")
    path = f"/orders/{order_id}"

    too_early = await client.admin.put(path, {"status": "completed"})
    assert (too_early.status, too_early.code) == (409, "illegal_transition")
    shipped = await client.admin.put(path, {"status": "shipped", "tracking": "BR123"})
    assert (shipped.status, shipped.json) == (200, {"id": order_id, "status": "shipped"})
    assert (await ana.order(order_id))["tracking"] == "BR123"
    completed = await client.admin.put(path, {"status": "completed"})
    assert (completed.status, completed.json) == (200, {"id": order_id, "status": "completed"})
    back = await client.admin.put(path, {"status": "shipped"})
    assert (back.status, back.code) == (409, "illegal_transition")


async def test_what_is_not_paid_is_not_shipped(client: ShopClient, ana: Caller) -> None:
    order_id = await ana.buys((await client.product(stock=1), 1), token=None)
    await ana.sees(order_id, "in_progress")
    for status in ("shipped", "completed"):
        reply = await client.admin.put(f"/orders/{order_id}", {"status": status})
        assert (reply.status, reply.code) == (409, "illegal_transition")
    reply = await client.admin.put(f"/orders/{order_id}", {"status": "paid"})
    assert reply.status == 422


async def test_what_administrators_give_back_is_shown(client: ShopClient, ana: Caller) -> None:
    order_id = await ana.buys((await client.product(stock=1, price=10.0), 1))
    await ana.sees(order_id, "paid")
    [payment] = (await client.admin.get(f"/payments?order_id={order_id}")).json["items"]
    refunds = f"/payments/{payment['id']}/refunds"
    for body, refunded, status in (({"amount": 2.5}, 2.5, "approved"), ({}, 10.0, "refunded")):
        assert (await client.admin.post(refunds, body)).status == 201

        async def shown(refunded: float = refunded) -> bool:
            return bool((await ana.order(order_id))["payment"]["refunded"] == refunded)

        await eventually(shown, what=f"{refunded} is shown as given back")
        order = await ana.order(order_id)
        assert (order["status"], order["payment"]["status"]) == ("paid", status)
        assert order["payment"]["captured"] == 10.0


async def test_the_index_leads_to_the_dead_letters_of_every_service(client: ShopClient) -> None:
    index = (await client.nobody.get("/dead-letters")).json["items"]
    assert {"orders", "payments", "orchestrator"} <= {each["service"] for each in index}
    for each in index:
        found = await client.admin.get(each["href"])
        assert (found.status, type(found.json["items"])) == (200, list), each
        assert (await client.nobody.get(each["href"])).status == 401


async def test_customers_ship_nothing(client: ShopClient, ana: Caller) -> None:
    order_id = await ana.buys((await client.product(stock=1), 1))
    await ana.sees(order_id, "paid")
    reply = await ana.put(f"/orders/{order_id}", {"status": "shipped"})
    assert (reply.status, reply.code) == (403, "forbidden")


async def test_the_story_of_a_purchase(client: ShopClient, ana: Caller) -> None:
    order_id = await ana.buys((await client.product(stock=1), 1))
    await ana.sees(order_id, "paid")

    async def completed() -> bool:
        return bool((await client.admin.get(f"/sagas/{order_id}")).json["state"] == "completed")

    await eventually(completed)
    saga = (await client.admin.get(f"/sagas/{order_id}")).json
    assert saga["order_id"] == order_id
    assert saga["open"] is False
    states = [entry["state"] for entry in saga["timeline"]]
    assert states == ["reserving", "paying", "selling", "confirming", "completed"]
    moments = [entry["at"] for entry in saga["timeline"]]
    assert moments == sorted(moments)
    assert [entry["message"] for entry in saga["timeline"]] == [
        "OrderCreated",
        "StockReserved",
        "PaymentConfirmed",
        "ReservationConfirmed",
        "OrderConfirmed",
    ]


async def test_sagas_are_for_administrators(client: ShopClient, ana: Caller) -> None:
    order_id = await ana.buys((await client.product(stock=1), 1), token=None)
    await ana.sees(order_id, "in_progress")
    for path in ("/sagas", f"/sagas/{order_id}"):
        assert (await ana.get(path)).code == "forbidden"
        assert (await client.nobody.get(path)).status == 401
    waiting = (await client.admin.get(f"/sagas/{order_id}")).json
    assert (waiting["state"], waiting["open"]) == ("awaiting_payment", True)
    assert (await client.admin.get("/sagas/1")).code == "saga_not_found"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/products", {"code": "X", "name": "X", "price": 1}),
        ("PUT", "/products/1", {"code": "X", "name": "X", "price": 1}),
        ("DELETE", "/products/1", None),
        ("POST", "/inventory/1/receipts", {"quantity": 1}),
        ("POST", "/inventory/1/adjustments", {"quantity": -1, "reason": "lost"}),
        ("GET", "/inventory/1", None),
        ("GET", "/payments?order_id=1", None),
        ("POST", "/payments/1/refunds", {}),
        ("POST", "/sagas/1/retry", None),
    ],
)
async def test_the_back_office_is_closed_to_customers(
    client: ShopClient, ana: Caller, method: str, path: str, body: object
) -> None:
    sent = () if body is None else (body,)
    assert (await ana.send(method, path, *sent)).code == "forbidden"
    assert (await client.nobody.send(method, path, *sent)).status == 401


async def test_logout_is_felt_everywhere_within_a_second(
    shop: RunningShop, client: ShopClient
) -> None:
    """The quickest of a few: what the others take is how busy the machine is."""
    login = re.search(r"Customer +(\S+) / (\S+)", shop.said())
    assert login is not None
    other_session = await logged_in(client, login[1], login[2])
    seconds = [
        await until_out_everywhere(await logged_in(client, login[1], login[2]))
        for _ in range(LOGOUTS)
    ]
    assert min(seconds) < LOGOUT_SECONDS_MAX, seconds
    assert (await other_session.get("/orders")).status == 200


async def until_out_everywhere(customer: Caller) -> float:
    """How many seconds after the logout's answer the session has ended in every process."""
    for path in ("/me", "/orders"):
        assert (await customer.get(path)).status == 200
    assert (await customer.post("/logout")).status == 204
    ended_at = time.monotonic()

    async def is_out_everywhere() -> bool:
        statuses = {(await customer.get(path)).status for path in ("/me", "/orders")}
        return statuses == {401}

    await eventually(is_out_everywhere, what="the session has ended in every process")
    return time.monotonic() - ended_at
