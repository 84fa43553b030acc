"""The bodies of the crowd's answers and events, and how they are made."""

from datetime import datetime
from typing import Final

import msgspec

from feira.chassis.http.answers import amount
from feira.services.flashsale.domain.report import DropReport, Quantiles
from feira.services.flashsale.domain.standing import Standing, is_sold_out
from feira.services.flashsale.domain.waiting_room import Ticket, ahead, let_in_at

_encode: Final = msgspec.json.Encoder().encode


class StandingView(msgspec.Struct):
    """Of the event `sale`. Times are RFC 3339; the client counts down by `now` and its clock."""

    flash_sale_id: int
    product_id: int
    price: float
    status: str
    now: datetime
    starts_at: datetime
    ends_at: datetime
    opens_in_seconds: float
    units: int
    left: int
    held: int
    sold: int
    waiting: int
    sold_out: bool


class PlaceView(msgspec.Struct, omit_defaults=True):
    """Of the event `place`: in the waiting room, or in the queue for units that come free."""

    room_place: int | None = None
    room_ahead: int | None = None
    let_in_at: datetime | None = None
    queue_place: int | None = None


class AdmissionView(msgspec.Struct):
    """`ticket` goes into the header `Admission-Ticket` of a claim, from `let_in_at` on."""

    ticket: str
    place: int
    ahead: int
    let_in_at: datetime
    expires_at: datetime


class ChallengeView(msgspec.Struct):
    """Find a `nonce` so that SHA-256 of `challenge.nonce` begins with `bits` zero bits."""

    challenge: str
    bits: int
    algorithm: str = "sha-256"


class QuantilesView(msgspec.Struct):
    p50_ms: int | None
    p90_ms: int | None
    p99_ms: int | None


class WinnerView(msgspec.Struct):
    seq: int
    customer_id: int
    order_id: int
    status: str
    from_queue: bool
    after_ms: int
    paid_after_ms: int | None


class RefusalsView(msgspec.Struct):
    code: str
    count: int


class ReportView(msgspec.Struct):
    flash_sale_id: int
    campaign_id: int
    product_id: int
    price: float
    status: str
    starts_at: datetime
    ends_at: datetime
    units: int
    sold: int
    held: int
    left: int
    waiting: int
    arrivals: int
    admitted: int
    claims: int
    lapsed: int
    refusals: list[RefusalsView]
    refused_from_memory: int
    answers: QuantilesView
    payments: QuantilesView
    overtaken_ms_max: int
    winners: list[WinnerView]


def standing_event(standing: Standing, now: datetime) -> bytes:
    view = StandingView(
        flash_sale_id=standing.drop_id,
        product_id=standing.product_id,
        price=amount(standing.price_cents),
        status=standing.status.value,
        now=now,
        starts_at=standing.starts_at,
        ends_at=standing.ends_at,
        opens_in_seconds=max(0.0, (standing.starts_at - now).total_seconds()),
        units=standing.units,
        left=standing.left,
        held=standing.held,
        sold=standing.sold,
        waiting=standing.waiting,
        sold_out=is_sold_out(standing),
    )
    return _encode(view)


def place_event(
    standing: Standing, ticket: Ticket | None, queue_no: int | None, now: datetime
) -> bytes:
    view = PlaceView()
    if ticket is not None and ticket.drop_id == standing.drop_id:
        view.room_place = ticket.place
        view.room_ahead = ahead(ticket.place, standing.pace, standing.starts_at, now)
        view.let_in_at = let_in_at(ticket.place, standing.pace, standing.starts_at)
    if queue_no is not None:
        view.queue_place = max(0, queue_no - standing.served)
    return _encode(view)


def admission_view(ticket: Ticket, text: str, standing: Standing, now: datetime) -> AdmissionView:
    return AdmissionView(
        ticket=text,
        place=ticket.place,
        ahead=ahead(ticket.place, standing.pace, standing.starts_at, now),
        let_in_at=let_in_at(ticket.place, standing.pace, standing.starts_at),
        expires_at=ticket.expires_at,
    )


def report_view(report: DropReport) -> ReportView:
    standing = report.standing
    return ReportView(
        flash_sale_id=standing.drop_id,
        campaign_id=standing.campaign_id,
        product_id=standing.product_id,
        price=amount(standing.price_cents),
        status=standing.status.value,
        starts_at=standing.starts_at,
        ends_at=standing.ends_at,
        units=standing.units,
        sold=standing.sold,
        held=standing.held,
        left=standing.left,
        waiting=standing.waiting,
        arrivals=report.arrivals,
        admitted=report.admitted,
        claims=report.claims,
        lapsed=report.lapsed,
        refusals=[RefusalsView(code, count) for code, count in report.refusals],
        refused_from_memory=report.refused_from_memory,
        answers=_quantiles(report.answers),
        payments=_quantiles(report.payments),
        overtaken_ms_max=report.overtaken_ms_max,
        winners=[
            WinnerView(
                w.seq,
                w.customer_id,
                w.order_id,
                w.status.value,
                w.from_queue,
                w.after_ms,
                w.paid_after_ms,
            )
            for w in report.winners
        ],
    )


def _quantiles(quantiles: Quantiles) -> QuantilesView:
    return QuantilesView(quantiles.p50_ms, quantiles.p90_ms, quantiles.p99_ms)
