"""Take in what inventory answers: how much is set aside for a drop, and what it took back."""

from collections.abc import Sequence

from feira.contracts.inventory import StockGivenBack, StockSetAside
from feira.contracts.message import Message
from feira.services.flashsale.application.ports import FlashSaleUnitOfWork
from feira.services.flashsale.application.telling import messages_of
from feira.services.flashsale.domain.drop import given_back, set_aside

Answer = StockSetAside | StockGivenBack


async def follow_allotments(commands: Sequence[Answer], uow: FlashSaleUnitOfWork) -> list[None]:
    """An allotment of a drop that is not known is a bug, and raises KeyError."""
    drops = await uow.drops.get_many_for_update(command.allotment_id for command in commands)
    messages: list[list[Message]] = []
    for command in commands:
        drop = drops[command.allotment_id]
        if isinstance(command, StockSetAside):
            said = set_aside(drop, command.quantity, uow.now)
        else:
            said = given_back(drop, command.quantity)
        messages.append(await messages_of(drop, said, uow))
        uow.drops.save_many([drop])
    uow.outbox.announce(messages)
    return [None] * len(commands)
