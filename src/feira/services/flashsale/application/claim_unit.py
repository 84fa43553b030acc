"""Claim a unit of a drop: who comes first is served first (B6, B7).

The whole batch is decided on one drop in memory, and told in one message: a crowd that wants the
same hundred units costs one update a batch, however many they are.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from feira.contracts.message import Message
from feira.kernel.errors import Refused
from feira.services.flashsale.application.ports import FlashSaleUnitOfWork
from feira.services.flashsale.application.publishing import of_winners
from feira.services.flashsale.application.telling import messages_of
from feira.services.flashsale.domain.claim import Claim, ClaimStatus, Wish
from feira.services.flashsale.domain.drop import NOT_FOUND, Drop, claim, is_due, place_of, turn


class ClaimUnit(msgspec.Struct, frozen=True):
    """`sale_id` is a drop, or a campaign: then its drop that is open."""

    sale_id: int
    wish: Wish


class Won(msgspec.Struct, frozen=True):
    """The unit is held for this order until `pay_until`."""

    drop_id: int
    product_id: int
    price_cents: int
    order_id: int
    pay_until: datetime


class Waiting(msgspec.Struct, frozen=True):
    """All units are held, and not all are paid: so many are to be served before and with this."""

    drop_id: int
    place: int


ClaimOutcome = Won | Waiting | Refused


async def claim_units(
    commands: Sequence[ClaimUnit], uow: FlashSaleUnitOfWork
) -> list[ClaimOutcome]:
    drops = await drops_by_sale({command.sale_id for command in commands}, uow)
    opened = await _turn(drops, uow)
    had = dict(
        await uow.claims.count_of(
            {(drops[c.sale_id].id, c.wish.customer_id) for c in commands if c.sale_id in drops}
        )
    )
    made: dict[int, list[Claim]] = defaultdict(list)
    outcomes = [_claim(c.wish, drops.get(c.sale_id), had, made, uow) for c in commands]
    by_id = {drop.id: drop for drop in drops.values()}
    uow.claims.add_many(one for claims in made.values() for one in claims)
    uow.drops.save_many(by_id[drop_id] for drop_id in made)
    uow.outbox.tell([*opened, *(m for key in made for m in _news(by_id[key], made[key]))])
    return outcomes


async def drops_by_sale(sale_ids: set[int], uow: FlashSaleUnitOfWork) -> dict[int, Drop]:
    """The drops that these ids mean, locked."""
    known = await uow.drops.get_many_for_update(sale_ids)
    drops = {sale_id: known[sale_id] for sale_id in sale_ids if sale_id in known}
    if missing := sale_ids - drops.keys():
        current = await uow.drops.find_current(missing)
        locked = await uow.drops.get_many_for_update(current.values())
        drops.update((sale_id, locked[drop_id]) for sale_id, drop_id in current.items())
    return drops


async def _turn(drops: Mapping[int, Drop], uow: FlashSaleUnitOfWork) -> list[Message]:
    """A drop opens and closes on time, even if the clock's own command comes a little later."""
    messages: list[Message] = []
    for drop in {drop.id: drop for drop in drops.values()}.values():
        if is_due(drop, uow.now):
            messages.extend(await messages_of(drop, turn(drop, uow.now), uow))
            uow.drops.save_many([drop])
    return messages


def _claim(
    wish: Wish,
    drop: Drop | None,
    had: dict[tuple[int, int], int],
    made: dict[int, list[Claim]],
    uow: FlashSaleUnitOfWork,
) -> ClaimOutcome:
    if drop is None:
        return NOT_FOUND
    customer = (drop.id, wish.customer_id)
    had_so_far = had.get(customer, 0)
    outcome = claim(drop, wish, had_so_far, uow.ids.number, uow.now)
    if isinstance(outcome, Refused):
        return outcome
    had[customer] = had_so_far + 1
    made[drop.id].append(outcome)
    if outcome.order_id is None:
        return Waiting(drop.id, place_of(drop, outcome))
    assert outcome.pay_until is not None
    return Won(drop.id, drop.product_id, drop.price_cents, outcome.order_id, outcome.pay_until)


def _news(drop: Drop, made: Sequence[Claim]) -> Sequence[Message]:
    return tuple(of_winners(drop, [one for one in made if one.status is ClaimStatus.WON]))
