"""Give places in the waiting room, in the order of arrival: one a customer and drop."""

from collections.abc import Sequence

import msgspec

from feira.services.flashsale.application.crowd_ports import CrowdUnitOfWork


class JoinWaitingRoom(msgspec.Struct, frozen=True):
    drop_id: int
    customer_id: int


async def join_waiting_room(
    commands: Sequence[JoinWaitingRoom], uow: CrowdUnitOfWork
) -> Sequence[int]:
    """The place of each, from 1; who comes again keeps the place."""
    guests = [(command.drop_id, command.customer_id) for command in commands]
    places = await uow.waiting_rooms.take_many(guests)
    return [places[guest] for guest in guests]
