"""The evidence, sorted so that each rule finds what it asks for without a search."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Final, Protocol, TypeVar

from feira.audit.evidence import (
    Call,
    Evidence,
    LedgerRow,
    Money,
    MovementRow,
    PaymentRow,
    RefundRow,
)
from feira.audit.intents import Intent, intents_of, order_id_of, paid_order_id

NO_MONEY: Final = Money()
SOLD: Final = frozenset({"paid", "shipped", "completed"})
CANCELED: Final = "canceled"
PROMISING: Final = frozenset({"held", "confirmed"})


class OfOrder(Protocol):
    @property
    def order_id(self) -> int: ...


Row = TypeVar("Row", bound=OfOrder)


class Case:
    """One evidence. Nothing of it changes while it is audited."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.orders = evidence.orders
        self.history = evidence.history or []

    def books_of(self, order_id: int) -> Money:
        return self.evidence.books.get(order_id, NO_MONEY)

    def mistake_of(self, order_id: int) -> Money:
        return self.evidence.mistakes.get(order_id, NO_MONEY)

    def meant_of(self, order_id: int) -> Money:
        """The books without what the provider took by mistake."""
        books, mistake = self.books_of(order_id), self.mistake_of(order_id)
        return Money(
            books.captured_cents - mistake.captured_cents,
            books.refunded_cents - mistake.refunded_cents,
        )

    def stock_of(self, order_id: int) -> str:
        """How the order's reservation stands; "none" without one."""
        row = self.evidence.reservations.get(order_id)
        return "none" if row is None else row.status

    def saga_of(self, order_id: int) -> str:
        row = self.evidence.sagas.get(order_id)
        return "none" if row is None else row.state

    def has_been(self, order_id: int, state: str) -> bool:
        """Whether the order's saga has ever been in a state."""
        row = self.evidence.sagas.get(order_id)
        return row is not None and any(entry.state == state for entry in row.timeline)

    @cached_property
    def payments(self) -> dict[int, list[PaymentRow]]:
        return by_order(self.evidence.payments)

    @cached_property
    def refunds(self) -> dict[int, list[RefundRow]]:
        return by_order(self.evidence.refunds)

    @cached_property
    def ledger(self) -> dict[int, list[LedgerRow]]:
        return by_order(self.evidence.ledger)

    @cached_property
    def movements(self) -> dict[int, list[MovementRow]]:
        found: dict[int, list[MovementRow]] = defaultdict(list)
        for row in self.evidence.movements:
            found[row.product_id].append(row)
        return found

    @cached_property
    def put_back(self) -> dict[int, Counter[int]]:
        """Units by product that went back on the shelf when a sale was undone, by order."""
        found: dict[int, Counter[int]] = defaultdict(Counter)
        for row in self.evidence.movements:
            if row.kind == "restock" and row.reference:
                found[int(row.reference.removeprefix("order/"))][row.product_id] += row.quantity
        return found

    @cached_property
    def held(self) -> Counter[int]:
        """Units held by product."""
        return self._units(held=True)

    @cached_property
    def sold(self) -> Counter[int]:
        """Units ever sold by product, those put back later among them."""
        return self._units(held=False)

    def _units(self, *, held: bool) -> Counter[int]:
        units = Counter[int]()
        for row in self.evidence.reservations.values():
            if row.status == "held" if held else row.was_sold:
                units.update(row.lines)
        return units

    def believed(self, order_id: int) -> Money:
        """What the payments service has seen of an order's money."""
        rows = self.payments.get(order_id, [])
        return Money(
            sum(row.money.captured_cents for row in rows),
            sum(row.money.refunded_cents for row in rows),
        )

    def booked(self, order_id: int) -> Money:
        """What its double entry says of it."""
        entries = Counter[str]()
        for row in self.ledger.get(order_id, []):
            entries[row.kind] += row.amount_cents
        return Money(entries["capture"], entries["refund"])

    def given_by_admins_cents(self, order_id: int) -> int:
        """What administrators have given back of a sale."""
        return sum(
            row.amount_cents
            for row in self.refunds.get(order_id, [])
            if row.reason == "requested_by_admin" and row.state == "succeeded"
        )

    @cached_property
    def calls(self) -> dict[int, list[Call]]:
        """The calls about each order, in the order they were sent."""
        found: dict[int, list[Call]] = defaultdict(list)
        for call in sorted(self.history, key=lambda call: call.sent_at):
            order_id = order_id_of(call)
            if order_id is not None:
                found[order_id].append(call)
        return found

    @cached_property
    def intents(self) -> list[Intent]:
        return intents_of(self.history)

    @cached_property
    def offers(self) -> dict[int, list[Intent]]:
        """What was offered in payment of each order after it was placed."""
        found: dict[int, list[Intent]] = defaultdict(list)
        for intent in self.intents:
            order_id = paid_order_id(intent.first)
            if order_id is not None:
                found[order_id].append(intent)
        return found


def by_order(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.order_id].append(row)
    return found
