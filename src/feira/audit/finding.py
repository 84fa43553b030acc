"""What a rule finds, when it may be asked, and what becomes of a finding."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from feira.audit.case import Case


class Moment(StrEnum):
    """When the evidence was gathered: it decides what may be expected of it.

    FINAL: everybody has had their time; nothing is under way and nobody is waited for.
    AT_REST: nothing is under way; an order may wait for its customer to pay.
    AT_ONCE: work is under way, and all of it was seen at one instant (as a simulator can).
    APART: work is under way, and each store was read at an instant of its own, the provider's books
    first, the orders last: effects before their causes.
    """

    FINAL = "final"
    AT_REST = "at rest"
    AT_ONCE = "at once"
    APART = "apart"


ALWAYS: Final = frozenset(Moment)
SEEN_AT_ONCE: Final = ALWAYS - {Moment.APART}
RESTING: Final = frozenset({Moment.FINAL, Moment.AT_REST})
ENDED: Final = frozenset({Moment.FINAL})


@dataclass(frozen=True, slots=True)
class Finding:
    """`order_id` is None where it is about no order."""

    about: str
    expected: str
    seen: str
    records: str
    """Whose records say so."""
    order_id: int | None = None


def of_order(order_id: int, expected: str, seen: str, records: str) -> Finding:
    return Finding(f"order {order_id}", expected, seen, records, order_id)


@dataclass(frozen=True, slots=True)
class Rule:
    """`name` says what must hold."""

    name: str
    moments: frozenset[Moment]
    check: Callable[[Case], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A broken rule, explained."""

    rule: str
    about: str
    expected: str
    seen: str
    records: str
    story: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = "".join(f"\n    {line}" for line in self.story)
        return (
            f"{self.about}: {self.rule}\n"
            f"  expected: {self.expected}\n"
            f"  seen:     {self.seen} ({self.records}){told}"
        )
