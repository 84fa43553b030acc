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
    started = [await start_one(command, uow.ids.number(), uow) for command in commands]
    uow.outbox.announce([messages for _, messages in started])
    return [outcome for outcome, _ in started]


async def start_one(
    command: StartCampaign, campaign_id: int, uow: FlashSaleUnitOfWork
) -> tuple[Campaign | Refused, list[Message]]:
    """The campaign, and what its first drop has to say at once."""
    campaign = _campaign(command, campaign_id, uow)
    if isinstance(campaign, Refused):
        return campaign, []
    messages = await plan_drops([campaign], uow)
    uow.campaigns.add_many([campaign])
    return campaign, messages


def _campaign(
    command: StartCampaign, campaign_id: int, uow: FlashSaleUnitOfWork
) -> Campaign | Refused:
    starts_at = command.starts_at or uow.now
    ends_at = command.ends_at
    if ends_at is not None and ends_at <= max(starts_at, uow.now):
        return ENDS_TOO_EARLY
    assert ends_at is not None or command.hourly is not None
    return Campaign(
        id=campaign_id,
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
