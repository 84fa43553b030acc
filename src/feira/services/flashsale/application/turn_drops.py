"""Do what the clock says: plan drops, have their stock set aside, open and close them (B6)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.contracts.message import Message
from feira.services.flashsale.application.plan_drops import plan_drops
from feira.services.flashsale.application.ports import FlashSaleUnitOfWork
from feira.services.flashsale.application.telling import messages_of
from feira.services.flashsale.domain.drop import turn


@dataclass(frozen=True, slots=True)
class TurnDrops:
    """What is due by now; every transition is made once, whoever comes first."""

    drops_max: int = 100


async def turn_drops(commands: Sequence[TurnDrops], uow: FlashSaleUnitOfWork) -> list[int]:
    """Returns how many drops and campaigns were due, a command."""
    counts = []
    for command in commands:
        due = await uow.drops.find_due(uow.now, command.drops_max)
        messages: list[Message] = []
        for drop in due:
            messages.extend(await messages_of(drop, turn(drop, uow.now), uow))
        uow.drops.save_many(due)
        campaigns = await uow.campaigns.find_due(uow.now, command.drops_max)
        messages.extend(await plan_drops(campaigns, uow))
        uow.campaigns.save_many(campaigns)
        uow.outbox.tell(messages)
        counts.append(len(due) + len(campaigns))
    return counts
