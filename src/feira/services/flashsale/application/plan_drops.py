"""Make a campaign's next drop, once, however many processes look at it (B6)."""

from collections.abc import Iterable

from feira.contracts.message import Message
from feira.services.flashsale.application.ports import FlashSaleUnitOfWork
from feira.services.flashsale.application.telling import messages_of
from feira.services.flashsale.domain.campaign import Campaign, Slot, plan, take_carried
from feira.services.flashsale.domain.drop import Drop, turn


async def plan_drops(campaigns: Iterable[Campaign], uow: FlashSaleUnitOfWork) -> list[Message]:
    """The campaigns are locked or new. What the new drops have to say at once."""
    messages: list[Message] = []
    for campaign in campaigns:
        slot = plan(campaign, uow.now, uow.zone)
        if slot is not None:
            drop = _drop_in(slot, campaign, uow)
            messages.extend(await messages_of(drop, turn(drop, uow.now), uow))
            uow.drops.add_many([drop])
    return messages


def _drop_in(slot: Slot, campaign: Campaign, uow: FlashSaleUnitOfWork) -> Drop:
    """The one drop of a campaign has its id: clients know no other."""
    return Drop(
        id=uow.ids.number() if campaign.hourly else campaign.id,
        campaign_id=campaign.id,
        slot=slot.at,
        product_id=campaign.product_id,
        price_cents=campaign.price_cents,
        units=campaign.units + take_carried(campaign),
        per_customer=campaign.per_customer,
        queue_max=campaign.queue_max,
        pay_seconds=campaign.pay_seconds,
        starts_at=slot.opens_at,
        prepare_at=slot.opens_at - uow.prepare_before,
        ends_at=slot.closes_at,
    )
