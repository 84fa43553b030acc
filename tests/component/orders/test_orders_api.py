"""What can be done with an order over HTTP, and that nothing sent to it is answered with a 5xx."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feira.contracts.orders import (
    OrderCanceled,
    OrderCompleted,
    OrderConfirmed,
    OrderCreated,
    OrderPaymentSubmitted,
    OrderShipped,
)
from tests.component.orders.test_placing import API_ORDER, CARD, ORDER, problem
from tests.component.running import Running
from tests.eventually import eventually
from tests.unit.orders.world import confirming, progress


async def placed(shop: Running) -> int:
    answer = await shop.customer().post("/orders", {"itens": ORDER["itens"]})
    order_id: int = answer.json["id"]
    (created,) = await shop.hear(1)
    assert isinstance(created, OrderCreated)
    return order_id


async def until(shop: Running, order_id: int, **expected: Any) -> Any:
    async def shown() -> Any:
        found = (await shop.customer().get(f"/orders/{order_id}")).json
        return found if expected.items() <= found.items() else None

    return await eventually(shown, what=f"{order_id} is {expected}")


async def test_a_purchase_from_the_customers_side(shop: Running) -> None:
    order_id = await placed(shop)
    await shop.say(progress(order_id, 2))
    await until(shop, order_id, status="in_progress", inventory={"status": "reserved"})

    paying = await shop.customer().post(f"/orders/{order_id}/payment", CARD)
    assert (paying.status, paying.json) == (202, {"id": order_id, "status": "pending"})
    again = await shop.customer().post(f"/orders/{order_id}/payment", CARD)
    assert problem(again) == (409, "payment_in_progress")

    await shop.say(confirming(order_id, 30_00))
    found = await until(shop, order_id, status="paid")
    assert found["payment"] == {
        "status": "approved",
        "method": "card",
        "captured": 30.0,
        "refunded": 0.0,
    }
    for method, path in (("POST", f"/orders/{order_id}/cancel"), ("DELETE", f"/orders/{order_id}")):
        assert problem(await shop.customer().send(method, path)) == (409, "order_already_paid")

    shipped = {"status": "shipped", "tracking": "BR123"}
    assert problem(await shop.customer().put(f"/orders/{order_id}", shipped)) == (403, "forbidden")
    answer = await shop.admin.put(f"/orders/{order_id}", shipped)
    assert (answer.status, answer.json) == (200, {"id": order_id, "status": "shipped"})
    answer = await shop.admin.put(f"/orders/{order_id}", {"status": "completed"})
    assert answer.json["status"] == "completed"
    back = await shop.admin.put(f"/orders/{order_id}", shipped)
    assert problem(back) == (409, "illegal_transition")
    assert [type(message) for message in await shop.hear(4)] == [
        OrderPaymentSubmitted,
        OrderConfirmed,
        OrderShipped,
        OrderCompleted,
    ]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_an_order_is_canceled_once_however_often_it_is_asked(
    shop: Running, method: str
) -> None:
    order_id = await placed(shop)
    path = f"/orders/{order_id}/cancel" if method == "POST" else f"/orders/{order_id}"
    for _ in range(3):
        answer = await shop.customer().send(method, path)
        assert (answer.status, answer.json) == (200, {"id": order_id, "status": "canceled"})
    (canceled,) = await shop.hear(1)
    assert isinstance(canceled, OrderCanceled)
    late = await shop.customer().post(f"/orders/{order_id}/payment", CARD)
    assert problem(late) == (409, "order_not_payable")


async def test_an_order_is_nobody_elses_business(shop: Running) -> None:
    order_id = await placed(shop)
    for path in (f"/orders/{order_id}", "/orders/9007199254740991"):
        for answer in (
            await shop.customer(8).get(path),
            await shop.customer(8).post(f"{path}/cancel"),
            await shop.customer(8).delete(path),
            await shop.customer(8).post(f"{path}/payment", CARD),
        ):
            assert problem(answer) == (404, "order_not_found")
    assert (await shop.admin.get(f"/orders/{order_id}")).status == 200
    for answer in (
        await shop.nobody.get(f"/orders/{order_id}"),
        await shop.nobody.get("/orders"),
        await shop.nobody.delete(f"/orders/{order_id}"),
        await shop.nobody.put(f"/orders/{order_id}", {"status": "shipped"}),
    ):
        assert problem(answer) == (401, "unauthenticated")


async def test_orders_are_listed_as_an_array(shop: Running) -> None:
    first, second = await placed(shop), await placed(shop)
    await shop.customer().delete(f"/orders/{first}")
    listed = await shop.customer().get("/orders")
    assert [order["id"] for order in listed.json] == [second, first]
    assert listed.json[0].keys() == {"id", "status", "customerId", "total", "created_at"}
    canceled = (await shop.customer().get("/orders?status=canceled")).json
    assert [order["id"] for order in canceled] == [first]
    before = (await shop.customer().get(f"/orders?before={second}&limit=1")).json
    assert [order["id"] for order in before] == [first]
    assert (await shop.customer(8).get("/orders")).json == []
    assert len((await shop.admin.get("/orders")).json) >= 2


@pytest.mark.parametrize(
    "query", ["status=lost", "before=0", "before=x", "limit=0", "limit=101", "limit=x"]
)
async def test_wrong_queries_are_refused(shop: Running, query: str) -> None:
    assert problem(await shop.customer().get(f"/orders?{query}"))[0] == 422


@pytest.mark.parametrize("order_id", ["0", "-1", "x", "9007199254740992", "1.5", "01"])
async def test_what_is_no_id_is_not_found(shop: Running, order_id: str) -> None:
    assert problem(await shop.admin.put(f"/orders/{order_id}", {"status": "shipped"}))[0] == 404
    assert problem(await shop.customer().post(f"/orders/{order_id}/cancel"))[0] == 404
    assert problem(await shop.customer().post(f"/orders/{order_id}/payment", CARD))[0] == 404


@pytest.mark.parametrize(
    "body", [{}, {"status": "paid"}, {"status": "shipped", "tracking": "x" * 101}, []]
)
async def test_wrong_advances_are_refused(shop: Running, body: Any) -> None:
    assert problem(await shop.admin.put("/orders/1", body))[0] == 422


async def test_the_description_names_every_route(shop: Running) -> None:
    described = (await shop.nobody.get("/openapi.json")).json["paths"]
    for method, path in (
        ("post", "/orders"),
        ("get", "/orders"),
        ("post", "/api/orders"),
        ("get", "/orders/{id}"),
        ("delete", "/orders/{id}"),
        ("post", "/orders/{id}/cancel"),
        ("post", "/orders/{id}/payment"),
        ("put", "/orders/{order_id}"),
    ):
        assert method in described.get(path, {}), (method, path)


# --- whatever is sent ----------------------------------------------------------------------------

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(["1", 1, 789, 19.99, "tok_visa", "card", "\0"])
)
names = st.sampled_from(
    [
        *("itens", "items", "id", "quantity", "customerId", "customer_id", "products"),
        *("product_id", "price", "payment", "method", "token", "delivery", "address"),
        *("street", "zipcode", "status"),
    ]
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=15,
)
near_misses = st.builds(
    lambda base, name, value: {**base, name: value},
    st.sampled_from([ORDER, API_ORDER, CARD, {"status": "shipped"}]),
    names,
    values,
)
ROUTES = (
    ("POST", "/orders"),
    ("POST", "/api/orders"),
    ("POST", "/orders/1/payment"),
    ("PUT", "/orders/1"),
    ("POST", "/orders/1/cancel"),
)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(route=st.sampled_from(ROUTES), body=values | near_misses)
async def test_no_body_is_answered_with_a_5xx(
    shop: Running, route: tuple[str, str], body: Any
) -> None:
    answer = await shop.admin.send(*route, body)
    assert answer.status < 500, answer.body
    if answer.status >= 400:
        problem(answer)


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(route=st.sampled_from(ROUTES), body=st.binary(max_size=60))
async def test_no_bytes_are_answered_with_a_5xx(
    shop: Running, route: tuple[str, str], body: bytes
) -> None:
    answer = await shop.admin.send(*route, body=body)
    assert answer.status < 500, answer.body
