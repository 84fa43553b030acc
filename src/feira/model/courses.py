"""The course of one purchase: how it stands in every service, and what is under way about it.

The network is a set: what was sent once may arrive any number of times, in any order, or never.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any, Final, NamedTuple

import msgspec

from feira.contracts.orchestrator import RecordProgress
from feira.model.deciding import Step, key_of
from feira.model.provider import CALLS
from feira.services.inventory.entrypoints.consumer import LISTENS_TO as INVENTORY_LISTENS_TO
from feira.services.orchestrator.entrypoints.consumer import LISTENS_TO as SAGAS_LISTEN_TO
from feira.services.orders.domain.order import OPEN, Order, OrderStatus
from feira.services.orders.entrypoints.consumer import LISTENS_TO as ORDERS_LISTEN_TO
from feira.services.payments.domain.charge import ChargeReport
from feira.services.payments.domain.refund import RefundReport
from feira.services.payments.entrypoints.consumer import LISTENS_TO as PAYMENTS_LISTEN_TO

RECIPIENTS: Final[dict[type, str]] = {
    **dict.fromkeys(ORDERS_LISTEN_TO, "orders"),
    **dict.fromkeys(SAGAS_LISTEN_TO, "orchestrator"),
    **dict.fromkeys(PAYMENTS_LISTEN_TO, "payments"),
    **dict.fromkeys(INVENTORY_LISTENS_TO, "inventory"),
    **dict.fromkeys((ChargeReport, RefundReport), "payments"),
    **dict.fromkeys(CALLS, "provider"),
}
"""Who hears what. Messages that nobody of these hears are of no consequence here."""


class Course(NamedTuple):
    """Numbers that stand for what the tables of `Courses` hold; `under_way` is a set of bits."""

    orders: int
    orchestrator: int
    payments: int
    provider: int
    late: bool
    """The customer's time to pay is over, by the saga's clock."""
    under_way: int


class Noted(NamedTuple):
    """A step, as numbers: the database it leaves, and what it said as a set of bits."""

    after: int
    said: int


class Numbered:
    """Equal values share a number."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: Any) -> int:
        number = self._numbers.setdefault(key_of(value), len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class Courses:
    """All courses met so far."""

    def __init__(self, unread_progress_max: int) -> None:
        self._unread_progress_max = unread_progress_max
        self.databases = Numbered()
        self.items: list[Any] = []
        self._bits: dict[Any, int] = {}
        self._progress = 0
        """The bits of reports of progress."""
        self._ranked_numbers: dict[tuple[Any, ...], int] = {}
        self.courses: list[Course] = []
        self._numbers: dict[Course, int] = {}

    def number(self, course: Course) -> int:
        """Courses that differ in nothing that matters have one number."""
        number = self._numbers.get(course)
        if number is None:
            plain = self._without_stale_progress(course)
            number = self._numbers.setdefault(plain, len(self.courses))
            if number == len(self.courses):
                self.courses.append(plain)
            self._numbers[course] = number
        return number

    def noted(self, step: Step) -> "Noted":
        return Noted(self.databases.number(step.after), self.bits(step.said))

    def bits(self, said: Iterable[Any]) -> int:
        """The set of these items, without those that nobody hears."""
        heard = (item for item in said if type(item) in RECIPIENTS)
        return reduce(or_, map(self._bit, heard), 0)

    def under_way(self, course: Course) -> Iterator[Any]:
        return self._decoded(course.under_way)

    def _decoded(self, rest: int) -> Iterator[Any]:
        while rest:
            bit = rest & -rest
            yield self.items[bit.bit_length() - 1]
            rest ^= bit

    def database(self, course: Course, actor: str) -> Any:
        return self.databases.values[getattr(course, actor)]

    def order(self, course: Course) -> Order:
        (order,) = self.database(course, "orders").orders.values()
        assert isinstance(order, Order)
        return order

    def _bit(self, item: Any) -> int:
        bit = self._bits.setdefault(item, 1 << len(self.items))
        if bit == 1 << len(self.items):
            self.items.append(item)
            self._progress |= bit if isinstance(item, RecordProgress) else 0
        return bit

    # --- progress: steps count without end, and only their order matters -------------------------

    def _without_stale_progress(self, course: Course) -> Course:
        """Only what is news to the order stays, and steps are counted without gaps."""
        order = self.order(course)
        sagas = self.database(course, "orchestrator").sagas.values()
        progress = list(self._decoded(course.under_way & self._progress))
        news = sorted((p for p in progress if _is_news(p, order)), key=lambda p: p.step)
        kept = news[: self._unread_progress_max]
        steps = sorted({order.step, *(p.step for p in kept), *(saga.step for saga in sagas)})
        if len(kept) == len(progress) and steps == list(range(len(steps))):
            return course
        ranks = {step: rank for rank, step in enumerate(steps)}
        counted = [msgspec.structs.replace(p, step=ranks[p.step]) for p in kept]
        plain = course._replace(
            orders=self._ranked(course.orders, "orders", ranks),
            orchestrator=self._ranked(course.orchestrator, "sagas", ranks),
            under_way=course.under_way & ~self._progress,
        )
        return plain._replace(under_way=plain.under_way | self.bits(counted))

    def _ranked(self, number: int, rows: str, ranks: dict[int, int]) -> int:
        key = (number, *ranks.items())
        if key not in self._ranked_numbers:
            database = self.databases.values[number]
            ranked = {
                order_id: replace(row, step=ranks[row.step])
                for order_id, row in getattr(database, rows).items()
            }
            after = replace(database, **{rows: ranked})
            self._ranked_numbers[key] = self.databases.number(after)
        return self._ranked_numbers[key]


def _is_news(progress: RecordProgress, order: Order) -> bool:
    paid = order.status not in OPEN and order.status is not OrderStatus.CANCELED
    return not paid and progress.step > order.step
