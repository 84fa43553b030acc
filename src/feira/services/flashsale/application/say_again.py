"""The broker has lost its data: ask again for all that is waited for."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.services.flashsale.application.ports import FlashSaleUnitOfWork
from feira.services.flashsale.application.telling import messages_of
from feira.services.flashsale.domain.drop import pending


@dataclass(frozen=True, slots=True)
class SayAgain:
    drops_max: int = 1_000
    orders_a_drop_max: int = 50_000


async def say_again(commands: Sequence[SayAgain], uow: FlashSaleUnitOfWork) -> list[int]:
    """Returns how many drops wait for others, a command."""
    counts = []
    for command in commands:
        drops = await uow.drops.find_waiting_for_others(command.drops_max)
        for drop in drops:
            said = pending(drop)
            uow.outbox.tell(await messages_of(drop, said, uow, command.orders_a_drop_max))
        counts.append(len(drops))
    return counts
