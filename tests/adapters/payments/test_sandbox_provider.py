"""The provider port on the real sandbox, and on a server that misbehaves."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web

from feira.services.payments.adapters.sandbox.link import SandboxLink
from feira.services.payments.adapters.sandbox.provider import SandboxProvider
from feira.services.payments.adapters.sandbox.webhooks import WebhookReader
from feira.services.payments.application.ports import Answers
from feira.services.payments.domain.charge import ChargeReport, Verdict
from feira.services.payments.domain.payment import Payment
from feira.services.payments.domain.refund import Refund, RefundReport
from tests.adapters.sandbox_world import API_KEY, SECRET, SandboxClient, sandbox_here
from tests.unit.payments.world import AMOUNT_CENTS, START

R = TypeVar("R")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def payment(order_id: int, token: str = "tok_visa", attempt: int = 1, **values: Any) -> Payment:
    made = Payment(order_id, order_id, attempt, AMOUNT_CENTS, "card", token, START)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def refund(payment_id: int, charge_id: str, cents: int = AMOUNT_CENTS, **values: Any) -> Refund:
    key = f"feira-refund-{payment_id}"
    made = Refund(9, payment_id, payment_id, 1, key, charge_id, cents, "canceled", START)
    for name, value in values.items():
        setattr(made, name, value)
    return made


@asynccontextmanager
async def provider_at(
    url: str, *, timeout_seconds: float = 5, api_key: str = API_KEY
) -> AsyncIterator[SandboxProvider]:
    link = SandboxLink(url, api_key, timeout_seconds=timeout_seconds, connections_max=4)
    provider = SandboxProvider(link, WebhookReader(SECRET))
    async with provider.opened():
        yield provider


@asynccontextmanager
async def real(
    data_dir: Path, *, timeout_seconds: float = 5, **settings: Any
) -> AsyncIterator[tuple[SandboxProvider, SandboxClient]]:
    async with sandbox_here(data_dir, **settings) as client:
        url = str(client.session._base_url)
        async with provider_at(url, timeout_seconds=timeout_seconds) as provider:
            yield provider, client


async def batches(answers: Answers[R]) -> list[Sequence[R]]:
    return [reports async for reports in answers]


async def all_of(answers: Answers[R]) -> list[R]:
    return [report for reports in await batches(answers) for report in reports]


async def charged(provider: SandboxProvider, *payments: Payment) -> dict[int, ChargeReport]:
    return {r.order_id: r for r in await all_of(provider.create_many(payments))}


# --- the real one --------------------------------------------------------------------------------


async def test_charges_are_answered_each(tmp_path: Path) -> None:
    async with real(tmp_path) as (provider, client):
        told = await charged(provider, payment(1), payment(2, "tok_declined"), payment(3))
        assert told[1].verdict is Verdict.CAPTURED
        assert told[1].captured_cents == AMOUNT_CENTS
        assert (told[2].verdict, told[2].reason) == (Verdict.DECLINED, "card_declined")
        again = await charged(provider, payment(1), payment(2, "tok_declined"), payment(3))
        assert again == told
        assert (await client.get("/ledger/summary"))["captures"] == 2


async def test_more_than_one_call_takes_is_charged_in_parts(tmp_path: Path) -> None:
    async with real(tmp_path) as (provider, _):
        told = await charged(provider, *(payment(order_id) for order_id in range(1, 452)))
        assert len(told) == 451
        asked = [payment(order_id) for order_id in range(1, 1202)]
        standing = await all_of(provider.query_many(asked))
        assert sum(report.verdict is Verdict.CAPTURED for report in standing) == 451
        assert sum(report.verdict is Verdict.UNKNOWN for report in standing) == 750


async def test_a_slow_charge_does_not_delay_its_neighbours(tmp_path: Path) -> None:
    async with real(tmp_path) as (provider, _):
        told = await batches(provider.create_many([payment(1, "tok_slow"), payment(2)]))
        assert [[report.order_id for report in reports] for reports in told] == [[2], [1]]


async def test_a_charge_that_is_never_answered_can_be_asked_for(tmp_path: Path) -> None:
    silent = payment(1, "tok_timeout")
    async with real(tmp_path, timeout_seconds=2, hang_seconds=30) as (provider, client):
        told = await charged(provider, silent, payment(2))
        assert set(told) == {2}
        [standing] = await all_of(provider.query_many([silent]))
        assert (standing.verdict, standing.captured_cents) == (Verdict.CAPTURED, AMOUNT_CENTS)
        assert (await client.get("/ledger/summary"))["captures"] == 2


async def test_a_voided_key_never_charges(tmp_path: Path) -> None:
    async with real(tmp_path) as (provider, _):
        [told] = await all_of(provider.void_many([payment(1)]))
        assert told.verdict is Verdict.VOIDED
        assert (await charged(provider, payment(1)))[1].verdict is Verdict.VOIDED
        await charged(provider, payment(2), payment(3, "tok_declined"))
        told_of = {
            r.order_id: r.verdict
            for r in await all_of(
                provider.void_many([payment(1), payment(2), payment(3, "tok_declined")])
            )
        }
        assert told_of == {1: Verdict.VOIDED, 2: Verdict.CAPTURED, 3: Verdict.VOIDED}


async def test_an_authorized_charge_is_captured(tmp_path: Path) -> None:
    async with real(tmp_path) as (provider, client):
        body = {"idempotency_key": "feira-1-1", "order_id": 1, "amount_cents": AMOUNT_CENTS}
        await client.post(
            "/v1/charges", body | {"currency": "BRL", "token": "tok_visa", "capture": False}
        )
        assert await charged(provider, payment(1)) == {}  # our key, other terms: no answer
        [authorized] = await all_of(provider.query_many([payment(1)]))
        assert authorized.verdict is Verdict.AUTHORIZED
        [captured] = await all_of(provider.capture_many([authorized]))
        assert (captured.verdict, captured.captured_cents) == (Verdict.CAPTURED, AMOUNT_CENTS)


async def test_refunds_go_back_once_a_key_and_never_too_much(tmp_path: Path) -> None:
    async with real(tmp_path) as (provider, client):
        told = await charged(provider, payment(1))
        charge_id = told[1].charge_id or ""
        whole, too_much = refund(1, charge_id), refund(2, charge_id, 1)
        for _ in range(2):
            assert await all_of(provider.refund_many([whole, too_much])) == [
                RefundReport("feira-refund-1", True, None),
                RefundReport("feira-refund-2", False, "amount_exceeds_captured"),
            ]
        other_terms = refund(1, charge_id, AMOUNT_CENTS - 1)
        assert await all_of(provider.refund_many([other_terms])) == []
        assert (await client.get("/ledger/summary"))["refunded_cents"] == AMOUNT_CENTS


async def test_one_bad_request_does_not_fail_its_neighbours(tmp_path: Path) -> None:
    async with real(tmp_path) as (provider, client):
        payments = [payment(order_id) for order_id in range(1, 12)]
        payments[6].token = "x" * 201
        told = await charged(provider, *payments)
        assert (told[7].verdict, told[7].reason) == (Verdict.DECLINED, "refused_by_provider")
        assert sum(report.verdict is Verdict.CAPTURED for report in told.values()) == 10
        bad = refund(7, "")
        good = refund(1, told[1].charge_id or "")
        assert await all_of(provider.refund_many([bad, good])) == [
            RefundReport("feira-refund-7", False, "refused_by_provider"),
            RefundReport("feira-refund-1", True, None),
        ]
        assert (await client.get("/ledger/summary"))["captures"] == 10


async def test_a_provider_that_fails_has_given_no_answer(tmp_path: Path) -> None:
    async with real(tmp_path) as (provider, client):
        for answers in (
            provider.create_many([payment(1)]),
            provider.query_many([payment(1)]),
            provider.void_many([payment(1)]),
        ):
            await client.control(fail_next_requests=1)
            assert await all_of(answers) == []
        await client.control(fail_next_requests=1)
        assert await all_of(provider.refund_many([refund(1, "ch_1")])) == []
        assert (await charged(provider, payment(1)))[1].verdict is Verdict.CAPTURED


async def test_a_wrong_key_is_no_answer_and_no_refusal(tmp_path: Path) -> None:
    async with sandbox_here(tmp_path) as client:
        url = str(client.session._base_url)
        async with provider_at(url, api_key="not-the-sandbox-key") as provider:
            assert await charged(provider, payment(1)) == {}


# --- one that misbehaves -------------------------------------------------------------------------


@asynccontextmanager
async def misbehaving(handler: Handler) -> AsyncIterator[SandboxProvider]:
    app = web.Application()
    app.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with provider_at(f"http://127.0.0.1:{port}") as provider:
            yield provider
    finally:
        await runner.cleanup()


def line(order_id: int, **values: Any) -> bytes:
    text = f'{{"idempotency_key":"feira-{order_id}-1","id":"ch","status":"captured"'
    return f'{text},"captured_cents":1000}}\n'.encode()


async def test_lines_cut_anywhere_are_put_together(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        text = line(1) + line(2) + line(3).rstrip()
        for start in range(0, len(text), 7):
            await response.write(text[start : start + 7])
        return response

    async with misbehaving(answer) as provider:
        assert set(await charged(provider, payment(1), payment(2), payment(3))) == {1, 2, 3}


async def test_a_stream_that_breaks_has_answered_what_it_has(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "9999"})
        await response.prepare(request)
        await response.write(line(1) + line(2)[:20])
        assert request.transport is not None
        request.transport.close()
        return response

    async with misbehaving(answer) as provider:
        assert set(await charged(provider, payment(1), payment(2))) == {1}


@pytest.mark.parametrize(
    "body",
    [b"<html>hello</html>", b'{"charges": 7}', b"\xff", b"", b"null", b'[{"idempotency_key":1}]'],
)
async def test_nonsense_is_no_answer(body: bytes) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    async with misbehaving(answer) as provider:
        assert await charged(provider, payment(1)) == {}
        assert await all_of(provider.query_many([payment(1)])) == []
        assert await all_of(provider.void_many([payment(1)])) == []
        assert await all_of(provider.refund_many([refund(1, "ch_1")])) == []


async def test_charges_of_others_and_states_that_are_not_known_are_passed_over() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        other = b'{"idempotency_key":"somebody-else","id":"ch","status":"captured"}\n'
        pending = b'{"idempotency_key":"feira-2-1","id":"ch","status":"pending"}\n'
        return web.Response(body=other + pending + line(1))

    async with misbehaving(answer) as provider:
        assert set(await charged(provider, payment(1), payment(2))) == {1}


async def test_nobody_there_is_no_answer() -> None:
    async with provider_at("http://127.0.0.1:9") as provider:
        assert await charged(provider, payment(1)) == {}
