"""The simulated provider's HTTP API. Nothing here moves money, and every answer says so.

Under /v1 with the API key: charges, refunds, cancellations. Open, a developer's tools: /ledger,
/control, /healthz.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final, TypeVar

from msgspec import json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route

from feira.sandbox.books import Books, BooksUnavailable, read_summary
from feira.sandbox.charge_batch import ChargeBatchEndpoint
from feira.sandbox.controls import ControlChange
from feira.sandbox.decisions import (
    BEHAVIOURS,
    Answer,
    Refusal,
    behaviour_of,
    decide_capture,
    decide_void,
)
from feira.sandbox.desk import Desk
from feira.sandbox.gate import Gate
from feira.sandbox.group_commit import TooManyWrites
from feira.sandbox.messages import (
    CancellationRequest,
    Charge,
    ChargeQuery,
    ChargeRequest,
    ChargesAnswer,
    KeyMismatch,
    Refund,
    RefundBatch,
    RefundRequest,
    RefundsAnswer,
    encode,
)
from feira.sandbox.provider import Moment, cancel_key, change_charge, refund_charges
from feira.sandbox.wire import Problem, answer_error, decode, json_response, read_body

Answered = TypeVar("Answered", Charge, Refund)

CHARGE: Final = json.Decoder(ChargeRequest)
CHARGE_QUERY: Final = json.Decoder(ChargeQuery)
CANCELLATION: Final = json.Decoder(CancellationRequest)
REFUND: Final = json.Decoder(RefundRequest)
REFUND_BATCH: Final = json.Decoder(RefundBatch)
CONTROL_CHANGE: Final = json.Decoder(ControlChange)


class Charges:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def create(self, request: Request) -> Response:
        charge = decode(CHARGE, await body_of(request, self._desk))
        answer_when = behaviour_of(charge.token).answer
        charge_now = self._desk.charge_late if answer_when is Answer.LATE else self._desk.charge
        [answer] = await charge_now([charge])
        if answer_when is Answer.NEVER:
            await self._desk.hang(request.receive)
            raise Problem(504, "no_answer", "This token's charges must be asked for.")
        return json_response(matching(answer))

    async def query(self, request: Request) -> Response:
        query = decode(CHARGE_QUERY, await body_of(request, self._desk))
        known = self._desk.books.charges_by_key(query.idempotency_keys).values()
        charges = [recorded.charge for recorded in known if not recorded.is_cancellation]
        return json_response(ChargesAnswer(charges=charges))

    async def get(self, request: Request) -> Response:
        return json_response(charge_of(self._desk.books, request.path_params["charge_id"]))

    async def capture(self, request: Request) -> Response:
        return await self._change(request, decide_capture)

    async def void(self, request: Request) -> Response:
        return await self._change(request, decide_void)

    async def cancel_key(self, request: Request) -> Response:
        """Never let this key charge; if it has, say so."""
        key = decode(CANCELLATION, await body_of(request, self._desk)).idempotency_key
        return json_response(await self._desk.run(partial(cancel_key, key=key)))

    async def _change(
        self, request: Request, decide: Callable[[Charge], Charge | Refusal]
    ) -> Response:
        def use_case(books: Books, moment: Moment) -> Charge | Refusal | None:
            charge = books.charges_by_id([charge_id]).get(charge_id)
            return charge and change_charge(books, moment, charge, decide)

        charge_id = request.path_params["charge_id"]
        changed = await self._desk.run(use_case)
        if changed is None:
            raise unknown_charge()
        if isinstance(changed, Refusal):
            raise Problem(409, changed.code, f"The charge is {changed.charge.status}.")
        return json_response(changed)


class Refunds:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def create(self, request: Request) -> Response:
        refund = decode(REFUND, await body_of(request, self._desk))
        [answer] = await self._desk.run(partial(refund_charges, requests=[refund]))
        return json_response(matching(answer))

    async def create_batch(self, request: Request) -> Response:
        batch = decode(REFUND_BATCH, await body_of(request, self._desk))
        answers = await self._desk.run(partial(refund_charges, requests=batch.refunds))
        return json_response(RefundsAnswer(refunds=answers))


class DeveloperPages:
    """Open to all on this machine: what the books say, and how the provider misbehaves."""

    def __init__(self, desk: Desk, wake_webhooks: Callable[[], None]) -> None:
        self._desk = desk
        self._wake_webhooks = wake_webhooks

    async def index(self, request: Request) -> Response:
        return json_response(
            {
                "name": "Feira payment sandbox: a simulated provider, no money moves here",
                "simulated": True,
                "tokens": sorted(BEHAVIOURS),
            }
        )

    async def healthz(self, request: Request) -> Response:
        return json_response({"status": "ok", "simulated": True})

    async def ledger(self, request: Request) -> Response:
        """`[{order_id, captured_cents, refunded_cents}]`: orders with captured money."""
        order_id = request.query_params.get("order_id")
        if order_id is not None:
            return json_response(self._desk.books.ledger_of_order(order_id))
        return StreamingResponse(self._ledger_chunks(), media_type="application/json")

    async def summary(self, request: Request) -> Response:
        return json_response(await asyncio.to_thread(read_summary, self._desk.settings.data_dir))

    async def controls(self, request: Request) -> Response:
        return json_response(self._desk.controls)

    async def change_controls(self, request: Request) -> Response:
        # A web page can't send this type to another origin without asking first.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise Problem(415, "unsupported_media_type", "Send application/json.")
        self._desk.controls.change(decode(CONTROL_CHANGE, await body_of(request, self._desk)))
        self._wake_webhooks()
        return json_response(self._desk.controls)

    async def _ledger_chunks(self) -> AsyncIterator[bytes]:
        opening = b"["
        for page in self._desk.books.ledger_pages():
            yield opening + encode(page)[1:-1]
            opening = b","
            await asyncio.sleep(0)  # charges come first
        yield b"[]" if opening == b"[" else b"]"


async def body_of(request: Request, desk: Desk) -> bytes:
    return await read_body(request.receive, desk.settings.body_bytes_max)


def matching(answer: Answered | KeyMismatch) -> Answered:
    """Raises `Problem` 422 for a key used before with other parameters."""
    if isinstance(answer, KeyMismatch):
        raise Problem(422, answer.error, "This key was used before with other parameters.")
    return answer


def charge_of(books: Books, charge_id: str) -> Charge:
    charge = books.charges_by_id([charge_id]).get(charge_id)
    if charge is None:
        raise unknown_charge()
    return charge


def unknown_charge() -> Problem:
    return Problem(404, "unknown_charge", "There is no such charge.")


def make_app(desk: Desk, wake_webhooks: Callable[[], None]) -> Starlette:
    """The whole API. `wake_webhooks` is called when a control may have let webhooks go."""
    charges, refunds = Charges(desk), Refunds(desk)
    pages = DeveloperPages(desk, wake_webhooks)
    v1 = [
        Route("/charges/batch", ChargeBatchEndpoint(desk), methods=["POST"]),
        Route("/charges/query", charges.query, methods=["POST"]),
        Route("/charges", charges.create, methods=["POST"]),
        Route("/charges/{charge_id}", charges.get),
        Route("/charges/{charge_id}/capture", charges.capture, methods=["POST"]),
        Route("/charges/{charge_id}/void", charges.void, methods=["POST"]),
        Route("/cancellations", charges.cancel_key, methods=["POST"]),
        Route("/refunds/batch", refunds.create_batch, methods=["POST"]),
        Route("/refunds", refunds.create, methods=["POST"]),
    ]
    api_key = desk.settings.api_key.get_secret_value()
    gate = Middleware(Gate, api_key=api_key, controls=desk.controls, pause=desk.pause)
    return Starlette(
        routes=[
            Mount("/v1", routes=v1, middleware=[gate]),
            Route("/", pages.index),
            Route("/healthz", pages.healthz),
            Route("/ledger", pages.ledger),
            Route("/ledger/summary", pages.summary),
            Route("/control", pages.controls),
            Route("/control", pages.change_controls, methods=["POST"]),
        ],
        exception_handlers=dict.fromkeys(
            (Problem, TooManyWrites, BooksUnavailable, HTTPException, Exception), answer_error
        ),
    )
