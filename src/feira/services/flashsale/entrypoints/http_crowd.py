"""The crowd's API: a place in the waiting room, the event stream, the report (B6, B7)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import Header, Query, Response

from feira.chassis.http.answers import json_answer, to_response
from feira.chassis.http.application import Router
from feira.chassis.http.dependencies import (
    AdminPrincipal,
    ClientAddress,
    CurrentPrincipal,
    OptionalPrincipal,
)
from feira.chassis.http.event_stream import EventStream, Streams
from feira.chassis.http.fields import PositiveId
from feira.chassis.http.hot import HotRoute
from feira.chassis.http.openapi import responses
from feira.chassis.http.request import HotRequest
from feira.chassis.lane import Lane
from feira.chassis.work import Answer
from feira.kernel.clock import Clock
from feira.kernel.errors import Category, Refused, Rejected
from feira.services.flashsale.application.crowd_ports import Challenges, CrowdQueries, Tickets
from feira.services.flashsale.application.join_waiting_room import JoinWaitingRoom
from feira.services.flashsale.domain.drop import NOT_FOUND, NOT_OPEN, SOLD_OUT
from feira.services.flashsale.domain.report import DropReport, report_on
from feira.services.flashsale.domain.standing import Standing, is_sold_out
from feira.services.flashsale.domain.waiting_room import Ticket, let_in, let_in_at
from feira.services.flashsale.entrypoints.board import Board
from feira.services.flashsale.entrypoints.crowd_views import (
    AdmissionView,
    ChallengeView,
    ReportView,
    admission_view,
    report_view,
)
from feira.services.flashsale.entrypoints.drop_events import DropEvents, Watcher

TAGS: Final = ("flash sales",)
TICKET_TEXT_MAX: Final = 1024
EVENT_ID_LENGTH_MAX: Final = 64

EVENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events `sale`, `place` and `ended`; see `docs/flash-sale.md`",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
UNSOLVED: Final = Refused(
    Category.FORBIDDEN,
    "challenge_unsolved",
    "Solve the challenge of this sale first (GET its /challenge).",
)
NO_CHALLENGE: Final = Refused(
    Category.CONFLICT, "no_challenge", "This sale asks for no proof of work."
)
NO_WAITING_ROOM: Final = Refused(
    Category.CONFLICT, "no_waiting_room", "This sale has no waiting room: claim as it opens."
)


class AdmissionBody(msgspec.Struct, forbid_unknown_fields=True):
    """What a sale with a challenge asks for; nothing where there is none."""

    challenge: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    nonce: Annotated[str, msgspec.Meta(max_length=64)] = ""


@dataclass(frozen=True, slots=True)
class CrowdParts:
    """What the routes work with."""

    lane: Lane[Any]
    board: Board
    queries: CrowdQueries
    tickets: Tickets
    challenges: Challenges
    streams: Streams
    clock: Clock
    render: Callable[[DropReport], tuple[bytes, str]]
    """A report as a page, and what the page is allowed (its Content-Security-Policy)."""
    ticket_seconds: int


def crowd_routes(parts: CrowdParts) -> Router:
    router = Router(tags=list(TAGS))
    _add_challenge(router, parts)
    _add_events(router, parts)
    _add_report(router, parts)
    return router


def crowd_hot_routes(parts: CrowdParts) -> list[HotRoute]:
    async def join(request: HotRequest) -> Answer:
        standing = _live(parts, request.path_ids[0])
        customer_id = request.current_principal.id
        wish = request.decode(AdmissionBody) if request.body else AdmissionBody()
        now = parts.clock.now()
        if (refused := _refused(parts, standing, customer_id, wish, now)) is not None:
            raise Rejected(refused)
        command = JoinWaitingRoom(standing.drop_id, customer_id)
        place: int = await parts.lane.ask(command, origin=request.origin)
        ticket = _ticket(parts, standing, customer_id, place, now)
        view = admission_view(ticket, parts.tickets.write(ticket), standing, now)
        return json_answer(201, view)

    return [
        HotRoute(
            method="POST",
            path="/flash-sales/{sale_id}/admission",
            handler=join,
            request_type=AdmissionBody,
            summary="Take a place in the waiting room",
            description="Who asks again keeps the place, and gets a new ticket for it.",
            tags=TAGS,
            responses={201: AdmissionView},
        )
    ]


def _add_challenge(router: Router, parts: CrowdParts) -> None:
    @router.get(
        "/flash-sales/{sale_id}/challenge",
        summary="The work to be done before a place is given",
        responses=responses({200: ChallengeView}),
    )
    async def challenge(sale_id: PositiveId, principal: CurrentPrincipal) -> Response:
        standing = _live(parts, sale_id)
        if not standing.challenge_bits:
            raise Rejected(NO_CHALLENGE)
        text = parts.challenges.make(
            standing.drop_id, principal.id, standing.challenge_bits, parts.clock.now()
        )
        return to_response(json_answer(200, ChallengeView(text, standing.challenge_bits)))


def _add_events(router: Router, parts: CrowdParts) -> None:
    events = DropEvents(parts.board, parts.queries, parts.clock)

    @router.get(
        "/flash-sales/{sale_id}/events",
        summary="Countdown, stock left, place in the queue (server-sent events)",
        responses=EVENTS,
    )
    async def follow(
        sale_id: PositiveId,
        principal: OptionalPrincipal,
        address: ClientAddress,
        ticket: Annotated[str, Query(max_length=TICKET_TEXT_MAX)] = "",
        last_event_id: Annotated[str | None, Header(max_length=EVENT_ID_LENGTH_MAX)] = None,
    ) -> Response:
        standing = _live(parts, sale_id)
        known = parts.tickets.read(ticket, parts.clock.now())
        customer_id = principal.id if principal else known.customer_id if known else None
        watcher = Watcher(standing.drop_id, customer_id, known, last_event_id)
        return EventStream(parts.streams, address, events.of(watcher))


def _add_report(router: Router, parts: CrowdParts) -> None:
    @router.get(
        "/flash-sales/{sale_id}/report",
        summary="The fairness report of a drop, as JSON or as a page",
        responses=responses({200: ReportView}),
    )
    async def report(
        sale_id: PositiveId,
        _admin: AdminPrincipal,
        format: Literal["json", "html"] | None = None,  # noqa: A002 - the query's own word
        accept: Annotated[str, Header()] = "",
    ) -> Response:
        found = await report_of(parts, sale_id)
        if format == "html" or (format is None and accept.startswith("text/html")):
            page, policy = parts.render(found)
            headers = {"content-security-policy": policy, "cache-control": "no-store"}
            return Response(page, headers=headers, media_type="text/html")
        return to_response(json_answer(200, report_view(found)))


async def report_of(parts: CrowdParts, sale_id: int) -> DropReport:
    """Raises `Rejected` (404) where there is no such drop."""
    live = parts.board.standing_of(sale_id)
    standing = await parts.queries.standing(live.drop_id if live else sale_id)
    if standing is None:
        raise Rejected(NOT_FOUND)
    drop_id = standing.drop_id
    return report_on(
        standing,
        await parts.queries.reported_claims(drop_id),
        await parts.queries.counts(drop_id),
        await parts.queries.arrivals(drop_id),
        let_in(standing.pace, standing.starts_at, min(parts.clock.now(), standing.ends_at)),
    )


def _live(parts: CrowdParts, sale_id: int) -> Standing:
    standing = parts.board.standing_of(sale_id)
    if standing is None:
        raise Rejected(NOT_FOUND)
    return standing


def _refused(
    parts: CrowdParts,
    standing: Standing,
    customer_id: int,
    wish: AdmissionBody,
    now: datetime,
) -> Refused | None:
    if not standing.admission:
        return NO_WAITING_ROOM
    if now >= standing.ends_at:
        return NOT_OPEN
    if is_sold_out(standing):
        return SOLD_OUT
    if not standing.challenge_bits:
        return None
    is_solved = parts.challenges.is_solved(
        wish.challenge, wish.nonce, standing.drop_id, customer_id, now
    )
    return None if is_solved else UNSOLVED


def _ticket(
    parts: CrowdParts, standing: Standing, customer_id: int, place: int, now: datetime
) -> Ticket:
    """Good from its turn on for a while; who asks again has the same place, and a new ticket."""
    turn = max(now, let_in_at(place, standing.pace, standing.starts_at))
    expires_at = turn + timedelta(seconds=parts.ticket_seconds)
    return Ticket(standing.drop_id, customer_id, place, expires_at)
