"""The orchestrator without HTTP, broker or queue: messages in batches, on any store."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final

from feira.chassis.memory.database import MemoryDatabase
from feira.contracts import inventory, orders, payments
from feira.contracts.message import Message
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from feira.services.orchestrator.adapters.memory import MemorySagas, holding_for
from feira.services.orchestrator.application.retry_purchase import RetryPurchase, retry_purchases
from feira.services.orchestrator.application.sweep_purchases import (
    AskAllAgain,
    SweepPurchases,
    ask_all_again,
    sweep_purchases,
)
from feira.services.orchestrator.domain.purchase_saga import Saga
from feira.services.orchestrator.entrypoints.consumer import LISTENS_TO
from tests.batches import Batches, in_memory, told_by
from tests.unit.orchestrator.sagas import START, TOTAL_CENTS

HOLD: Final = timedelta(minutes=15)
USE_CASES: Final[dict[type, Any]] = {
    SweepPurchases: sweep_purchases,
    AskAllAgain: ask_all_again,
    RetryPurchase: retry_purchases,
    **LISTENS_TO,
}


@dataclass
class World:
    """`batches` share a shelf, as one process does."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(START))

    def __post_init__(self) -> None:
        self.database = MemoryDatabase(MemorySagas(clock=self.clock))
        self.ids = Ids(ManualClock(START))
        self.batches = self.process()

    def process(self) -> Batches:
        """Another process over the same database, with a shelf of its own."""
        return in_memory(
            self.database, holding_for(HOLD), USE_CASES, ids=self.ids, clock=self.clock
        )

    @property
    def sagas(self) -> dict[int, Saga]:
        return self.database.tables.sagas

    def told(self, about: int | None = None) -> list[Message]:
        messages = [told.message for told in told_by(self.database)]
        return [message for message in messages if about is None or message.key == str(about)]


def pass_time(world: World, seconds: float) -> None:
    world.clock.advance(timedelta(seconds=seconds))


# --- what the others say -------------------------------------------------------------------------

CARD: Final = orders.PaymentMethod(method="card", token="tok_visa")


def created(order_id: int, payment: orders.PaymentMethod | None = CARD) -> orders.OrderCreated:
    return orders.OrderCreated(
        order_id=order_id,
        customer_id=7,
        lines=(orders.OrderLine(product_id=1, quantity=3, unit_price_cents=19_99),),
        total_cents=TOTAL_CENTS,
        payment=payment,
    )


def submitted(order_id: int, attempt: int) -> orders.OrderPaymentSubmitted:
    return orders.OrderPaymentSubmitted(order_id=order_id, attempt=attempt, payment=CARD)


def order_canceled(order_id: int) -> orders.OrderCanceled:
    return orders.OrderCanceled(order_id=order_id, customer_id=7, reason="canceled_by_customer")


def order_confirmed(order_id: int) -> orders.OrderConfirmed:
    return orders.OrderConfirmed(order_id=order_id, customer_id=7, total_cents=TOTAL_CENTS)


def reserved(order_id: int) -> inventory.StockReserved:
    return inventory.StockReserved(order_id=order_id)


def insufficient(order_id: int) -> inventory.StockInsufficient:
    return inventory.StockInsufficient(order_id=order_id, missing=())


def sold(order_id: int) -> inventory.ReservationConfirmed:
    return inventory.ReservationConfirmed(order_id=order_id)


def released(order_id: int) -> inventory.ReservationReleased:
    return inventory.ReservationReleased(order_id=order_id)


def paid(order_id: int, attempt: int = 1) -> payments.PaymentConfirmed:
    return payments.PaymentConfirmed(
        order_id=order_id, payment_id=1, attempt=attempt, amount_cents=TOTAL_CENTS
    )


def declined(order_id: int, attempt: int = 1) -> payments.PaymentFailed:
    return payments.PaymentFailed(
        order_id=order_id, payment_id=1, attempt=attempt, reason="declined"
    )


def payment_canceled(order_id: int, cents: int = 0) -> payments.PaymentCanceled:
    return payments.PaymentCanceled(order_id=order_id, captured_cents=cents, refunded_cents=cents)


def random_messages(chance: Random, count: int) -> list[Any]:
    """About few orders, so that they meet; some are told of before they are created."""
    return [_random_message(chance, chance.randint(1, 4)) for _ in range(count)]


def _random_message(chance: Random, order_id: int) -> Any:
    attempt = chance.randint(1, 3)
    return chance.choice(
        [
            created(order_id),
            created(order_id, None),
            reserved(order_id),
            reserved(order_id),
            insufficient(order_id),
            sold(order_id),
            released(order_id),
            paid(order_id, attempt),
            declined(order_id, attempt),
            payment_canceled(order_id, chance.choice([0, TOTAL_CENTS])),
            submitted(order_id, attempt),
            order_canceled(order_id),
            order_confirmed(order_id),
            RetryPurchase(order_id),
            SweepPurchases(chance.choice([1, 500])),
            SweepPurchases(),
            AskAllAgain(chance.choice([1, 500])),
        ]
    )
