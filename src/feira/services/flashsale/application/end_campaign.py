"""End a campaign before its time: no more drops, and no more claims on the one that is open."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.contracts.message import Message
from feira.kernel.errors import Refused
from feira.services.flashsale.application.ports import FlashSaleUnitOfWork
from feira.services.flashsale.application.telling import messages_of
from feira.services.flashsale.domain.campaign import Campaign, end
from feira.services.flashsale.domain.drop import NOT_FOUND, end_early


@dataclass(frozen=True, slots=True)
class EndCampaign:
    campaign_id: int


async def end_campaigns(
    commands: Sequence[EndCampaign], uow: FlashSaleUnitOfWork
) -> list[Campaign | Refused]:
    """Those who hold a unit may still pay for it. Ending what has ended changes nothing."""
    ids = [command.campaign_id for command in commands]
    live = await uow.drops.find_of_campaigns(ids)
    campaigns = await uow.campaigns.get_many_for_update(ids)
    messages: dict[int, list[Message]] = {campaign_id: [] for campaign_id in ids}
    for drop in live:
        said = end_early(drop, uow.now)
        messages[drop.campaign_id].extend(await messages_of(drop, said, uow))
    uow.drops.save_many(live)
    ended = [campaigns[key] for key in dict.fromkeys(ids) if key in campaigns]
    uow.campaigns.save_many(campaign for campaign in ended if end(campaign, uow.now))
    uow.outbox.announce([messages.pop(key, []) for key in ids])
    return [campaigns.get(campaign_id, NOT_FOUND) for campaign_id in ids]
