"""A process that has just started knows of no waiting room, and lets nobody past one."""

from typing import cast

from feira.chassis.http.request import HotRequest
from feira.kernel.clock import ManualClock
from feira.services.flashsale.adapters.tickets import SignedTickets
from feira.services.flashsale.entrypoints.board import Board
from feira.services.flashsale.entrypoints.crowd_metrics import CrowdMetrics
from feira.services.flashsale.entrypoints.ticket_admission import (
    NO_TICKET,
    STARTING,
    TicketAdmission,
)
from tests.unit.flashsale.crowd_world import KnownDrops
from tests.unit.flashsale.standings import NOON, standing


class WithoutTicket:
    def header(self, _name: str) -> None:
        return None


async def test_until_the_board_was_read_nobody_is_let_past() -> None:
    board = Board(KnownDrops([standing(admission=True)]), ManualClock(NOON), CrowdMetrics())
    admission = TicketAdmission(board, SignedTickets("a-key-of-at-least-thirty-two-characters"))
    request = cast("HotRequest", WithoutTicket())
    assert admission.check(request, 70, NOON) == STARTING
    await board.read()
    assert admission.check(request, 70, NOON) == NO_TICKET
    assert admission.check(request, 71, NOON) is None, "the lane says that there is none"
