"""The purchase protocol keeps its promises in every world, and a broken one is told as a story."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from feira.model.scope import QUICK, Scope
from feira.model.search import Exploration, TooLarge, explore
from feira.model.story import story
from feira.services.inventory.domain.reservation import Reservation, ReservationStatus
from feira.services.inventory.domain.stock import StockItem
from feira.services.orchestrator.domain import messages as m
from feira.services.orchestrator.domain import purchase_saga
from feira.services.orchestrator.domain.purchase_saga import Saga, State
from feira.services.orders.domain.order import Order, OrderStatus

ONE = Scope("one order", (True,), declines=False, losses=False, unread_progress_max=0)
ONE_WITH_LOSSES = Scope("one order", (True,), declines=False, unread_progress_max=0)
TWO = QUICK[2]
INVENTORY = "feira.services.inventory.application"
ORDERS = "feira.services.orders.application"


@pytest.mark.parametrize("scope", QUICK, ids=lambda scope: scope.name)
def test_every_promise_holds_in_every_world(scope: Scope) -> None:
    found = explore(scope)

    assert found.fault is None, story(found)
    assert found.worlds > 10_000, "a model that explores little proves little"
    assert found.at_rest > 100
    assert found.depth > 20


def test_a_scope_that_is_too_large_proves_nothing_and_says_so() -> None:
    with pytest.raises(TooLarge, match="more than 100 worlds"):
        explore(TWO, worlds_max=100)


# --- planted bugs --------------------------------------------------------------------------------


def fault_of(scope: Scope) -> tuple[str, Exploration]:
    found = explore(scope)
    assert found.fault is not None, "the planted bug was not found"
    return found.fault.what, found


def test_holding_without_looking_oversells(monkeypatch: pytest.MonkeyPatch) -> None:
    def everything_is_there(*_: Any) -> tuple[()]:
        return ()

    monkeypatch.setattr("feira.services.inventory.domain.reservation._missing", everything_is_there)

    what, found = fault_of(TWO)

    assert what == "oversold: 2 held and 0 sold of 1"
    told = story(found)
    assert told.splitlines()[0] == "oversold: 2 held and 0 sold of 1  (two orders for one unit)"
    assert told.count("inventory takes ReserveStock()") == 2, told
    assert "order 1 pending, saga reserving, stock held, payment none, provider keeps 0" in told
    assert len(found.fault.path) == 5 if found.fault else False, "the shortest way"


def test_selling_what_is_held_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def confirm(reservation: Reservation, stock: Mapping[int, StockItem], now: datetime) -> bool:
        for product_id, quantity in reservation.lines:
            stock[product_id].on_hand -= quantity
        reservation.status, reservation.confirmed_at = ReservationStatus.CONFIRMED, now
        return True

    monkeypatch.setattr(f"{INVENTORY}.confirm_reservation.confirm", confirm)

    assert "the books of the stock are wrong" in fault_of(ONE)[0]


def test_a_cancellation_that_forgets_the_money(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = purchase_saga.RULES
    forgetful = rules[State.AWAITING_PAYMENT, m.OrderCanceled]
    monkeypatch.setitem(rules, (State.PAYING, m.OrderCanceled), forgetful)
    monkeypatch.delitem(rules, (State.CANCELED, m.PaymentConfirmed))
    monkeypatch.delitem(rules, (State.UNDOING_STOCK, m.PaymentConfirmed))

    what, found = fault_of(ONE)

    assert what == "canceled, at rest, and the provider keeps 1000"
    assert "orders takes CancelOrder" in story(found)


def test_a_saga_that_does_not_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def shrugs(_saga: Saga, _heard: m.Heard, _now: datetime) -> list[m.Said]:
        return []

    monkeypatch.setitem(purchase_saga.RULES, (State.SELLING, m.Overdue), shrugs)

    what, found = fault_of(ONE_WITH_LOSSES)

    assert what == "from here nothing leads to rest any more"
    assert "all that is under way is lost" in story(found)


def test_paid_before_it_is_sold(monkeypatch: pytest.MonkeyPatch) -> None:
    def confirm_order_at_once(saga: Saga, heard: m.Heard, now: datetime) -> list[m.Said]:
        assert isinstance(heard, m.PaymentConfirmed)
        saga.captured_cents = heard.amount_cents
        return purchase_saga._ask(saga, State.CONFIRMING, now)

    rule = (State.PAYING, m.PaymentConfirmed)
    monkeypatch.setitem(purchase_saga.RULES, rule, confirm_order_at_once)

    assert fault_of(ONE)[0] == "the order is paid, and its stock is not sold"


def test_an_answer_that_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    def cancel_and_say_confirmed(order: Order, _captured_cents: int) -> bool:
        order.status = OrderStatus.CANCELED
        return True

    monkeypatch.setattr(f"{ORDERS}.follow_saga.confirm", cancel_and_say_confirmed)

    assert fault_of(ONE)[0] == "the purchase is completed, and its order is canceled"


def test_taking_back_what_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def confirm(order: Order, captured_cents: int) -> bool:
        order.status, order.captured_cents = OrderStatus.PAID, captured_cents
        return True

    monkeypatch.setattr(f"{ORDERS}.follow_saga.confirm", confirm)

    what, found = fault_of(ONE)

    assert what == "the order was canceled, and is paid now"
    assert "orders takes ConfirmOrder(captured_cents=1000)" in story(found).splitlines()[-1]


def test_a_use_case_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def tombstone(_order_id: int) -> Reservation:
        raise KeyError("a bug")

    monkeypatch.setattr(f"{INVENTORY}.release_stock.tombstone", tombstone)

    what, found = fault_of(ONE)

    assert what == "a use case breaks: KeyError('a bug')"
    assert story(found).splitlines()[-1].endswith("order 1: inventory takes ReleaseStock()")
