"""Claims where a waiting room is: with a ticket whose turn has come."""

from datetime import datetime
from math import ceil
from typing import Final

from feira.chassis.http.request import HotRequest
from feira.kernel.errors import Category, Refused
from feira.services.flashsale.application.crowd_ports import Tickets
from feira.services.flashsale.domain.waiting_room import let_in_at
from feira.services.flashsale.entrypoints.board import Board

TICKET_HEADER: Final = "Admission-Ticket"

STARTING: Final = Refused(
    Category.UNAVAILABLE, "unavailable", "The service is starting.", retry_after_seconds=1
)
NO_TICKET: Final = Refused(
    Category.FORBIDDEN,
    "not_admitted",
    f"This sale has a waiting room: ask for a place, and send its ticket as {TICKET_HEADER}.",
)


class TicketAdmission:
    """From memory alone: the board and the ticket's signature."""

    def __init__(self, board: Board, tickets: Tickets) -> None:
        self._board = board
        self._tickets = tickets

    def check(self, request: HotRequest, sale_id: int, now: datetime) -> Refused | None:
        """Why the caller may not claim now; None where there is no waiting room."""
        if not self._board.was_read:
            return STARTING
        standing = self._board.standing_of(sale_id)
        if standing is None or not standing.admission:
            return None
        ticket = self._tickets.read(request.header(TICKET_HEADER) or "", now)
        if ticket is None or ticket.drop_id != standing.drop_id:
            return NO_TICKET
        if ticket.customer_id != request.current_principal.id:
            return NO_TICKET
        let_in = let_in_at(ticket.place, standing.pace, standing.starts_at)
        return None if now >= let_in else _not_yet((let_in - now).total_seconds())


def _not_yet(seconds: float) -> Refused:
    return Refused(
        Category.FORBIDDEN,
        "not_admitted",
        "It is not your turn yet.",
        retry_after_seconds=max(1, ceil(seconds)),
    )
