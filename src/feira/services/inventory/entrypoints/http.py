"""What administrators ask of inventory (B2): cold routes, all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from feira.chassis.http.answers import json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import AdminPrincipal, Idempotency, RequestOrigin
from feira.chassis.http.fields import PositiveId, Text
from feira.chassis.http.openapi import responses
from feira.chassis.http.problems import problem_answer
from feira.chassis.lane import Lane
from feira.chassis.work import Answer
from feira.kernel.errors import Refused, Rejected
from feira.services.inventory.application.adjust_stock import AdjustStock
from feira.services.inventory.application.count_stock import CountStock
from feira.services.inventory.application.moving import NOT_FOUND, Move, Moved
from feira.services.inventory.application.ports import StockQueries, StockView
from feira.services.inventory.application.receive_stock import ReceiveStock
from feira.services.inventory.domain.stock import MOVED_MAX, ON_HAND_MAX, Movement

MOVEMENTS_SHOWN_MAX: Final = 50
REASON_LENGTH_MAX: Final = 200


def _not_zero(quantity: int) -> int:
    if quantity == 0:
        raise ValueError("must not be 0")
    return quantity


Reason = Annotated[str, Text(max_length=REASON_LENGTH_MAX)]


class Receipt(BaseModel):
    model_config = ConfigDict(extra="forbid")
    quantity: Annotated[int, Field(strict=True, ge=1, le=MOVED_MAX)]
    reason: Reason | None = None


class Adjustment(BaseModel):
    """`quantity` is signed."""

    model_config = ConfigDict(extra="forbid")
    quantity: Annotated[
        int, Field(strict=True, ge=-MOVED_MAX, le=MOVED_MAX), AfterValidator(_not_zero)
    ]
    reason: Reason


class Count(BaseModel):
    model_config = ConfigDict(extra="forbid")
    on_hand: Annotated[int, Field(strict=True, ge=0, le=ON_HAND_MAX)]
    reason: Reason | None = None


class MovementBody(msgspec.Struct, kw_only=True):
    id: int
    kind: str
    quantity: int
    reason: str | None
    reference: str | None
    at: datetime


class StockItemBody(msgspec.Struct, kw_only=True):
    """`movements` are the latest, the newest first; sales are not among them."""

    product_id: int
    on_hand: int
    reserved: int
    allotted: int
    available: int
    version: int
    movements: list[MovementBody]


class MovedBody(msgspec.Struct, kw_only=True):
    """The levels right after the movement."""

    product_id: int
    on_hand: int
    reserved: int
    allotted: int
    available: int
    movement: MovementBody


MOVED: Final = responses({201: MovedBody, 404: None, 409: None})


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """What every movement's request has beside its body."""

    product_id: PositiveId
    admin: AdminPrincipal
    origin: RequestOrigin
    key: Idempotency


MoveOf = Annotated[MoveRequest, Depends()]


def routes(lane: Lane[Any], queries: StockQueries) -> Router:
    router = Router(tags=["inventory"])

    @router.get("/inventory/{product_id}", responses=responses({200: StockItemBody, 404: None}))
    async def show_stock(product_id: PositiveId, _admin: AdminPrincipal) -> Response:
        found = await queries.get(product_id, MOVEMENTS_SHOWN_MAX)
        if found is None:
            raise Rejected(NOT_FOUND)
        return to_response(json_answer(200, _stock_item(found)))

    async def submit(request: MoveRequest, noun: str, command: Move) -> Response:
        answer = await lane.submit(
            command,
            origin=request.origin,
            idempotency=request.key,
            answer_with=_answering(f"/inventory/{request.product_id}/{noun}"),
        )
        return to_response(answer)

    @router.post("/inventory/{product_id}/receipts", status_code=201, responses=MOVED)
    async def receive_stock(body: Receipt, to: MoveOf) -> Response:
        command = ReceiveStock(to.product_id, body.quantity, body.reason, to.admin.id)
        return await submit(to, "receipts", command)

    @router.post("/inventory/{product_id}/adjustments", status_code=201, responses=MOVED)
    async def adjust_stock(body: Adjustment, to: MoveOf) -> Response:
        command = AdjustStock(to.product_id, body.quantity, body.reason, to.admin.id)
        return await submit(to, "adjustments", command)

    @router.post("/inventory/{product_id}/counts", status_code=201, responses=MOVED)
    async def count_stock(body: Count, to: MoveOf) -> Response:
        command = CountStock(to.product_id, body.on_hand, body.reason, to.admin.id)
        return await submit(to, "counts", command)

    return router


def _answering(path: str) -> Callable[[Moved | Refused], Answer]:
    def answer(outcome: Moved | Refused) -> Answer:
        if isinstance(outcome, Refused):
            return problem_answer(outcome, path)
        return json_answer(201, _moved(outcome))

    return answer


def _stock_item(found: StockView) -> StockItemBody:
    item = found.item
    return StockItemBody(
        product_id=item.product_id,
        on_hand=item.on_hand,
        reserved=item.reserved,
        allotted=item.allotted,
        available=item.available,
        version=item.version,
        movements=[_movement(movement) for movement in found.movements],
    )


def _moved(moved: Moved) -> MovedBody:
    return MovedBody(
        product_id=moved.movement.product_id,
        on_hand=moved.on_hand,
        reserved=moved.reserved,
        allotted=moved.allotted,
        available=moved.on_hand - moved.reserved - moved.allotted,
        movement=_movement(moved.movement),
    )


def _movement(movement: Movement) -> MovementBody:
    return MovementBody(
        id=movement.id,
        kind=movement.kind,
        quantity=movement.quantity,
        reason=movement.reason,
        reference=movement.reference,
        at=movement.at,
    )
