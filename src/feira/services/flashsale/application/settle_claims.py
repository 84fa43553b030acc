"""Orders of the sale come to rest: sold, or the unit goes to the next in the queue (B6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from feira.contracts.message import Message
from feira.contracts.orders import SaleOrderSettled
from feira.services.flashsale.application.ports import FlashSaleUnitOfWork
from feira.services.flashsale.application.publishing import claims_lapsed, of_winners
from feira.services.flashsale.application.telling import messages_of
from feira.services.flashsale.domain.claim import Claim, ClaimStatus
from feira.services.flashsale.domain.drop import (
    Drop,
    callable_numbers,
    finish,
    serve,
    settle,
)


@dataclass(slots=True)
class _Settled:
    """What came to rest in one drop."""

    drop: Drop
    claims: list[Claim] = field(default_factory=list)


async def settle_claims(
    commands: Sequence[SaleOrderSettled], uow: FlashSaleUnitOfWork
) -> list[None]:
    drops = await uow.drops.get_many_for_update(command.allotment_id for command in commands)
    claims = await uow.claims.of_orders([command.order_id for command in commands])
    for settled in _settle(commands, drops, claims, uow):
        uow.claims.save_many(settled.claims)
        uow.drops.save_many([settled.drop])
        uow.outbox.tell(await _news(settled, uow))
    return [None] * len(commands)


def _settle(
    commands: Sequence[SaleOrderSettled],
    drops: Mapping[int, Drop],
    claims: Mapping[int, Claim],
    uow: FlashSaleUnitOfWork,
) -> Sequence[_Settled]:
    """Those that were not known to have come to rest, by their drops."""
    settled: dict[int, _Settled] = {}
    for command in commands:
        claim, drop = claims[command.order_id], drops[command.allotment_id]
        if settle(drop, claim, is_sold=command.is_sold, now=uow.now):
            settled.setdefault(drop.id, _Settled(drop)).claims.append(claim)
    return list(settled.values())


async def _news(settled: _Settled, uow: FlashSaleUnitOfWork) -> list[Message]:
    drop = settled.drop
    lapsed = [claim for claim in settled.claims if claim.status is ClaimStatus.LAPSED]
    messages: list[Message] = [*claims_lapsed(drop, lapsed)]
    if number := callable_numbers(drop, uow.now):
        winners = await uow.claims.next_in_queue(drop.id, number)
        serve(drop, winners, uow.ids.number, uow.now)
        uow.claims.save_many(winners)
        messages += of_winners(drop, winners)
    return messages + await messages_of(drop, finish(drop, uow.now), uow)
