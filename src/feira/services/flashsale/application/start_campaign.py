"""Start a campaign: its first drop is planned with it (B6)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from feira.contracts.message import Message
from feira.kernel.errors import Category, FieldError, Refused
from feira.services.flashsale.application.plan_drops import plan_drops
from feira.services.flashsale.application.ports import FlashSaleUnitOfWork
from feira.services.flashsale.domain.campaign import Campaign, CrowdRules, Hourly

ENDS_TOO_EARLY = Refused(
    Category.INVALID,
    "ends_too_early",
    "The sale would be over before it has begun.",
    (FieldError("/ends_at", "must be later than now and than starts_at"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCampaign:
    """`starts_at` None: now. Only an hourly one may have no end."""

    product_id: int
    price_cents: int
    units: int
    starts_at: datetime | None
    ends_at: datetime | None
    hourly: Hourly | None
    per_customer: int
    queue_max: int
    pay_seconds: int
    carries_over: bool
    crowd: CrowdRules = field(default_factory=CrowdRules)


async def start_campaigns(
    commands: Sequence[StartCampaign], uow: FlashSaleUnitOfWork
) -> list[Campaign | Refused]:
    outcomes: list[Campaign | Refused] = []
    messages: list[list[Message]] = []
    for command in commands:
        outcome = _campaign(command, uow)
        started = [outcome] if isinstance(outcome, Campaign) else []
        messages.append(await plan_drops(started, uow))
        uow.campaigns.add_many(started)
        outcomes.append(outcome)
    uow.outbox.announce(messages)
    return outcomes


def _campaign(command: StartCampaign, uow: FlashSaleUnitOfWork) -> Campaign | Refused:
    starts_at = command.starts_at or uow.now
    ends_at = command.ends_at
    if ends_at is not None and ends_at <= max(starts_at, uow.now):
        return ENDS_TOO_EARLY
    assert ends_at is not None or command.hourly is not None
    return Campaign(
        id=uow.ids.number(),
        product_id=command.product_id,
        price_cents=command.price_cents,
        units=command.units,
        starts_at=starts_at,
        ends_at=ends_at,
        created_at=uow.now,
        hourly=command.hourly,
        per_customer=command.per_customer,
        queue_max=command.queue_max,
        pay_seconds=command.pay_seconds,
        carries_over=command.carries_over,
        crowd=command.crowd,
    )
