"""The payments API (E5): webhooks of providers, and what administrators see and give back."""

from typing import Annotated, Any

from fastapi import Response
from pydantic import BaseModel, Field

from feira.chassis.http.answers import json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import AdminPrincipal, Idempotency, Pagination, RequestOrigin
from feira.chassis.http.fields import Amount, PositiveId
from feira.chassis.http.hot import Access, HotRoute
from feira.chassis.http.openapi import responses
from feira.chassis.http.problems import problem_answer
from feira.chassis.http.request import HotRequest
from feira.chassis.lane import Lane
from feira.chassis.work import Answer
from feira.kernel.errors import Refused
from feira.services.payments.application.ports import PaymentProvider, PaymentQueries
from feira.services.payments.application.request_refund import RequestRefund
from feira.services.payments.domain.refund import Refund
from feira.services.payments.entrypoints.drift import note_drift
from feira.services.payments.entrypoints.views import (
    PaymentList,
    RefundView,
    payment_view,
    refund_view,
)

WEBHOOK_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
TAKEN = Answer(200, b"{}")


class RefundBody(BaseModel):
    """Without `amount`: all that is left of the payment."""

    amount: Annotated[Amount, Field(gt=0)] | None = None


def hot_routes(lane: Lane[Any], provider: PaymentProvider) -> list[HotRoute]:
    async def sandbox(request: HotRequest) -> Answer:
        headers = {name: request.header(name) or "" for name in WEBHOOK_HEADERS}
        events = provider.parse_webhook(headers, request.body)
        if events.charges or events.refunds:
            note_drift(await lane.ask(events, origin=request.origin))
        return TAKEN

    return [
        HotRoute(
            method="POST",
            path="/webhooks/sandbox",
            handler=sandbox,
            access=Access.ANYONE,
            summary="What the sandbox provider tells by itself (Standard Webhooks)",
            tags=("webhooks",),
            responses={200: None},
        )
    ]


def cold_routes(lane: Lane[Any], queries: PaymentQueries) -> Router:
    router = Router(tags=["payments"])

    @router.get("/payments", responses=responses({200: PaymentList}))
    async def find(_admin: AdminPrincipal, order_id: PositiveId, page: Pagination) -> Response:
        """The payments of an order, the first attempt first."""
        payments = await queries.of_order(order_id)
        shown = payments[page.offset : page.offset + page.limit]
        found = PaymentList(
            items=[payment_view(payment) for payment in shown],
            total=len(payments),
            page=page.page,
            limit=page.limit,
        )
        return to_response(json_answer(200, found))

    @router.post(
        "/payments/{payment_id}/refunds", status_code=201, responses=responses({201: RefundView})
    )
    async def refund(
        payment_id: PositiveId,
        body: RefundBody,
        _admin: AdminPrincipal,
        origin: RequestOrigin,
        key: Idempotency,
    ) -> Response:
        """Give back a part or all of what is kept of a payment."""

        def answered(outcome: Refund | Refused) -> Answer:
            if isinstance(outcome, Refused):
                return problem_answer(outcome, f"/payments/{payment_id}/refunds")
            return json_answer(201, refund_view(outcome))

        answer = await lane.submit(
            RequestRefund(payment_id, body.amount),
            origin=origin,
            idempotency=key,
            answer_with=answered,
        )
        return to_response(answer)

    return router
