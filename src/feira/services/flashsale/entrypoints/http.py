"""The flash-sale API (B6, B7)."""

import asyncio
from typing import Any, Final

import msgspec
from fastapi import Response

from feira.chassis.http.answers import json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import (
    AdminPrincipal,
    CurrentPrincipal,
    Idempotency,
    Pagination,
    RequestOrigin,
)
from feira.chassis.http.fields import PositiveId
from feira.chassis.http.hot import HotRoute
from feira.chassis.http.openapi import responses
from feira.chassis.http.request import HotRequest
from feira.chassis.lane import Lane
from feira.chassis.work import Answer
from feira.kernel.clock import Clock
from feira.kernel.errors import Category, Refused, Rejected
from feira.services.flashsale.application.claim_unit import ClaimUnit
from feira.services.flashsale.application.end_campaign import EndCampaign
from feira.services.flashsale.application.ports import FlashSaleQueries
from feira.services.flashsale.domain.drop import NOT_FOUND, DropStatus
from feira.services.flashsale.entrypoints.admission import Admission
from feira.services.flashsale.entrypoints.bodies import (
    NOTHING_SAID,
    CampaignBody,
    ClaimBody,
    campaign_of,
    wish_of,
)
from feira.services.flashsale.entrypoints.views import (
    CampaignView,
    ClaimView,
    DropListView,
    DropView,
    WonView,
    campaign_answer,
    claim_answer,
    claim_view,
    drop_view,
)

NO_CLAIM: Final = Refused(Category.NOT_FOUND, "claim_not_found", "You have no claim on it.")
OPENING_SECONDS_MAX: Final = 3.0
OPENING_POLL_SECONDS: Final = 0.03
NOT_OPEN_YET: Final = (DropStatus.PLANNED, DropStatus.PREPARING, DropStatus.READY)


def hot_routes(lane: Lane[Any], admission: Admission, clock: Clock) -> list[HotRoute]:
    async def claim(request: HotRequest) -> Answer:
        sale_id, now, path = request.path_ids[0], clock.now(), request.path
        refused = admission.check(request, sale_id, now)
        if refused is not None:
            raise Rejected(refused)
        body = request.decode(ClaimBody) if request.body else NOTHING_SAID
        return await lane.submit(
            ClaimUnit(sale_id, wish_of(body, request.current_principal.id, now)),
            origin=request.origin,
            idempotency=request.idempotency,
            answer_with=lambda outcome: claim_answer(outcome, path),
        )

    return [
        HotRoute(
            method="POST",
            path="/flash-sales/{id}/orders",
            handler=claim,
            request_type=ClaimBody,
            summary="Claim a unit of a flash sale",
            description=(
                "201 with the order, whose unit is held until `pay_until`. 409 `sold_out`, with "
                "`waiting` and `place` when units are held that may still come free; 409 "
                "`already_claimed`, `not_open`."
            ),
            tags=("flash sales",),
            responses={201: WonView, 404: None, 409: None},
        ),
    ]


def admin_routes(
    lane: Lane[Any], queries: FlashSaleQueries, clock: Clock, pay_seconds: int
) -> Router:
    router = Router(tags=["flash sales"])

    @router.post("/flash-sales", status_code=201, responses=responses({201: CampaignView}))
    async def start(
        body: CampaignBody, _admin: AdminPrincipal, origin: RequestOrigin, key: Idempotency
    ) -> Response:
        """Start a campaign: one drop, or one an hour. Answers once a drop that opens now is open
        (or after 3 seconds): its stock is set aside first."""
        command = campaign_of(body, pay_seconds)
        answer = await lane.submit(
            command,
            origin=origin,
            idempotency=key,
            answer_with=lambda outcome: campaign_answer(outcome, "/flash-sales"),
        )
        if answer.status == 201 and (body.starts_at is None or body.starts_at <= clock.now()):
            await _opening(queries, msgspec.json.decode(answer.body, type=CampaignView).id)
        return to_response(answer)

    @router.delete(
        "/flash-sales/{campaign_id}", responses=responses({200: CampaignView, 404: None})
    )
    async def end(
        campaign_id: PositiveId, _admin: AdminPrincipal, origin: RequestOrigin, key: Idempotency
    ) -> Response:
        """End a campaign: no more claims, no more drops. Who holds a unit may still pay for it."""
        path = f"/flash-sales/{campaign_id}"
        answer = await lane.submit(
            EndCampaign(campaign_id),
            origin=origin,
            idempotency=key,
            answer_with=lambda outcome: campaign_answer(outcome, path, 200),
        )
        return to_response(answer)

    return router


def reading_routes(queries: FlashSaleQueries) -> Router:
    router = Router(tags=["flash sales"])

    @router.get("/flash-sales", responses=responses({200: DropListView}))
    async def find(page: Pagination) -> Response:
        """Drops that are open, or will be; of an hourly campaign the next one."""
        drops, total = await queries.find_live(offset=page.offset, drops_max=page.limit)
        items = [drop_view(drop) for drop in drops]
        return to_response(json_answer(200, DropListView(items, total, page.page, page.limit)))

    @router.get("/flash-sales/{sale_id}", responses=responses({200: DropView, 404: None}))
    async def show(sale_id: PositiveId) -> Response:
        """A drop; of a campaign the one that is open, or the next, or the last."""
        drop = await queries.get(sale_id)
        if drop is None:
            raise Rejected(NOT_FOUND)
        return to_response(json_answer(200, drop_view(drop)))

    @router.get("/flash-sales/{sale_id}/claim", responses=responses({200: ClaimView, 404: None}))
    async def show_claim(sale_id: PositiveId, caller: CurrentPrincipal) -> Response:
        """The caller's newest claim on a drop: its order, or its place in the queue."""
        drop = await queries.get(sale_id)
        if drop is None:
            raise Rejected(NOT_FOUND)
        claim = await queries.newest_claim(drop.id, caller.id)
        if claim is None:
            raise Rejected(NO_CLAIM)
        return to_response(json_answer(200, claim_view(drop, claim)))

    return router


async def _opening(queries: FlashSaleQueries, campaign_id: int) -> None:
    """Until the campaign's drop is open, or for a while."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + OPENING_SECONDS_MAX
    while loop.time() < give_up_at:
        drop = await queries.get(campaign_id)
        if drop is None or drop.status not in NOT_OPEN_YET:
            return
        await asyncio.sleep(OPENING_POLL_SECONDS)
