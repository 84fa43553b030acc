"""End holds that nobody confirmed in time."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.contracts.message import Message
from feira.services.inventory.application.gathering import allotments_of, gather, items_of
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.application.publishing import reservation_released
from feira.services.inventory.domain.reservation import expire


@dataclass(frozen=True, slots=True)
class ExpireReservations:
    rows_max: int = 500


async def expire_reservations(
    commands: Sequence[ExpireReservations], uow: InventoryUnitOfWork
) -> list[int]:
    """Returns how many holds ended, a command."""
    news: list[list[Message]] = []
    for command in commands:
        overdue = await uow.reservations.find_overdue(uow.now, command.rows_max)
        _, allotments, stock = await gather(uow, [held.order_id for held in overdue])
        expired = [held for held in overdue if expire(held, stock, allotments)]
        uow.reservations.save_many(expired)
        uow.allotments.save_many(allotments_of(expired, allotments))
        uow.stock.save_many(items_of(expired, stock))
        news.append([reservation_released(reservation) for reservation in expired])
    uow.outbox.announce(news)
    return list(map(len, news))
