"""The sandbox's webhooks: signed, retried, held back, sent twice. The receiver checks every
signature with the Standard Webhooks library; one it can't verify is never seen."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from feira.embedded.ports import free_port
from tests.adapters.sandbox_world import (
    SandboxClient,
    WebhookReceiver,
    charge_json,
    eventually,
    receiving_webhooks,
    sandbox_here,
)


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with receiving_webhooks() as receiver:
        yield receiver


@pytest.fixture
async def sandbox(tmp_path: Path, receiver: WebhookReceiver) -> AsyncIterator[SandboxClient]:
    async with sandbox_here(tmp_path, receiver) as client:
        yield client


async def until_settled(sandbox: SandboxClient) -> dict[str, int]:
    """The ledger's summary once no webhook waits."""

    async def is_settled() -> bool:
        summary.update(await sandbox.get("/ledger/summary"))
        return summary["webhooks_pending"] == 0

    summary: dict[str, int] = {}
    await eventually(is_settled)
    return summary


async def test_each_outcome_is_told(sandbox: SandboxClient, receiver: WebhookReceiver) -> None:
    visa, _, held = await sandbox.charge_batch(
        charge_json("visa"),
        charge_json("declined", "tok_declined"),
        charge_json("held", capture=False),
    )
    await sandbox.post(f"/v1/charges/{held['id']}/void")
    refunds = [
        {"idempotency_key": f"r{cents}", "charge_id": visa["id"], "amount_cents": cents}
        for cents in (4_00, 7_00)
    ]
    await sandbox.post("/v1/refunds/batch", {"refunds": refunds})
    await eventually(lambda: len(receiver.events) == 5)
    told = {event["data"]["idempotency_key"]: event["type"] for event in receiver.events}
    assert told == {
        "visa": "charge.captured",
        "declined": "charge.declined",
        "held": "charge.voided",
        "r400": "refund.succeeded",
        "r700": "refund.failed",
    }
    assert receiver.events_of("visa")[0]["data"] == visa
    await until_settled(sandbox)


async def test_a_batch_is_told_in_one_delivery(
    sandbox: SandboxClient, receiver: WebhookReceiver
) -> None:
    await sandbox.charge_batch(*[charge_json(f"key-{n}") for n in range(200)])
    await eventually(lambda: len(receiver.events) == 200)
    assert len(receiver.deliveries) == 1


async def test_a_receiver_that_fails_twice_is_tried_a_third_time(
    sandbox: SandboxClient, receiver: WebhookReceiver
) -> None:
    receiver.refusals = [500, 302]
    await sandbox.charge_batch(charge_json("key"))
    await eventually(lambda: len(receiver.deliveries) == 1)
    assert receiver.refused == receiver.deliveries * 2
    summary = await until_settled(sandbox)
    assert summary["webhooks_exhausted"] == 0


@pytest.mark.parametrize(("refusals", "tries"), [([500, 500, 500], 3), ([410], 1)])
async def test_attempts_are_bounded_and_what_was_given_up_is_counted(
    sandbox: SandboxClient, receiver: WebhookReceiver, refusals: list[int], tries: int
) -> None:
    receiver.refusals = refusals
    await sandbox.charge_batch(charge_json("a"), charge_json("b"))
    summary = await until_settled(sandbox)
    assert (summary["webhooks_exhausted"], len(receiver.refused)) == (2, tries)
    await sandbox.charge_batch(charge_json("c"))
    await eventually(lambda: len(receiver.events_of("c")) == 1)
    assert len(receiver.deliveries) == 1


async def test_tok_duplicate_is_told_three_times(
    sandbox: SandboxClient, receiver: WebhookReceiver
) -> None:
    await sandbox.charge_batch(charge_json("key", "tok_duplicate"))
    await eventually(lambda: len(receiver.deliveries) == 3)
    await until_settled(sandbox)
    assert len({delivery.webhook_id for delivery in receiver.deliveries}) == 3
    [event, *copies] = receiver.events
    assert copies == [event, event]


async def test_tok_timeout_is_told_late(sandbox: SandboxClient, receiver: WebhookReceiver) -> None:
    charging = asyncio.create_task(
        sandbox.charge_batch(charge_json("timeout", "tok_timeout"), charge_json("visa"))
    )
    await eventually(lambda: len(receiver.events_of("visa")) == 1)
    assert receiver.events_of("timeout") == []
    await eventually(lambda: len(receiver.events_of("timeout")) == 1)
    await charging


async def test_webhooks_can_be_paused_and_let_go(
    sandbox: SandboxClient, receiver: WebhookReceiver
) -> None:
    await sandbox.control(webhooks_paused=True)
    await sandbox.charge_batch(charge_json("key"))
    assert (await sandbox.get("/ledger/summary"))["webhooks_pending"] == 1
    await sandbox.control(webhook_delay_ms=60_000)
    await sandbox.charge_batch(charge_json("later"))
    assert receiver.events == []
    await sandbox.control(webhooks_paused=False)
    await eventually(lambda: len(receiver.events_of("key")) == 1)
    assert (await sandbox.get("/ledger/summary"))["webhooks_pending"] >= 1
    assert receiver.events_of("later") == []


async def test_what_a_dead_endpoint_missed_waits_for_the_next_start(tmp_path: Path) -> None:
    nobody = WebhookReceiver(url=f"http://127.0.0.1:{free_port()}/webhooks/sandbox")
    async with sandbox_here(tmp_path, nobody, webhook_retry_delays_seconds=[0.5] * 100) as sandbox:
        for n in range(20):
            await sandbox.charge_batch(charge_json(f"key-{n}"))
        assert (await sandbox.get("/ledger/summary"))["webhooks_pending"] == 20
    async with receiving_webhooks() as receiver, sandbox_here(tmp_path, receiver) as sandbox:
        await until_settled(sandbox)
        assert {e["data"]["idempotency_key"] for e in receiver.events} == {
            f"key-{n}" for n in range(20)
        }
