"""What the provider tells by itself: believed only when signed, and only when it is news."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook

from feira.contracts.payments import PaymentCanceled, PaymentConfirmed
from tests.adapters.sandbox_world import SECRET
from tests.component.payments.conftest import Shop, until
from tests.eventually import eventually
from tests.unit.payments.world import AMOUNT_CENTS, cancel, request


def body_of(*events: dict[str, Any], kind: str = "events") -> bytes:
    return msgspec.json.encode({"type": kind, "events": events, "simulated": True})


def capture_event(order_id: int, charge_id: str, cents: int = AMOUNT_CENTS) -> dict[str, Any]:
    return {
        "id": f"evt_{charge_id}",
        "type": "charge.captured",
        "created_at": "2025-11-28T03:00:00.000Z",
        "data": {
            "id": charge_id,
            "idempotency_key": f"feira-{order_id}-1",
            "order_id": order_id,
            "amount_cents": cents,
            "currency": "BRL",
            "status": "captured",
            "decline_reason": None,
            "captured_cents": cents,
            "refunded_cents": 0,
            "simulated": True,
        },
    }


async def count_of(shop: Shop, table: str) -> int:
    count: int = await shop.database.fetchval(f"SELECT count(*) FROM {table}")
    return count


async def test_the_providers_own_webhooks_arrive_and_repeat_what_is_known(shop: Shop) -> None:
    await shop.saga.say(*(request(n, token="tok_duplicate") for n in range(1, 21)))
    for order_id in range(1, 21):
        await shop.is_in(order_id, "captured")

    async def all_told() -> bool:
        summary = await shop.sandbox.get("/ledger/summary")
        return bool(summary["webhooks_pending"] == 0 and summary["webhooks_exhausted"] == 0)

    await eventually(all_told)
    await until(lambda: len(shop.saga.heard) == 20)
    assert await count_of(shop, "ledger_entry") == 20
    await shop.check_books()


async def test_a_webhook_can_be_the_first_to_tell(shop: Shop) -> None:
    """The answer to the charge never comes, and the provider answers no questions either."""
    await shop.sandbox.control(webhooks_paused=True, latency_ms=3_000)
    await shop.saga.say(request(1))
    await shop.is_in(1, "requested")
    await shop.sandbox.control(webhooks_paused=False)
    await shop.is_in(1, "captured")
    await shop.sandbox.control(latency_ms=0)
    await shop.check_books()


async def test_fifty_replays_have_one_effect(shop: Shop) -> None:
    await shop.saga.say(request(1))
    await shop.is_in(1, "captured")
    charge_id = await shop.database.fetchval("SELECT charge_id FROM payment")
    body = body_of(capture_event(1, charge_id))
    answers = await asyncio.gather(*(shop.send_webhook(body) for _ in range(50)))
    assert set(answers) == {200}
    await until(lambda: [type(one) for one in shop.saga.about(1)] == [PaymentConfirmed])
    assert await count_of(shop, "ledger_entry") == 1
    await shop.check_books()


@pytest.mark.parametrize("canceled", [True, False])
async def test_money_that_comes_late_is_given_back_once(shop: Shop, canceled: bool) -> None:
    """The provider charges what had failed here before it ever heard of it."""
    await shop.saga.say(request(1, method="pix"), *([cancel(1)] if canceled else []))
    await shop.is_in(1, "failed")
    charge = {"idempotency_key": "feira-1-1", "order_id": 1, "amount_cents": AMOUNT_CENTS}
    status, made = await shop.sandbox.post(
        "/v1/charges", charge | {"currency": "BRL", "token": "tok_visa"}
    )
    assert status == 200
    body = body_of(capture_event(1, made["id"]))
    await asyncio.gather(*(shop.send_webhook(body) for _ in range(20)))
    await shop.is_in(1, "refunded")
    if canceled:
        await shop.saga.hears(
            PaymentCanceled(order_id=1, captured_cents=AMOUNT_CENTS, refunded_cents=AMOUNT_CENTS)
        )
    assert await count_of(shop, "refund") == 1
    await shop.check_books()


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook_signature": "v1,AAAA"},
        {"webhook_signature": "v1,not base64!"},
        {"webhook_signature": "nonsense"},
        {"webhook_signature": ""},
        {"webhook_id": "msg_2"},
        {"webhook_timestamp": "0"},
        {"webhook_timestamp": "nan"},
        {"webhook_timestamp": "yesterday"},
    ],
)
async def test_a_webhook_that_is_not_signed_by_the_provider_is_refused(
    shop: Shop, changed: dict[str, str]
) -> None:
    await shop.saga.say(request(1, method="pix"))
    await shop.is_in(1, "failed")
    assert await shop.send_webhook(body_of(capture_event(1, "ch_forged")), **changed) == 401
    assert (await shop.payment(1))["status"] == "failed"


@pytest.mark.parametrize(("minutes", "status"), [(-6, 401), (-4, 200), (4, 200), (6, 401)])
async def test_a_signature_counts_for_five_minutes(shop: Shop, minutes: int, status: int) -> None:
    body = body_of()
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    signature = Webhook(SECRET).sign("msg_1", at, body.decode())
    answer = await shop.send_webhook(
        body, webhook_timestamp=str(int(at.timestamp())), webhook_signature=signature
    )
    assert answer == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"type": "events", "events": 7}', 400),
        (b'{"type": "events", "events": [{"type": "charge.captured", "data": 1}]}', 400),
        (body_of(kind="something.else"), 200),
        (body_of({"type": "charge.disputed", "data": {"odd": True}}), 200),
        (body_of({"type": "charge.captured", "data": {"idempotency_key": "others-1"}}), 200),
        (body_of(capture_event(404, "ch_unknown")), 200),
    ],
)
async def test_what_is_signed_but_strange_is_no_error_of_ours(
    shop: Shop, body: bytes, status: int
) -> None:
    assert await shop.send_webhook(body) == status
    assert await count_of(shop, "payment") == 0
