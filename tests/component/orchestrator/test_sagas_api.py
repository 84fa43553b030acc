"""Purchases as administrators see them, and as the other services lead them on."""

from typing import Any

import pytest

from feira.chassis.postgres.connection import connect
from feira.chassis.transports.simulated import simulated_broker
from feira.contracts.orchestrator import (
    ConfirmOrder,
    ConfirmReservation,
    RecordProgress,
    RequestPayment,
    ReserveStock,
    SagaFinished,
)
from tests.component.orders.test_placing import problem
from tests.component.running import Running
from tests.unit.orchestrator.world import (
    created,
    insufficient,
    order_canceled,
    order_confirmed,
    paid,
    reserved,
    sold,
)


def kinds(messages: list[Any]) -> set[Any]:
    return {type(message) for message in messages}


async def completed(shop: Running, order_id: int) -> None:
    await shop.say(created(order_id))
    assert kinds(await shop.hear(1)) == {ReserveStock}
    await shop.say(reserved(order_id))
    assert kinds(await shop.hear(2)) == {RequestPayment, RecordProgress}
    await shop.say(paid(order_id))
    assert kinds(await shop.hear(1)) == {ConfirmReservation}
    await shop.say(sold(order_id))
    assert kinds(await shop.hear(1)) == {ConfirmOrder}
    await shop.say(order_confirmed(order_id))
    assert kinds(await shop.hear(1)) == {SagaFinished}


async def test_a_purchase_is_led_to_its_end_and_can_be_followed(shop: Running) -> None:
    await completed(shop, 17)
    saga = (await shop.admin.get("/sagas/17")).json
    assert (saga["order_id"], saga["state"], saga["open"]) == (17, "completed", False)
    assert (saga["total"], saga["captured"], saga["refunded"]) == (59.97, 59.97, 0.0)
    assert [(entry["message"], entry["state"]) for entry in saga["timeline"]] == [
        ("OrderCreated", "reserving"),
        ("StockReserved", "paying"),
        ("PaymentConfirmed", "selling"),
        ("ReservationConfirmed", "confirming"),
        ("OrderConfirmed", "completed"),
    ]
    assert [entry["at"] for entry in saga["timeline"]] == sorted(
        entry["at"] for entry in saga["timeline"]
    )
    assert saga["waits_since"] == saga["timeline"][-1]["at"]
    assert "tok_visa" not in str(saga)


async def test_open_purchases_are_listed(shop: Running) -> None:
    await shop.say(created(17), created(18), created(19))
    await shop.hear(3)
    await shop.say(insufficient(18))
    await shop.hear(1)
    await shop.say(order_canceled(18))
    await shop.hear(2)
    listed = (await shop.admin.get("/sagas")).json
    assert [saga["order_id"] for saga in listed["items"]] == [17, 19]
    assert (await shop.admin.get("/sagas?limit=1")).json["limit"] == 1
    assert (await shop.admin.get("/sagas?stuck=true")).json["items"] == []


async def test_a_purchase_can_be_made_to_ask_again(shop: Running) -> None:
    await shop.say(created(17))
    await shop.hear(1)
    answer = await shop.admin.post("/sagas/17/retry")
    assert (answer.status, answer.json["state"]) == (202, "reserving")
    assert kinds(await shop.hear(1)) == {ReserveStock}
    headers = {"Idempotency-Key": "once"}
    first = await shop.admin.post("/sagas/17/retry", headers=headers)
    again = await shop.admin.post("/sagas/17/retry", headers=headers)
    assert (first.status, first.body) == (again.status, again.body)
    assert len(await shop.hear(1)) == 1


async def test_what_is_at_rest_or_unknown_cannot_be_retried(shop: Running) -> None:
    await completed(shop, 17)
    assert problem(await shop.admin.post("/sagas/17/retry")) == (409, "saga_at_rest")
    assert problem(await shop.admin.post("/sagas/18/retry")) == (404, "saga_not_found")
    assert problem(await shop.admin.get("/sagas/18")) == (404, "saga_not_found")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/sagas"), ("GET", "/sagas/17"), ("POST", "/sagas/17/retry")]
)
async def test_sagas_are_for_administrators(shop: Running, method: str, path: str) -> None:
    assert problem(await shop.nobody.send(method, path)) == (401, "unauthenticated")
    assert problem(await shop.customer().send(method, path)) == (403, "forbidden")


@pytest.mark.parametrize("order_id", ["0", "x", "9007199254740992", "-1"])
async def test_what_is_no_id_is_not_found(shop: Running, order_id: str) -> None:
    assert problem(await shop.admin.get(f"/sagas/{order_id}"))[0] == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "stuck=perhaps"])
async def test_wrong_queries_are_refused(shop: Running, query: str) -> None:
    assert problem(await shop.admin.get(f"/sagas?{query}"))[0] == 422


async def test_the_description_names_every_route(shop: Running) -> None:
    described = (await shop.nobody.get("/openapi.json")).json["paths"]
    for method, path in (
        ("get", "/sagas"),
        ("get", "/sagas/{order_id}"),
        ("post", "/sagas/{order_id}/retry"),
    ):
        assert method in described.get(path, {}), (method, path)


async def test_what_was_not_answered_is_asked_again_by_itself(shop: Running) -> None:
    await shop.say(created(17))
    await shop.hear(1)
    await make_overdue(shop)
    assert kinds(await shop.hear(1)) == {ReserveStock}


async def test_a_broker_that_lost_its_data_is_told_all_that_still_matters(
    shop: Running, request: pytest.FixtureRequest
) -> None:
    await shop.say(created(17), created(18))
    await shop.hear(2)
    folder = request.getfixturevalue("tmp_path")
    simulated_broker(folder.name).wipe()
    await shop.heard.rewind()
    assert kinds(await shop.hear(2)) == {ReserveStock}


async def make_overdue(shop: Running) -> None:
    connection = await connect(shop.dsn, "test")
    await connection.execute(
        """UPDATE saga SET deadline = now() - interval '1 second',
        progress = jsonb_set(progress::jsonb, '{1}', to_jsonb(now() - interval '1 second'))"""
    )
    await connection.close()
