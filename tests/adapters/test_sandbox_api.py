"""The sandbox's HTTP API, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import pytest
from msgspec import json

from tests.adapters.sandbox_world import (
    API_KEY,
    SandboxClient,
    charge_json,
    eventually,
    sandbox_here,
)

BAD_INPUT = [
    ("/v1/charges", b"{", 400, "not_json"),
    ("/v1/charges", b'{"idempotency_key": "\xff"}', 400, "not_json"),
    ("/v1/charges", b'{"idempotency_key": "\\ud800"}', 400, "not_json"),
    ("/v1/charges", b"[]", 422, "invalid_request"),
    ("/v1/charges/batch", b'{"charges": []}', 422, "invalid_request"),
    ("/v1/charges/batch", b"", 400, "not_json"),
    ("/v1/charges/query", b'{"idempotency_keys": ["a\\u0000b"]}', 422, "invalid_request"),
    ("/v1/refunds", b'{"amount_cents": 1e400}', 422, "invalid_request"),
    ("/v1/refunds/batch", b'{"refunds": [{"amount_cents": -1}]}', 422, "invalid_request"),
    ("/v1/cancellations", b"null", 422, "invalid_request"),
    ("/v1/charges/batch", b" " * 1_048_577, 413, "body_too_large"),
    ("/v1/nothing", b"{}", 404, "not_found"),
    ("/ledger", b"{}", 405, "method_not_allowed"),
    ("/control", b"{}", 415, "unsupported_media_type"),
]


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    async with sandbox_here(tmp_path) as client:
        yield client


async def test_fifty_replays_at_once_are_one_charge(sandbox: SandboxClient) -> None:
    answers = await asyncio.gather(
        *[sandbox.post("/v1/charges", charge_json("key")) for _ in range(50)]
    )
    assert all(answer == answers[0] for answer in answers)
    status, charge = answers[0]
    assert (status, charge["status"], charge["captured_cents"]) == (200, "captured", 10_00)
    assert charge["simulated"] is True
    assert await sandbox.get(f"/v1/charges/{charge['id']}") == charge
    summary = await sandbox.get("/ledger/summary")
    assert (summary["charges"], summary["captured_cents"]) == (1, 10_00)


async def test_a_key_used_for_something_else_is_refused(sandbox: SandboxClient) -> None:
    await sandbox.post("/v1/charges", charge_json("key"))
    status, problem = await sandbox.post("/v1/charges", charge_json("key", amount_cents=1))
    assert (status, problem["code"]) == (422, "idempotency_mismatch")
    [line] = await sandbox.charge_batch(charge_json("key", amount_cents=1))
    assert line == {"idempotency_key": "key", "error": "idempotency_mismatch"}


@pytest.mark.parametrize(
    ("token", "status", "reason"),
    [
        ("tok_visa", "captured", None),
        ("tok_duplicate", "captured", None),
        ("tok_slow", "captured", None),
        ("tok_declined", "declined", "card_declined"),
        ("tok_what", "declined", "unknown_token"),
    ],
)
async def test_each_token_does_what_it_says(
    sandbox: SandboxClient, token: str, status: str, reason: str | None
) -> None:
    _, alone = await sandbox.post("/v1/charges", charge_json("alone", token))
    [in_batch] = await sandbox.charge_batch(charge_json("in-batch", token))
    for charge in (alone, in_batch):
        assert (charge["status"], charge["decline_reason"]) == (status, reason)


async def test_tok_timeout_captures_and_never_answers(sandbox: SandboxClient) -> None:
    status, problem = await sandbox.post("/v1/charges", charge_json("alone", "tok_timeout"))
    assert (status, problem["code"]) == (504, "no_answer")
    assert await sandbox.charge_batch(charge_json("in-batch", "tok_timeout")) == []
    known = await sandbox.query("alone", "in-batch", "never-sent")
    assert {key: charge["status"] for key, charge in known.items()} == {
        "alone": "captured",
        "in-batch": "captured",
    }


async def test_a_slow_card_never_delays_its_neighbours(tmp_path: Path) -> None:
    tokens = {
        "slow": "tok_slow",
        "visa": "tok_visa",
        "timeout": "tok_timeout",
        "declined": "tok_declined",
    }
    charges = [charge_json(key, token) for key, token in tokens.items()]
    arrived: dict[str, float] = {}
    async with sandbox_here(tmp_path, slow_seconds=2, hang_seconds=4) as sandbox:
        began = monotonic()
        async with sandbox.session.post("/v1/charges/batch", json={"charges": charges}) as answer:
            async for line in answer.content:
                arrived[json.decode(line)["idempotency_key"]] = monotonic() - began
        ended = monotonic() - began
    assert list(arrived) == ["visa", "declined", "slow"]
    assert arrived["declined"] < 2 <= arrived["slow"] < 4 <= ended


async def test_a_caller_that_gives_up_leaves_the_charge_in_the_books(
    sandbox: SandboxClient,
) -> None:
    with pytest.raises(TimeoutError):
        await sandbox.session.post(
            "/v1/charges",
            json=charge_json("key", "tok_timeout"),
            timeout=aiohttp.ClientTimeout(total=0.2),
        )
    assert (await sandbox.query("key"))["key"]["captured_cents"] == 10_00


async def test_a_cancellation_wins_against_a_charge_under_way(sandbox: SandboxClient) -> None:
    charging = asyncio.create_task(sandbox.charge_batch(charge_json("key", "tok_slow")))
    status, canceled = await sandbox.post("/v1/cancellations", {"idempotency_key": "key"})
    assert (status, canceled["canceled"], canceled["charge"]) == (200, True, None)
    assert await sandbox.query("key") == {}
    [charge] = await charging
    assert (charge["status"], charge["captured_cents"]) == ("voided", 0)
    assert await sandbox.get("/ledger") == []


async def test_a_cancellation_that_comes_too_late_says_so(sandbox: SandboxClient) -> None:
    [charge] = await sandbox.charge_batch(charge_json("key"))
    _, answer = await sandbox.post("/v1/cancellations", {"idempotency_key": "key"})
    assert (answer["canceled"], answer["charge"]) == (False, charge)


async def test_an_authorization_is_captured_later_or_voided(sandbox: SandboxClient) -> None:
    first, second = await sandbox.charge_batch(
        charge_json("first", capture=False), charge_json("second", capture=False)
    )
    assert (first["status"], first["captured_cents"]) == ("authorized", 0)
    captured = await sandbox.post(f"/v1/charges/{first['id']}/capture")
    assert captured == (200, first | {"status": "captured", "captured_cents": 10_00})
    assert await sandbox.post(f"/v1/charges/{first['id']}/capture") == captured
    status, problem = await sandbox.post(f"/v1/charges/{first['id']}/void")
    assert (status, problem["code"]) == (409, "charge_captured")
    voided = await sandbox.post(f"/v1/charges/{second['id']}/void")
    assert voided == (200, second | {"status": "voided"})
    status, problem = await sandbox.post(f"/v1/charges/{second['id']}/capture")
    assert (status, problem["code"]) == (409, "charge_voided")
    assert (await sandbox.post("/v1/charges/ch_unknown/void"))[0] == 404


async def test_refunds_are_bounded_and_idempotent(sandbox: SandboxClient) -> None:
    [charge] = await sandbox.charge_batch(charge_json("key"))

    def refund(key: str, amount_cents: int) -> dict[str, Any]:
        return {"idempotency_key": key, "charge_id": charge["id"], "amount_cents": amount_cents}

    answers = await asyncio.gather(
        *[sandbox.post("/v1/refunds", refund(f"r{n}", 3_00)) for n in range(10)]
    )
    assert [answer["status"] for _, answer in answers].count("succeeded") == 3
    again = [await sandbox.post("/v1/refunds", refund(f"r{n}", 3_00)) for n in range(10)]
    assert again == answers
    _, batch = await sandbox.post(
        "/v1/refunds/batch",
        {"refunds": [refund("r0", 1), refund("last", 1_00), refund("more", 1)]},
    )
    mismatch, last, more = batch["refunds"]
    assert mismatch == {"idempotency_key": "r0", "error": "idempotency_mismatch"}
    assert (last["status"], more["status"]) == ("succeeded", "failed")
    assert more["failure_reason"] == "amount_exceeds_captured"
    assert await sandbox.get("/ledger?order_id=41") == [
        {"order_id": 41, "captured_cents": 10_00, "refunded_cents": 10_00}
    ]


async def test_the_ledger_streams_all_orders(sandbox: SandboxClient) -> None:
    for start in range(1, 1_201, 200):
        numbers = range(start, start + 200)
        await sandbox.charge_batch(*[charge_json(f"key-{n}", order_id=n) for n in numbers])
    ledger = await sandbox.get("/ledger")
    assert [entry["order_id"] for entry in ledger] == list(range(1, 1_201))
    assert await sandbox.get("/ledger?order_id=77") == [ledger[76]]
    assert (await sandbox.get("/ledger/summary"))["captured_cents"] == 1_200 * 10_00


async def test_bad_input_is_a_problem_never_a_5xx(sandbox: SandboxClient) -> None:
    for path, body, *expected in BAD_INPUT:
        async with sandbox.session.post(path, data=BytesIO(body)) as answer:
            problem = json.decode(await answer.read())
            assert answer.content_type == "application/problem+json"
            assert [answer.status, problem["code"]] == expected, body[:100]
            assert (problem["status"], problem["instance"]) == (answer.status, path)


async def test_a_batch_has_a_bound_and_its_problem_a_pointer(sandbox: SandboxClient) -> None:
    charges = [charge_json(f"key-{n}") for n in range(201)]
    status, problem = await sandbox.post("/v1/charges/batch", {"charges": charges})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/charges")
    charges = [charge_json("good"), charge_json("bad", amount_cents=0)]
    status, problem = await sandbox.post("/v1/charges/batch", {"charges": charges})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/charges/1/amount_cents")
    assert await sandbox.query("good") == {}


@pytest.mark.parametrize(
    "path", ["/v1/charges", "/v1/charges/batch", "/v1/refunds", "/v1/cancellations"]
)
async def test_without_the_key_v1_is_closed(sandbox: SandboxClient, path: str) -> None:
    for authorization in ("", "Bearer wrong", "Bearer é", f"Basic {API_KEY}"):
        headers = {"authorization": authorization}
        async with sandbox.session.post(path, json=charge_json("k"), headers=headers) as answer:
            assert answer.status == 401
    assert await sandbox.get("/ledger") == []


async def test_the_developers_pages_need_no_key(sandbox: SandboxClient) -> None:
    headers = {"authorization": ""}
    for path in ("/", "/healthz", "/ledger", "/ledger/summary", "/control"):
        async with sandbox.session.get(path, headers=headers) as answer:
            assert answer.status == 200


async def test_it_says_that_it_is_simulated(sandbox: SandboxClient) -> None:
    for path in ("/", "/healthz", "/ledger/summary"):
        assert (await sandbox.get(path))["simulated"] is True
    _, problem = await sandbox.post("/v1/charges", None)
    assert problem["simulated"] is True


async def test_ordered_failures_do_nothing_and_end(sandbox: SandboxClient) -> None:
    await sandbox.control(fail_next_requests=2)
    for _ in range(2):
        status, problem = await sandbox.post("/v1/charges", charge_json("key"))
        assert (status, problem["code"]) == (500, "ordered_failure")
    assert await sandbox.query("key") == {}
    assert (await sandbox.post("/v1/charges", charge_json("key")))[0] == 200


async def test_an_ordered_latency_delays_the_answer_not_the_charge(sandbox: SandboxClient) -> None:
    await sandbox.control(latency_ms=2_000)
    began = monotonic()
    charging = asyncio.create_task(sandbox.charge_batch(charge_json("key")))

    async def is_in_the_ledger() -> bool:
        return bool(await sandbox.get("/ledger"))

    await eventually(is_in_the_ledger)
    assert not charging.done()
    [charge] = await charging
    assert monotonic() - began >= 2
    assert charge["status"] == "captured"
