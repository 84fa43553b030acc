"""The orders API (O2, I1, E4, E16)."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import BaseModel

from feira.chassis.http.answers import json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import (
    AdminPrincipal,
    CurrentPrincipal,
    Idempotency,
    RequestOrigin,
)
from feira.chassis.http.fields import PageLimit, PositiveId, Text
from feira.chassis.http.hot import HotRoute
from feira.chassis.http.openapi import responses
from feira.chassis.http.request import HotRequest
from feira.chassis.lane import Lane
from feira.chassis.work import Answer
from feira.kernel.errors import Refused, Rejected
from feira.services.orders.application.advance_order import AdvanceOrder
from feira.services.orders.application.cancel_order import NOT_FOUND, CancelOrder
from feira.services.orders.application.place_order import PlaceOrder
from feira.services.orders.application.ports import OrderQueries
from feira.services.orders.application.submit_payment import SubmitPayment
from feira.services.orders.domain.order import Order, OrderStatus
from feira.services.orders.entrypoints.bodies import (
    ApiOrderBody,
    OrderBody,
    PaymentBody,
    api_wish_of,
    payment_of,
    wish_of,
)
from feira.services.orders.entrypoints.promised import PromisedOrders
from feira.services.orders.entrypoints.views import (
    ApiPlacedView,
    ListedOrderView,
    OrderView,
    PlacedView,
    api_placed_answer,
    listed_view,
    order_view,
    payment_answer,
    placed_answer,
    status_answer,
)

AnswerTo = Callable[[Order | Refused, str], Answer]


def hot_routes(lane: Lane[Any], queries: OrderQueries, promised: PromisedOrders) -> list[HotRoute]:
    async def submit(request: HotRequest, command: object, answer_to: AnswerTo) -> Answer:
        path = request.path
        return await lane.submit(
            command,
            origin=request.origin,
            idempotency=request.idempotency,
            answer_with=lambda outcome: answer_to(outcome, path),
        )

    async def place(request: HotRequest) -> Answer:
        wish = wish_of(request.decode(OrderBody), request.current_principal)
        return await submit(request, PlaceOrder(wish), placed_answer)

    async def place_by_api(request: HotRequest) -> Answer:
        wish = api_wish_of(request.decode(ApiOrderBody), request.current_principal)
        return await submit(request, PlaceOrder(wish), api_placed_answer)

    async def cancel(request: HotRequest) -> Answer:
        caller = request.current_principal
        customer_id = None if caller.is_admin else caller.id
        await promised.arrival(request.path_ids[0])
        command = CancelOrder(request.path_ids[0], customer_id)
        return await submit(request, command, status_answer)

    async def pay(request: HotRequest) -> Answer:
        caller = request.current_principal
        payment = payment_of(request.decode(PaymentBody))
        customer_id = None if caller.is_admin else caller.id
        await promised.arrival(request.path_ids[0])
        command = SubmitPayment(request.path_ids[0], customer_id, payment)
        return await submit(request, command, payment_answer)

    async def show(request: HotRequest) -> Answer:
        caller = request.current_principal
        await promised.arrival(request.path_ids[0])
        order = await queries.get(request.path_ids[0])
        if order is None or (order.customer_id != caller.id and not caller.is_admin):
            raise Rejected(NOT_FOUND)
        return json_answer(200, order_view(order))

    return [
        HotRoute(
            method="POST",
            path="/orders",
            handler=place,
            request_type=OrderBody,
            summary="Place an order",
            tags=("orders",),
            responses={201: PlacedView},
        ),
        HotRoute(
            method="POST",
            path="/api/orders",
            handler=place_by_api,
            request_type=ApiOrderBody,
            summary="Place an order at the prices the client believes",
            tags=("orders",),
            responses={200: ApiPlacedView},
        ),
        HotRoute(
            method="POST",
            path="/orders/{id}/cancel",
            handler=cancel,
            summary="Cancel an order before its payment is confirmed",
            tags=("orders",),
            responses={200: PlacedView},
        ),
        HotRoute(
            method="DELETE",
            path="/orders/{id}",
            handler=cancel,
            summary="Cancel an order before its payment is confirmed",
            tags=("orders",),
            responses={200: PlacedView},
        ),
        HotRoute(
            method="POST",
            path="/orders/{id}/payment",
            handler=pay,
            request_type=PaymentBody,
            summary="Pay for an order that waits for its payment",
            tags=("orders",),
            responses={202: PlacedView},
        ),
        HotRoute(
            method="GET",
            path="/orders/{id}",
            handler=show,
            summary="An order and how it stands",
            tags=("orders",),
            responses={200: OrderView},
        ),
    ]


class AdvanceBody(BaseModel):
    status: Literal["shipped", "completed"]
    tracking: Annotated[str, Text(max_length=100)] | None = None


def cold_routes(lane: Lane[Any], queries: OrderQueries) -> Router:
    router = Router(tags=["orders"])

    @router.get("/orders", responses=responses({200: list[ListedOrderView]}))
    async def find(
        caller: CurrentPrincipal,
        status: OrderStatus | None = None,
        before: Annotated[PositiveId | None, Query(description="only older orders")] = None,
        limit: PageLimit = 50,
    ) -> Response:
        """One's own orders, the newest first; everybody's for administrators."""
        orders = await queries.find(
            customer_id=None if caller.is_admin else caller.id,
            status=status,
            before_id=before,
            orders_max=limit,
        )
        return to_response(json_answer(200, [listed_view(order) for order in orders]))

    @router.put("/orders/{order_id}", responses=responses({200: PlacedView}))
    async def advance(
        order_id: PositiveId,
        body: AdvanceBody,
        _admin: AdminPrincipal,
        origin: RequestOrigin,
        key: Idempotency,
    ) -> Response:
        """Ship or complete an order."""
        answer = await lane.submit(
            AdvanceOrder(order_id, OrderStatus(body.status), body.tracking),
            origin=origin,
            idempotency=key,
            answer_with=lambda outcome: status_answer(outcome, f"/orders/{order_id}"),
        )
        return to_response(answer)

    return router
