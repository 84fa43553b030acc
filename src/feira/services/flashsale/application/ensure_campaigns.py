"""See to it that campaigns exist: how a demo shop gets its flash sales."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.kernel.errors import Refused
from feira.services.flashsale.application.ports import FlashSaleUnitOfWork
from feira.services.flashsale.application.start_campaign import StartCampaign, start_one


@dataclass(frozen=True, slots=True)
class SeedCampaign:
    id: int
    campaign: StartCampaign


@dataclass(frozen=True, slots=True)
class EnsureCampaigns:
    """Given by operators only: ids of one's own never come by a request.

    A campaign whose id is known stays as it is, also one that has ended.
    """

    campaigns: tuple[SeedCampaign, ...]


async def ensure_campaigns(
    commands: Sequence[EnsureCampaigns], uow: FlashSaleUnitOfWork
) -> list[int | Refused]:
    """Returns how many campaigns are new, a command."""
    outcomes: list[int | Refused] = []
    for command in commands:
        known = await uow.campaigns.get_many_for_update(seed.id for seed in command.campaigns)
        missing = [seed for seed in command.campaigns if seed.id not in known]
        outcomes.append(await _start_all(missing, uow))
    return outcomes


async def _start_all(seeds: Sequence[SeedCampaign], uow: FlashSaleUnitOfWork) -> int | Refused:
    for seed in seeds:
        outcome, messages = await start_one(seed.campaign, seed.id, uow)
        if isinstance(outcome, Refused):
            return outcome
        uow.outbox.tell(messages)
    return len(seeds)
