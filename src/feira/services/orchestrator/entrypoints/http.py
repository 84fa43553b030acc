"""The sagas, for administrators (B8)."""

from datetime import timedelta
from typing import Any

import msgspec
from fastapi import Response

from feira.chassis.http.answers import amount, json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import AdminPrincipal, Idempotency, RequestOrigin
from feira.chassis.http.fields import PageLimit, PositiveId
from feira.chassis.http.openapi import responses
from feira.chassis.http.problems import problem_answer
from feira.chassis.lane import Lane
from feira.chassis.work import Answer
from feira.kernel.errors import Refused, Rejected
from feira.services.orchestrator.application.ports import SagaQueries
from feira.services.orchestrator.application.retry_purchase import NOT_FOUND, RetryPurchase
from feira.services.orchestrator.domain.purchase_saga import Saga


class TimelineEntry(msgspec.Struct):
    at: str
    message: str
    state: str


class SagaView(msgspec.Struct):
    order_id: int
    state: str
    open: bool
    total: float
    payment_status: str
    inventory_status: str
    captured: float
    refunded: float
    reason: str
    started_at: str
    waits_since: str
    asks_again_at: str
    asked: int
    timeline: list[TimelineEntry]


class SagaList(msgspec.Struct):
    items: list[SagaView]
    limit: int


def saga_view(saga: Saga) -> SagaView:
    started_at = saga.purchase.started_at
    timeline = [
        TimelineEntry((started_at + timedelta(milliseconds=elapsed_ms)).isoformat(), message, state)
        for elapsed_ms, message, state in saga.timeline
    ]
    return SagaView(
        order_id=saga.purchase.order_id,
        state=saga.state,
        open=saga.open,
        total=amount(saga.purchase.total_cents),
        payment_status=saga.payment_status,
        inventory_status=saga.inventory_status,
        captured=amount(saga.captured_cents),
        refunded=amount(saga.refunded_cents),
        reason=saga.reason,
        started_at=started_at.isoformat(),
        waits_since=timeline[-1].at if timeline else started_at.isoformat(),
        asks_again_at=saga.deadline.isoformat(),
        asked=saga.asked,
        timeline=timeline,
    )


def routes(lane: Lane[Any], queries: SagaQueries) -> Router:
    router = Router(tags=["sagas"])

    @router.get("/sagas", responses=responses({200: SagaList}))
    async def find(_admin: AdminPrincipal, stuck: bool = False, limit: PageLimit = 50) -> Response:
        """Open purchases, the oldest first; `stuck`: only those past their deadline."""
        sagas = await queries.find_open(overdue_only=stuck, sagas_max=limit)
        return to_response(json_answer(200, SagaList([saga_view(s) for s in sagas], limit)))

    @router.get("/sagas/{order_id}", responses=responses({200: SagaView}))
    async def show(order_id: PositiveId, _admin: AdminPrincipal) -> Response:
        """One purchase with its timeline."""
        saga = await queries.get(order_id)
        if saga is None:
            raise Rejected(NOT_FOUND)
        return to_response(json_answer(200, saga_view(saga)))

    @router.post("/sagas/{order_id}/retry", status_code=202, responses=responses({202: SagaView}))
    async def retry(
        order_id: PositiveId, _admin: AdminPrincipal, origin: RequestOrigin, key: Idempotency
    ) -> Response:
        """Ask at once for what the purchase waits for."""

        def answered(outcome: Saga | Refused) -> Answer:
            if isinstance(outcome, Refused):
                return problem_answer(outcome, f"/sagas/{order_id}/retry")
            return json_answer(202, saga_view(outcome))

        answer = await lane.submit(
            RetryPurchase(order_id), origin=origin, idempotency=key, answer_with=answered
        )
        return to_response(answer)

    return router
