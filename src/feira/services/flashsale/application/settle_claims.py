"""Orders of the sale come to rest: sold, or the unit goes to the next in the queue (B6)."""

from collections import Counter, deque
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
    callable_at_most,
    callable_numbers,
    finish,
    serve,
    settle,
)


@dataclass(slots=True)
class _Turnover:
    """Of one drop: who waits, whose order has come to rest, and who gets a unit therefore."""

    drop: Drop
    queue: deque[Claim]
    settled: list[Claim] = field(default_factory=list)
    winners: list[Claim] = field(default_factory=list)

    def settle(self, claim: Claim, *, is_sold: bool, uow: FlashSaleUnitOfWork) -> None:
        if not settle(self.drop, claim, is_sold=is_sold, now=uow.now):
            return
        self.settled.append(claim)
        called = [self.queue.popleft() for _ in range(callable_numbers(self.drop, uow.now))]
        serve(self.drop, called, uow.ids.number, uow.now)
        self.winners += called


async def settle_claims(
    commands: Sequence[SaleOrderSettled], uow: FlashSaleUnitOfWork
) -> list[None]:
    """An order of a drop that is not known is a bug, and raises KeyError."""
    drops = await uow.drops.get_many_for_update(command.allotment_id for command in commands)
    claims = await uow.claims.of_orders([command.order_id for command in commands])
    turnovers = await _turnovers(commands, drops, uow)
    for command in commands:
        turnover, claim = turnovers[command.allotment_id], claims[command.order_id]
        turnover.settle(claim, is_sold=command.is_sold, uow=uow)
    for turnover in turnovers.values():
        await _save(turnover, uow)
    return [None] * len(commands)


async def _turnovers(
    commands: Sequence[SaleOrderSettled], drops: Mapping[int, Drop], uow: FlashSaleUnitOfWork
) -> dict[int, _Turnover]:
    """With as many of those who wait as may be called."""
    coming_free = Counter(c.allotment_id for c in commands if not c.is_sold)
    turnovers = {}
    for drop_id in dict.fromkeys(command.allotment_id for command in commands):
        drop = drops[drop_id]
        claims_max = callable_at_most(drop, coming_free[drop_id])
        queue = await uow.claims.next_in_queue(drop_id, claims_max) if claims_max else ()
        turnovers[drop_id] = _Turnover(drop, deque(queue))
    return turnovers


async def _save(turnover: _Turnover, uow: FlashSaleUnitOfWork) -> None:
    if not turnover.settled:
        return
    drop, winners = turnover.drop, turnover.winners
    lapsed = [claim for claim in turnover.settled if claim.status is ClaimStatus.LAPSED]
    messages: list[Message] = [*claims_lapsed(drop, lapsed), *of_winners(drop, winners)]
    uow.claims.save_many([*turnover.settled, *winners])
    messages.extend(await messages_of(drop, finish(drop, uow.now), uow))
    uow.drops.save_many([drop])
    uow.outbox.tell(messages)
