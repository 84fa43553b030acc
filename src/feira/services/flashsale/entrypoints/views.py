"""What the flash-sale API answers (B6, B7)."""

from datetime import datetime
from typing import Final

import msgspec

from feira.chassis.http.answers import amount, json_answer
from feira.chassis.http.problems import problem_answer
from feira.chassis.work import Answer
from feira.kernel.errors import Refused
from feira.services.flashsale.application.claim_unit import ClaimOutcome, Waiting, Won
from feira.services.flashsale.domain.campaign import Campaign
from feira.services.flashsale.domain.claim import Claim, ClaimStatus
from feira.services.flashsale.domain.drop import (
    SOLD_OUT,
    Drop,
    DropStatus,
    place_of,
)

PENDING: Final = "pending"


class ScheduleView(msgspec.Struct, rename={"first_hour": "from", "last_hour": "to"}):
    first_hour: int
    last_hour: int
    every: str = "hour"


class CampaignView(msgspec.Struct):
    id: int
    product_id: int
    price: float
    stock: int
    starts_at: datetime
    ends_at: datetime | None
    schedule: ScheduleView | None
    per_customer: int
    queue_max: int
    pay_seconds: int
    carry_over: bool
    admission: bool
    admission_per_second: int
    admission_at_once: int
    challenge_bits: int


class DropView(msgspec.Struct):
    """`stock` is what is on sale (as many as could be set aside), `left` what nobody holds."""

    id: int
    campaign_id: int
    product_id: int
    price: float
    status: str
    starts_at: datetime
    ends_at: datetime
    stock: int
    left: int
    held: int
    sold: int
    waiting: int
    per_customer: int
    pay_seconds: int


class DropListView(msgspec.Struct):
    items: list[DropView]
    total: int
    page: int
    limit: int


class WonView(msgspec.Struct):
    """The order of the claim; it is canceled if it is not paid until `pay_until`."""

    id: int
    status: str
    flash_sale_id: int
    product_id: int
    price: float
    pay_until: datetime


class ClaimView(msgspec.Struct, omit_defaults=True):
    """`status`: waiting (with a place in the queue), won (until `pay_until`), sold, lapsed, or
    missed (the drop was over before its turn came)."""

    flash_sale_id: int
    status: str
    order_id: int | None = None
    place: int | None = None
    pay_until: datetime | None = None


def campaign_answer(outcome: Campaign | Refused, path: str, status: int = 201) -> Answer:
    if isinstance(outcome, Refused):
        return problem_answer(outcome, path)
    return json_answer(status, campaign_view(outcome))


def campaign_view(campaign: Campaign) -> CampaignView:
    hourly, crowd = campaign.hourly, campaign.crowd
    return CampaignView(
        id=campaign.id,
        product_id=campaign.product_id,
        price=amount(campaign.price_cents),
        stock=campaign.units,
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        schedule=ScheduleView(hourly.first_hour, hourly.last_hour) if hourly else None,
        per_customer=campaign.per_customer,
        queue_max=campaign.queue_max,
        pay_seconds=campaign.pay_seconds,
        carry_over=campaign.carries_over,
        admission=crowd.admission,
        admission_per_second=crowd.admission_per_second,
        admission_at_once=crowd.admission_at_once,
        challenge_bits=crowd.challenge_bits,
    )


def drop_view(drop: Drop) -> DropView:
    return DropView(
        id=drop.id,
        campaign_id=drop.campaign_id,
        product_id=drop.product_id,
        price=amount(drop.price_cents),
        status=drop.status,
        starts_at=drop.starts_at,
        ends_at=drop.ends_at,
        stock=drop.units if drop.set_aside is None else drop.set_aside,
        left=drop.units if drop.set_aside is None else drop.left,
        held=drop.held,
        sold=drop.sold,
        waiting=drop.waiting,
        per_customer=drop.per_customer,
        pay_seconds=drop.pay_seconds,
    )


def claim_answer(outcome: ClaimOutcome, path: str) -> Answer:
    """201 with the order, or why not. Who waits is told so: there is no unit, and yet a chance."""
    if isinstance(outcome, Won):
        return json_answer(
            201,
            WonView(
                outcome.order_id,
                PENDING,
                outcome.drop_id,
                outcome.product_id,
                amount(outcome.price_cents),
                outcome.pay_until,
            ),
        )
    if isinstance(outcome, Waiting):
        return problem_answer(SOLD_OUT, path, members={"waiting": True, "place": outcome.place})
    return problem_answer(outcome, path)


def claim_view(drop: Drop, claim: Claim) -> ClaimView:
    view = ClaimView(drop.id, claim.status, claim.order_id)
    if claim.status is ClaimStatus.WON:
        view.pay_until = claim.pay_until
    elif claim.status is ClaimStatus.WAITING and drop.status is DropStatus.OPEN:
        view.place = place_of(drop, claim)
    elif claim.status is ClaimStatus.WAITING:
        view.status = "missed"
    return view
