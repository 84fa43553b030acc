"""From what drops say to what is told: a message each, and the consequences in our own books."""

from collections.abc import Iterable
from typing import Final, assert_never

from feira.contracts.message import Message
from feira.services.flashsale.application.ports import FlashSaleUnitOfWork
from feira.services.flashsale.application.publishing import (
    drop_closed,
    drop_opened,
    give_back_stock,
    orders_requested,
    set_aside_stock,
)
from feira.services.flashsale.domain.campaign import carry_over
from feira.services.flashsale.domain.drop import Drop, Said

ORDERS_ASKED_AGAIN_MAX: Final = 1_000


async def messages_of(
    drop: Drop,
    said: Iterable[Said],
    uow: FlashSaleUnitOfWork,
    orders_max: int = ORDERS_ASKED_AGAIN_MAX,
) -> list[Message]:
    messages: list[Message] = []
    for one in said:
        match one:
            case Said.SET_ASIDE:
                messages.append(set_aside_stock(drop))
            case Said.GIVE_BACK:
                messages.append(give_back_stock(drop))
            case Said.OPENED:
                messages.append(drop_opened(drop))
            case Said.CLOSED:
                await _carry_over(drop, uow)
                messages.append(drop_closed(drop))
            case Said.ASK_ORDERS:
                unsettled = await uow.claims.unsettled(drop.id, orders_max)
                messages += orders_requested(drop, unsettled)
            case _:
                assert_never(one)
    return messages


async def _carry_over(drop: Drop, uow: FlashSaleUnitOfWork) -> None:
    if not drop.given_back:
        return
    campaign = (await uow.campaigns.get_many_for_update([drop.campaign_id]))[drop.campaign_id]
    carry_over(campaign, drop.given_back)
    uow.campaigns.save_many([campaign])
