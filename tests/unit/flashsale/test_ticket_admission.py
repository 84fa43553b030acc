"""Past the waiting room comes who has a ticket of this drop, of their own, whose turn has come."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from feira.chassis.http.request import HotRequest
from feira.kernel.clock import ManualClock
from feira.kernel.errors import Refused
from feira.services.flashsale.adapters.tickets import SignedTickets
from feira.services.flashsale.domain.waiting_room import Pace, Ticket
from feira.services.flashsale.entrypoints.board import Board
from feira.services.flashsale.entrypoints.crowd_metrics import CrowdMetrics
from feira.services.flashsale.entrypoints.ticket_admission import (
    NO_TICKET,
    STARTING,
    TicketAdmission,
)
from tests.unit.flashsale.crowd_world import KnownDrops
from tests.unit.flashsale.standings import NOON, standing

TICKETS = SignedTickets("a-key-of-at-least-thirty-two-characters")
ANA, BIA = 5, 6


@dataclass
class Customer:
    id: int = ANA


class Request:
    """Of a claim, with or without a ticket."""

    def __init__(self, ticket: Ticket | None = None) -> None:
        self._ticket = TICKETS.write(ticket) if ticket else None
        self.current_principal = Customer()

    def header(self, _name: str) -> str | None:
        return self._ticket


def ticket(**more: Any) -> Request:
    """Ana's at drop 70, let in ten seconds after it opens, good for a quarter of an hour."""
    known: dict[str, Any] = {"drop_id": 70, "customer_id": ANA, "place": 11}
    return Request(Ticket(**(known | {"expires_at": NOON + timedelta(minutes=15)} | more)))


@pytest.fixture
async def admission() -> TicketAdmission:
    drop = standing(admission=True, pace=Pace(at_once=1, per_second=1))
    board = Board(KnownDrops([drop]), ManualClock(NOON), CrowdMetrics())
    await board.read()
    return TicketAdmission(board, TICKETS)


def checked(admission: TicketAdmission, request: Request, seconds: float = 10) -> Refused | None:
    at = NOON + timedelta(seconds=seconds)
    return admission.check(cast("HotRequest", request), 70, at)


async def test_until_the_board_was_read_nobody_is_let_past() -> None:
    board = Board(KnownDrops([standing(admission=True)]), ManualClock(NOON), CrowdMetrics())
    admission = TicketAdmission(board, TICKETS)
    request = cast("HotRequest", Request())
    assert admission.check(request, 70, NOON) == STARTING
    await board.read()
    assert admission.check(request, 70, NOON) == NO_TICKET
    assert admission.check(request, 71, NOON) is None, "the lane says that there is none"


def test_a_ticket_is_good_from_its_turn_on(admission: TicketAdmission) -> None:
    early = checked(admission, ticket(), seconds=7.5)
    assert early is not None
    assert (early.code, early.retry_after_seconds) == ("not_admitted", 3)
    assert checked(admission, ticket()) is None
    assert checked(admission, ticket(), seconds=600) is None


@pytest.mark.parametrize(
    "wrong",
    [
        ticket(customer_id=BIA),
        ticket(drop_id=71),
        ticket(expires_at=NOON + timedelta(seconds=10)),
        Request(),
    ],
    ids=["another's", "another drop's", "expired", "none"],
)
def test_a_wrong_ticket_is_none(admission: TicketAdmission, wrong: Request) -> None:
    assert checked(admission, wrong) == NO_TICKET
