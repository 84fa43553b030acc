"""The four services of a purchase: their own use cases over their own stores in memory.

A step takes a small database and one command, and gives the database afterwards. What does not bear
on decisions (versions, timelines, the exact time of a deadline) is left out of it, so that states
which differ in nothing else are one.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from feira.chassis.batch import UseCase
from feira.kernel.clock import ManualClock
from feira.model.deciding import HOLD, HOLD_IS_OVER, START, CountingIds, Notebook, Step, decide
from feira.model.provider import Charge, GiveBack, Query, Void
from feira.model.scope import PRICE_CENTS, PRODUCT_ID
from feira.services.inventory.adapters.memory import MemoryInventory
from feira.services.inventory.adapters.memory import units_of_work as inventory_units_of_work
from feira.services.inventory.application.expire_reservations import (
    ExpireReservations,
    expire_reservations,
)
from feira.services.inventory.domain.reservation import Reservation
from feira.services.inventory.entrypoints.consumer import LISTENS_TO as INVENTORY_LISTENS_TO
from feira.services.orchestrator.adapters.memory import MemorySagas, holding_for
from feira.services.orchestrator.application.sweep_purchases import SweepPurchases, sweep_purchases
from feira.services.orchestrator.entrypoints.consumer import LISTENS_TO as SAGAS_LISTEN_TO
from feira.services.orders.adapters.memory import MemoryOrders
from feira.services.orders.adapters.memory import units_of_work as orders_units_of_work
from feira.services.orders.application.cancel_order import CancelOrder, cancel_orders
from feira.services.orders.application.place_order import PlaceOrder, place_orders
from feira.services.orders.application.ports import PricedProduct
from feira.services.orders.application.remind_saga import RemindSaga, remind_saga
from feira.services.orders.application.submit_payment import SubmitPayment, submit_payments
from feira.services.orders.domain.order import Payment, WantedLine, Wish
from feira.services.orders.entrypoints.consumer import LISTENS_TO as ORDERS_LISTEN_TO
from feira.services.payments.adapters.memory import MemoryPayments, handing_over_to
from feira.services.payments.application.check_payments import CheckPayments, check_payments
from feira.services.payments.application.ports import ProviderCalls
from feira.services.payments.application.record_charge import record_charges
from feira.services.payments.application.record_refund import record_refunds
from feira.services.payments.application.retry_refunds import RetryRefunds, retry_refunds
from feira.services.payments.domain.charge import ChargeReport
from feira.services.payments.domain.refund import RefundReport
from feira.services.payments.entrypoints.consumer import LISTENS_TO as PAYMENTS_LISTEN_TO

UseCases = Mapping[type, UseCase[Any]]

ORDERS: Final[UseCases] = {
    **ORDERS_LISTEN_TO,
    PlaceOrder: place_orders,
    CancelOrder: cancel_orders,
    SubmitPayment: submit_payments,
    RemindSaga: remind_saga,
}
SAGAS: Final[UseCases] = {**SAGAS_LISTEN_TO, SweepPurchases: sweep_purchases}
PAYMENTS: Final[UseCases] = {
    **PAYMENTS_LISTEN_TO,
    ChargeReport: record_charges,
    RefundReport: record_refunds,
    CheckPayments: check_payments,
    RetryRefunds: retry_refunds,
}
INVENTORY: Final[UseCases] = {**INVENTORY_LISTENS_TO, ExpireReservations: expire_reservations}

CARD: Final = Payment("card", "tok_visa")
CUSTOMER_ID: Final = 1
CLOCK: Final = ManualClock(START)
LATER: Final = HOLD_IS_OVER + timedelta(minutes=1)


def accepted(order_id: int, *, pays_at_once: bool) -> Step:
    """Orders, which has just accepted one for one unit."""
    wish = Wish(CUSTOMER_ID, [WantedLine(PRODUCT_ID, 1)], payment=CARD if pays_at_once else None)
    products = {PRODUCT_ID: PricedProduct(PRODUCT_ID, PRICE_CENTS, 1)}
    step = _orders_step(
        MemoryOrders(products=products), PlaceOrder(wish), CountingIds(order_id - 1)
    )
    return Step(MemoryOrders(step.after.orders, step.after.updated_at), step.said)


def orders_step(database: MemoryOrders, command: Any, _late: bool) -> Step:
    return _orders_step(database, command, CountingIds(0))


def _orders_step(database: MemoryOrders, command: Any, ids: CountingIds) -> Step:
    tables = MemoryOrders(dict(database.orders), dict(database.updated_at), dict(database.products))
    notebook, make = Notebook(), orders_units_of_work()
    decide(tables, lambda seen: make(seen, notebook, ids, START), ORDERS[type(command)], command)
    orders = {key: replace(order, version=0) for key, order in tables.orders.items()}
    after = replace(tables, orders=orders, updated_at=dict.fromkeys(orders, START))
    return Step(after, tuple(notebook.said))


def saga_step(database: MemorySagas, command: Any, late: bool) -> Step:
    """`late`: the time to pay is over."""
    tables = replace(database, sagas=dict(database.sagas))
    notebook, make, now = Notebook(), holding_for(HOLD), LATER if late else START
    ids = CountingIds(0)
    decide(tables, lambda seen: make(seen, notebook, ids, now), SAGAS[type(command)], command)
    sagas = {
        key: replace(saga, version=0, deadline=START, asked=0, timeline=[])
        for key, saga in tables.sagas.items()
    }
    return Step(replace(tables, sagas=sagas), tuple(notebook.said))


def payments_step(database: MemoryPayments, command: Any, _late: bool) -> Step:
    tables = MemoryPayments(
        dict(database.payments),
        dict(database.canceled),
        dict(database.refunds),
        dict(database.ledger),
    )
    notebook, handed = Notebook(), ProviderCalls()
    ids = CountingIds(len(tables.payments) + len(tables.refunds))
    make = handing_over_to(lambda calls: _hand_over(calls, handed))
    decide(tables, lambda seen: make(seen, notebook, ids, LATER), PAYMENTS[type(command)], command)
    payments = {key: _settled(payment) for key, payment in tables.payments.items()}
    refunds = {key: _settled(refund) for key, refund in tables.refunds.items()}
    after = replace(tables, payments=payments, refunds=refunds)
    return Step(after, (*notebook.said, *_calls(handed)))


def inventory_step(database: MemoryInventory, command: Any) -> Step:
    tables = MemoryInventory(dict(database.reservations), dict(database.stock))
    notebook, make, ids = Notebook(), inventory_units_of_work(), CountingIds(0)
    decide(tables, lambda seen: make(seen, notebook, ids, START), INVENTORY[type(command)], command)
    reservations = {key: _plain(found) for key, found in tables.reservations.items()}
    stock = {key: replace(item, version=0) for key, item in tables.stock.items()}
    return Step(MemoryInventory(reservations, stock), tuple(notebook.said))


def _plain(found: Reservation) -> Reservation:
    expires_at, confirmed_at = _some(found.expires_at), _some(found.confirmed_at)
    return replace(found, version=0, expires_at=expires_at, confirmed_at=confirmed_at)


def end_hold(database: MemoryInventory, order_id: int) -> Step:
    """Inventory's clock ends this order's hold, and no other one."""
    reservations = {
        key: found if key == order_id else replace(found, expires_at=LATER)
        for key, found in database.reservations.items()
    }
    return inventory_step(MemoryInventory(reservations, database.stock), ExpireReservations())


def _some(moment: datetime | None) -> datetime | None:
    return START if moment else None


def _settled(row: Any) -> Any:
    return replace(row, requested_at=START, next_check_at=_some(row.next_check_at))


def _hand_over(calls: ProviderCalls, to: ProviderCalls) -> None:
    to.charges += calls.charges
    to.cancellations += calls.cancellations
    to.questions += calls.questions
    to.refunds += calls.refunds


def _calls(handed: ProviderCalls) -> list[Any]:
    return [
        *(Charge(p.order_id, p.attempt) for p in handed.charges),
        *(Void(p.order_id, p.attempt) for p in handed.cancellations),
        *(Query(p.order_id, p.attempt) for p in handed.questions),
        *(GiveBack(r.order_id, r.attempt, r.try_key, r.amount_cents) for r in handed.refunds),
    ]
