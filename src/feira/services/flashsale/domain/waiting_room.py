"""The waiting room: who may claim when, by place and time alone (B6, B7).

Who comes gets the next place, once and for all. When the drop opens the first `at_once` places are
let in, and from then on so many more each second. So nothing has to be kept or told when somebody
is let in: each process computes the same from the place, which is in the signed ticket.

A place whose owner has gone away is let in like any other; the crowd moves at the promised pace.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Pace:
    """How a crowd is let in: `at_once` when the doors open, then `per_second`."""

    at_once: int
    per_second: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """A customer's place at a drop; it holds until `expires_at`."""

    drop_id: int
    customer_id: int
    place: int
    expires_at: datetime


def let_in_at(place: int, pace: Pace, opens_at: datetime) -> datetime:
    """When a place (from 1) is let in."""
    after = max(0, place - pace.at_once)
    return opens_at + timedelta(seconds=after / pace.per_second)


def let_in(pace: Pace, opens_at: datetime, now: datetime) -> int:
    """How many places have been let in."""
    if now < opens_at:
        return 0
    return pace.at_once + int((now - opens_at).total_seconds() * pace.per_second)


def ahead(place: int, pace: Pace, opens_at: datetime, now: datetime) -> int:
    """How many places are let in before this one; 0: it is its turn."""
    if now >= let_in_at(place, pace, opens_at):
        return 0
    return max(1, place - max(let_in(pace, opens_at, now), pace.at_once if now < opens_at else 0))
