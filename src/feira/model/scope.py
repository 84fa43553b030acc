"""What is explored: how many orders, units and mishaps. Small, since each doubles the states."""

from dataclasses import dataclass
from typing import Final

PRICE_CENTS: Final = 10_00
PRODUCT_ID: Final = 1


@dataclass(frozen=True, slots=True)
class Scope:
    """Every order is for one unit. What is off never happens; all that is on always may."""

    name: str
    pays_at_once: tuple[bool, ...]
    """One entry an order: whether its payment comes with it."""
    units: int = 1
    attempts_max: int = 1
    """Means of payment that a customer offers for an order."""
    cancels: bool = True
    holds_end: bool = True
    """Inventory ends holds by its own clock, whatever the saga's clock says."""
    time_to_pay_ends: bool = True
    """By the saga's clock."""
    declines: bool = True
    refunds_refused_max: int = 0
    losses: bool = True
    """At any moment all messages and calls under way are lost, by a wiped broker and processes that
    die; from then on only the services act, until all is at rest."""
    unread_progress_max: int = 1
    """Reports of progress about one order that are under way and still news; more are not sent.
    With 0 none are, and nobody asks whether the order has been told that it is settled."""


QUICK: Final = (
    Scope("one order, paid at once", (True,), refunds_refused_max=1, unread_progress_max=0),
    Scope("one order, paid later, two attempts", (False,), attempts_max=2, losses=False),
    Scope(
        "two orders for one unit",
        (True, True),
        declines=False,
        time_to_pay_ends=False,
        losses=False,
        unread_progress_max=0,
    ),
    Scope(
        "two orders for two units",
        (True, True),
        units=2,
        declines=False,
        time_to_pay_ends=False,
        losses=False,
        unread_progress_max=0,
    ),
)
"""A few seconds each: explored on every change."""

THOROUGH: Final = (
    Scope("one order, paid at once, and told of", (True,), refunds_refused_max=1),
    Scope("one order, paid later, all losses", (False,), attempts_max=2, cancels=False),
    Scope("two orders for one unit, all else", (True, True), losses=False, unread_progress_max=0),
)
"""The same with everything else that may happen: a minute or two."""
