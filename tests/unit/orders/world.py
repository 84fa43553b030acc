"""Orders without HTTP, broker or queue: commands in batches, on any store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from feira.chassis.memory.database import MemoryDatabase
from feira.contracts.catalog import ProductChanged, ProductRemoved
from feira.contracts.flashsale import OrdersRequested, RequestedOrder
from feira.contracts.message import Message
from feira.contracts.orchestrator import CancelOrder as GiveUp
from feira.contracts.orchestrator import ConfirmOrder, RecordProgress
from feira.contracts.orders import PaymentMethod
from feira.contracts.payments import PaymentRefunded
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from feira.services.orders.adapters.memory import MemoryOrders, units_of_work
from feira.services.orders.application.advance_order import AdvanceOrder, advance_orders
from feira.services.orders.application.cancel_order import CancelOrder, cancel_orders
from feira.services.orders.application.place_order import PlaceOrder, place_orders
from feira.services.orders.application.remind_saga import RemindSaga, remind_saga
from feira.services.orders.application.submit_payment import SubmitPayment, submit_payments
from feira.services.orders.domain.order import (
    InventoryStatus,
    OrderStatus,
    Payment,
    PaymentStatus,
    WantedLine,
    Wish,
)
from feira.services.orders.entrypoints.consumer import LISTENS_TO
from tests.batches import Batches, in_memory, told_by

START: Final = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
CUSTOMER, STRANGER = 7, 8
DROP: Final = 77
SALE_ORDER: Final = 5_000
"""The first of the orders that a flash sale requests."""
CARD: Final = Payment("card", "tok_visa")
USE_CASES: Final[dict[type, Any]] = {
    PlaceOrder: place_orders,
    CancelOrder: cancel_orders,
    SubmitPayment: submit_payments,
    AdvanceOrder: advance_orders,
    RemindSaga: remind_saga,
    **LISTENS_TO,
}


@dataclass
class World:
    """`batches` share a shelf, as one process does; `ids` does not depend on the clock."""

    database: MemoryDatabase[MemoryOrders] = field(
        default_factory=lambda: MemoryDatabase(MemoryOrders())
    )
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))

    def __post_init__(self) -> None:
        self.ids = Ids(ManualClock(START))
        self.batches = self.process()

    def process(self) -> Batches:
        """Another process over the same database, with a shelf of its own."""
        return in_memory(self.database, units_of_work(), USE_CASES, ids=self.ids, clock=self.clock)

    @property
    def tables(self) -> MemoryOrders:
        return self.database.tables

    def told(self, about: int | None = None) -> list[Message]:
        messages = [told.message for told in told_by(self.database)]
        return [message for message in messages if about is None or message.key == str(about)]


def pass_time(world: World, seconds: float) -> None:
    world.clock.advance(timedelta(seconds=seconds))


# --- commands ------------------------------------------------------------------------------------


def product(product_id: int, price_cents: int = 10_00, version: int = 1) -> ProductChanged:
    return ProductChanged(
        product_id=product_id,
        code=f"SKU-{product_id}",
        name="A product",
        price_cents=price_cents,
        version=version,
    )


def removed(product_id: int, version: int) -> ProductRemoved:
    return ProductRemoved(product_id=product_id, version=version)


def placing(
    *lines: tuple[int, int], payment: Payment | None = None, customer_id: int = CUSTOMER
) -> PlaceOrder:
    """Lines are (product id, quantity)."""
    wanted = [WantedLine(product_id, quantity) for product_id, quantity in lines or ((1, 1),)]
    return PlaceOrder(Wish(customer_id, wanted, payment=payment))


def progress(
    order_id: int,
    step: int,
    inventory: str = "reserved",
    payment: str = "pending",
    *,
    captured_cents: int = 0,
    refunded_cents: int = 0,
    settled: bool = False,
) -> RecordProgress:
    return RecordProgress(
        order_id=order_id,
        step=step,
        inventory_status=inventory,
        payment_status=payment,
        captured_cents=captured_cents,
        refunded_cents=refunded_cents,
        settled=settled,
    )


def giving_up(order_id: int, reason: str = "insufficient_stock") -> GiveUp:
    return GiveUp(
        order_id=order_id,
        reason=reason,
        inventory_status="insufficient",
        payment_status="pending",
    )


def confirming(order_id: int, captured_cents: int = 10_00) -> ConfirmOrder:
    return ConfirmOrder(order_id=order_id, captured_cents=captured_cents)


def refunded(order_id: int, refunded_cents: int, captured_cents: int = 10_00) -> PaymentRefunded:
    return PaymentRefunded(
        order_id=order_id,
        payment_id=1,
        refund_id=refunded_cents,
        amount_cents=refunded_cents,
        captured_cents=captured_cents,
        refunded_cents=refunded_cents,
    )


def requesting(*order_ids: int, payment: Payment | None = None) -> OrdersRequested:
    """What a flash sale asks for: one unit each, to be paid within five minutes."""
    method = PaymentMethod(method=payment.method, token=payment.token) if payment else None
    return OrdersRequested(
        drop_id=DROP,
        product_id=1,
        price_cents=1_00,
        orders=tuple(
            RequestedOrder(
                order_id=order_id,
                customer_id=CUSTOMER,
                pay_until=START + timedelta(minutes=5),
                payment=method,
            )
            for order_id in order_ids
        ),
    )


# --- at random -----------------------------------------------------------------------------------

SOLD: Final = (1, 2, 3)
SOMETIMES_SOLD: Final = (4, 5)


class RandomCommands:
    """Commands about the orders that were placed before; ids are foreseen."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self._ids = Ids(ManualClock(START))
        self._placed: list[int] = []
        self._accepted: list[int] = []
        self._of_sales: list[int] = []

    def take(self, count: int) -> list[Any]:
        """The catalog first; then anything."""
        commands: list[Any] = [product(product_id) for product_id in SOLD]
        commands += [self._place(), self._place()]
        while len(commands) < count:
            commands.append(self._chance.choice(self._kinds())())
        return commands

    def _kinds(self) -> list[Any]:
        return [
            *(self._place, self._place, self._place_riskily, self._cancel, self._submit),
            *(self._advance, self._record, self._record, self._confirm, self._give_up),
            *(self._change_price, self._remind, self._refund, self._request),
        ]

    def _place(self) -> PlaceOrder:
        order_id = self._ids.number()
        self._placed.append(order_id)
        self._accepted.append(order_id)
        return placing(*self._lines(SOLD), payment=self._payment(), customer_id=self._customer())

    def _place_riskily(self) -> PlaceOrder:
        self._placed.append(self._ids.number())
        expected = self._chance.choice([None, 10_00, 11_00])
        lines = [
            WantedLine(product_id, quantity, expected)
            for product_id, quantity in self._lines((*SOLD, *SOMETIMES_SOLD))
        ]
        return PlaceOrder(Wish(CUSTOMER, lines, payment=self._payment()))

    def _lines(self, of: Sequence[int]) -> list[tuple[int, int]]:
        chance = self._chance
        return [(chance.choice(of), chance.randint(1, 5)) for _ in range(chance.randint(1, 4))]

    def _payment(self) -> Payment | None:
        return self._chance.choice([None, CARD])

    def _customer(self) -> int:
        return self._chance.choice([CUSTOMER, CUSTOMER, STRANGER])

    def _cancel(self) -> CancelOrder:
        return CancelOrder(self._any_order(), self._chance.choice([None, CUSTOMER, STRANGER]))

    def _submit(self) -> SubmitPayment:
        customer = self._chance.choice([None, CUSTOMER])
        return SubmitPayment(self._any_order(), customer, CARD)

    def _advance(self) -> AdvanceOrder:
        to = self._chance.choice(list(OrderStatus))
        return AdvanceOrder(self._any_order(), to, self._chance.choice([None, "BR123"]))

    def _any_order(self) -> int:
        return self._chance.choice([*self._placed, 999])

    def _record(self) -> RecordProgress:
        chance = self._chance
        captured_cents = chance.choice([0, 10_00])
        return progress(
            chance.choice(self._accepted),
            chance.randint(1, 9),
            chance.choice(list(InventoryStatus)),
            chance.choice(list(PaymentStatus)),
            captured_cents=captured_cents,
            refunded_cents=chance.choice([0, captured_cents]),
            settled=chance.random() < 0.2,
        )

    def _confirm(self) -> ConfirmOrder:
        return confirming(self._chance.choice(self._accepted))

    def _refund(self) -> PaymentRefunded:
        return refunded(self._chance.choice(self._accepted), self._chance.choice([5_00, 10_00]))

    def _give_up(self) -> GiveUp:
        return giving_up(self._chance.choice(self._accepted))

    def _change_price(self) -> ProductChanged | ProductRemoved:
        chance = self._chance
        version = chance.randint(1, 20)
        if chance.random() < 0.3:
            return removed(chance.choice(SOMETIMES_SOLD), version)
        product_id = chance.choice((*SOLD, *SOMETIMES_SOLD))
        return product(product_id, chance.choice([10_00, 11_00]), version)

    def _request(self) -> OrdersRequested:
        """Orders of a sale, some of which were requested before."""
        chance = self._chance
        new = [SALE_ORDER + len(self._of_sales) + at for at in range(chance.randint(0, 2))]
        self._of_sales += new
        self._placed += new
        self._accepted += new
        known = [order_id for order_id in self._of_sales[:3] if order_id not in new]
        return requesting(*known, *new, payment=self._payment())

    def _remind(self) -> RemindSaga:
        return RemindSaga(self._chance.choice([0, 30]), self._chance.choice([1, 500]))
