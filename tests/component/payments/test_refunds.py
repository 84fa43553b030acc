"""What administrators see and give back."""

import asyncio
from typing import Any

import pytest

from feira.chassis.telemetry.metrics import exposition
from feira.contracts.payments import PaymentConfirmed, PaymentRefunded
from tests.component.payments.conftest import Shop, until
from tests.eventually import eventually
from tests.unit.payments.world import AMOUNT_CENTS, request


@pytest.fixture
async def paid(shop: Shop) -> int:
    """The id of a captured payment of R$ 10.00, of order 1."""
    await shop.saga.say(request(1))
    await shop.is_in(1, "captured")
    payment_id: int = (await shop.payment(1))["id"]
    return payment_id


async def refunded(shop: Shop) -> float:
    amount: float = (await shop.payment(1))["refunded"]
    return amount


async def test_a_part_and_then_the_rest(shop: Shop, paid: int) -> None:
    answer = await shop.admin.post(f"/payments/{paid}/refunds", {"amount": 2.5})
    assert answer.status == 201, answer.body
    assert answer.json.pop("id") > 0
    assert (answer.json["payment_id"], answer.json["order_id"]) == (paid, 1)
    assert (answer.json["amount"], answer.json["status"]) == (2.5, "requested")
    rest = await shop.admin.post(f"/payments/{paid}/refunds", {})
    assert (rest.status, rest.json["amount"]) == (201, 7.5)
    await shop.is_in(1, "refunded")
    assert await refunded(shop) == 10.0
    await until(lambda: len(shop.saga.heard) == 3)
    confirmed, *told = shop.saga.heard
    assert isinstance(confirmed, PaymentConfirmed)
    refunds = [message for message in told if isinstance(message, PaymentRefunded)]
    assert sorted(refund.amount_cents for refund in refunds) == [2_50, 7_50]
    assert refunds[-1].refunded_cents == refunds[-1].captured_cents == AMOUNT_CENTS
    assert len(refunds) == len(told)
    await shop.check_books()


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("{id}", {"amount": 10.01}, 409, "refund_exceeds_captured"),
        ("{id}", {"amount": 0}, 422, "invalid_body"),
        ("{id}", {"amount": -1}, 422, "invalid_body"),
        ("{id}", {"amount": 1.001}, 422, "invalid_body"),
        ("{id}", {"amount": "much"}, 422, "invalid_body"),
        ("{id}", [], 422, "invalid_body"),
        ("999", {}, 404, "payment_not_found"),
        ("0", {}, 404, "not_found"),
    ],
)
async def test_what_cannot_be_given_back(
    shop: Shop, paid: int, path: str, body: Any, status: int, code: str
) -> None:
    answer = await shop.admin.post(f"/payments/{path.format(id=paid)}/refunds", body)
    assert (answer.status, answer.code) == (status, code)
    assert await refunded(shop) == 0


async def test_a_failed_payment_has_nothing_to_give_back(shop: Shop) -> None:
    await shop.saga.say(request(1, token="tok_declined"))
    await shop.is_in(1, "failed")
    payment_id = (await shop.payment(1))["id"]
    answer = await shop.admin.post(f"/payments/{payment_id}/refunds", {})
    assert (answer.status, answer.code) == (409, "payment_not_captured")


async def test_fifty_replays_of_a_refund_are_one_refund(shop: Shop, paid: int) -> None:
    post = shop.admin.post
    path, key = f"/payments/{paid}/refunds", {"idempotency-key": "refund-1"}
    answers = await asyncio.gather(*(post(path, {"amount": 1}, headers=key) for _ in range(50)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    other = await post(path, {"amount": 2}, headers=key)
    assert (other.status, other.code) == (422, "idempotency_key_reused")

    async def is_back() -> bool:
        return await refunded(shop) == 1.0

    await eventually(is_back)
    await shop.check_books()


async def test_payments_are_for_administrators(shop: Shop, paid: int) -> None:
    for method, path in (("GET", "/payments?order_id=1"), ("POST", f"/payments/{paid}/refunds")):
        body: dict[str, Any] | None = {} if method == "POST" else None
        assert (await shop.customer.send(method, path, body)).status == 403
        assert (await shop.nobody.send(method, path, body)).status == 401


async def test_payments_are_listed_by_order(shop: Shop, paid: int) -> None:
    found = (await shop.admin.get("/payments?order_id=1")).json
    assert (found["total"], found["page"]) == (1, 1)
    [payment] = found["items"]
    assert payment["id"] == paid
    assert "token" not in payment
    assert (await shop.admin.get("/payments?order_id=2")).json["items"] == []
    assert (await shop.admin.get("/payments")).status == 422
    assert (await shop.admin.get("/payments?order_id=x")).status == 422


async def test_a_refund_that_the_provider_does_not_take_is_shown_and_tried_again(
    shop: Shop, paid: int
) -> None:
    await shop.sandbox.control(fail_next_requests=1)
    await shop.admin.post(f"/payments/{paid}/refunds", {})
    await until(lambda: gauge(metrics(shop), "unsettled_refunds") == 1)
    shop.place.clock.skip(60)
    await shop.is_in(1, "refunded")
    await until(lambda: gauge(metrics(shop), "unsettled_refunds") == 0)
    refunds = await shop.database.fetch("SELECT amount_cents, state, failures FROM refund")
    assert [tuple(row) for row in refunds] == [(AMOUNT_CENTS, "succeeded", 0)]
    await shop.check_books()


async def test_a_refund_that_is_refused_for_good_goes_on_under_a_new_key(
    shop: Shop, paid: int
) -> None:
    """Somebody has given a part of it back at the provider's own desk."""
    charge_id = await shop.database.fetchval("SELECT charge_id FROM payment")
    out_of_band = {"idempotency_key": "by-hand", "charge_id": charge_id, "amount_cents": 1}
    await shop.sandbox.post("/v1/refunds", out_of_band)
    await shop.admin.post(f"/payments/{paid}/refunds", {})
    await until(lambda: gauge(metrics(shop), "failing_refunds") == 1)
    shop.place.clock.skip(60)

    async def failed_again() -> bool:
        return bool(await shop.database.fetchval("SELECT failures > 1 FROM refund"))

    await eventually(failed_again)
    assert (await shop.payment(1))["refunded"] == 0.0


def metrics(shop: Shop) -> str:
    return exposition(shop.service.name).decode()


def gauge(text: str, kind: str) -> float:
    name = f'feira_open_work{{kind="{kind}",service="payments"}} '
    found = [line.removeprefix(name) for line in text.splitlines() if line.startswith(name)]
    return float(found[0]) if found else -1
