"""What may happen to an order, and what may not."""

from datetime import UTC, datetime
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.kernel.errors import Category, Refused
from feira.services.orders.domain.order import (
    OPEN,
    PAYMENT_ATTEMPTS_MAX,
    QUANTITY_MAX,
    TOTAL_CENTS_MAX,
    InventoryStatus,
    Line,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    Progress,
    WantedLine,
    Wish,
    advance,
    cancel,
    confirm,
    give_back,
    give_up,
    place,
    record,
    submit_payment,
)

NOW = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
CARD = Payment("card", "tok_visa")
PRICES = {1: 19_99, 2: 29_99, 3: 0}
PAID_OR_LATER = (OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.COMPLETED)


def placed(*lines: WantedLine, payment: Payment | None = None) -> Order:
    order = place(Wish(7, lines or (WantedLine(1, 1),), payment=payment), PRICES, 17, NOW)
    assert isinstance(order, Order)
    return order


def refused(*lines: WantedLine) -> Refused:
    outcome = place(Wish(7, lines), PRICES, 17, NOW)
    assert isinstance(outcome, Refused)
    return outcome


def order_that_is(status: OrderStatus, **also: Any) -> Order:
    order = placed()
    order.status = status
    for name, value in also.items():
        setattr(order, name, value)
    return order


def progress(step: int, *, settled: bool = False, **changes: Any) -> Progress:
    fields: dict[str, Any] = {
        "inventory": InventoryStatus.RESERVED,
        "payment": PaymentStatus.PENDING,
        "captured_cents": 0,
        "refunded_cents": 0,
    }
    return Progress(step=step, settled=settled, **fields | changes)


# --- placing -------------------------------------------------------------------------------------

wanted = st.lists(
    st.builds(WantedLine, st.sampled_from([1, 2, 3]), st.integers(1, 50)), min_size=1, max_size=20
)


@given(wanted)
def test_an_order_is_placed_at_the_catalogs_prices(lines: list[WantedLine]) -> None:
    order = placed(*lines)
    assert order.total_cents == sum(PRICES[line.product_id] * line.quantity for line in lines)
    assert order.total_cents == sum(line.unit_price_cents * line.quantity for line in order.lines)


@given(wanted)
def test_lines_of_one_product_become_one(lines: list[WantedLine]) -> None:
    order = placed(*lines)
    merged = {line.product_id: line.quantity for line in order.lines}
    assert len(merged) == len(order.lines)
    assert sum(merged.values()) == sum(line.quantity for line in lines)
    assert list(merged) == list(dict.fromkeys(line.product_id for line in lines))


def test_a_new_order_waits() -> None:
    order = placed()
    assert (order.status, order.payment_status, order.inventory_status) == ("pending",) * 3
    assert (order.payment_attempts, order.pays_at_once, order.settled) == (0, False, False)
    assert order.created_at == NOW


def test_an_order_with_a_payment_goes_through_by_itself() -> None:
    order = placed(payment=CARD)
    assert (order.payment, order.payment_attempts, order.pays_at_once) == (CARD, 1, True)


def test_what_is_not_sold_is_refused_line_by_line() -> None:
    no = refused(WantedLine(9, 1), WantedLine(1, 1), WantedLine(8, 1, 5_00))
    assert (no.category, no.code) == (Category.INVALID, "unknown_product")
    assert [error.pointer for error in no.errors] == ["/items/0", "/items/2"]


def test_a_price_that_the_client_no_longer_believes_is_refused_with_the_price_of_now() -> None:
    no = refused(WantedLine(1, 1, 19_99), WantedLine(2, 1, 9_99), WantedLine(3, 1, 0))
    assert (no.category, no.code) == (Category.CONFLICT, "price_changed")
    assert [(error.pointer, error.detail) for error in no.errors] == [
        ("/items/1/price", "is now 29.99")
    ]


def test_believing_that_it_is_free_is_believing_something() -> None:
    assert refused(WantedLine(1, 1, 0)).code == "price_changed"


@pytest.mark.parametrize(
    "lines",
    [
        [WantedLine(3, QUANTITY_MAX), WantedLine(3, 1)],
        [WantedLine(3, QUANTITY_MAX + 1)],
    ],
)
def test_too_many_of_one_product_are_refused_however_they_are_said(
    lines: list[WantedLine],
) -> None:
    assert refused(*lines).code == "order_too_large"


def test_an_order_has_a_limit() -> None:
    prices = {1: TOTAL_CENTS_MAX}
    assert isinstance(place(Wish(7, [WantedLine(1, 1)]), prices, 17, NOW), Order)
    over = place(Wish(7, [WantedLine(1, 2)]), prices, 17, NOW)
    assert isinstance(over, Refused)
    assert over.code == "order_too_large"


# --- canceling and confirming --------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(OPEN))
def test_an_order_can_be_canceled_before_it_is_paid(status: OrderStatus) -> None:
    order = order_that_is(status)
    assert cancel(order, "canceled_by_customer") is None
    assert (order.status, order.reason) == ("canceled", "canceled_by_customer")
    assert cancel(order, "again") is None
    assert order.reason == "canceled_by_customer"


@pytest.mark.parametrize("status", PAID_OR_LATER)
def test_a_paid_order_cannot_be_canceled(status: OrderStatus) -> None:
    order = order_that_is(status)
    no = cancel(order, "canceled_by_customer")
    assert no is not None
    assert (no.category, no.code) == (Category.CONFLICT, "order_already_paid")
    assert (order.status, order.reason) == (status, None)


@pytest.mark.parametrize("deciding", [*permutations(["customer", "sells", "gives_up"])])
@pytest.mark.parametrize("status", sorted(OPEN))
def test_of_cancellation_and_confirmation_the_first_wins_and_the_others_are_told(
    status: OrderStatus, deciding: tuple[str, ...]
) -> None:
    order = order_that_is(status)
    decisions = {
        "customer": lambda: cancel(order, "canceled_by_customer") is None,
        "sells": lambda: not confirm(order, 19_99),
        "gives_up": lambda: give_up(
            order, "insufficient_stock", InventoryStatus.INSUFFICIENT, PaymentStatus.EXPIRED
        ),
    }
    is_canceled = [decisions[who]() for who in deciding]
    assert is_canceled == [deciding[0] != "sells"] * 3
    assert order.status == ("canceled" if is_canceled[0] else "paid")


def test_a_confirmed_order_is_paid_for_good() -> None:
    order = placed()
    assert confirm(order, 19_99)
    assert confirm(order, 0)
    assert (order.status, order.captured_cents, order.settled) == ("paid", 19_99, True)
    assert (order.payment_status, order.inventory_status) == ("approved", "sold")


def test_what_is_given_back_after_the_sale_is_shown_in_whatever_order_it_is_told() -> None:
    order = order_that_is(OrderStatus.SHIPPED, payment_status=PaymentStatus.APPROVED)
    for refunded_cents in (4_00, 1_00):
        give_back(order, 10_00, refunded_cents)
        assert (order.refunded_cents, order.payment_status) == (4_00, PaymentStatus.APPROVED)
    give_back(order, 10_00, 10_00)
    assert (order.refunded_cents, order.payment_status) == (10_00, PaymentStatus.REFUNDED)
    assert order.status is OrderStatus.SHIPPED


def test_a_refund_that_is_told_before_the_confirmation_is_not_forgotten() -> None:
    order = order_that_is(OrderStatus.IN_PROGRESS)
    give_back(order, 10_00, 10_00)
    assert confirm(order, 10_00)
    assert (order.status, order.payment_status) == (OrderStatus.PAID, PaymentStatus.REFUNDED)
    assert order.refunded_cents == 10_00


@pytest.mark.parametrize("status", [OrderStatus.SHIPPED, OrderStatus.COMPLETED])
def test_a_confirmation_that_comes_again_does_not_take_an_order_back(status: OrderStatus) -> None:
    order = order_that_is(status)
    assert confirm(order, 19_99)
    assert order.status is status


def test_what_is_given_up_says_why_and_how_its_parts_stand() -> None:
    order = placed()
    assert give_up(order, "no_stock", InventoryStatus.INSUFFICIENT, PaymentStatus.EXPIRED)
    assert (order.status, order.reason) == ("canceled", "no_stock")
    assert (order.inventory_status, order.payment_status) == ("insufficient", "expired")


def test_giving_up_keeps_the_customers_reason() -> None:
    order = placed()
    cancel(order, "canceled_by_customer")
    assert give_up(order, "other", InventoryStatus.RELEASED, PaymentStatus.REFUNDED)
    assert (order.reason, order.payment_status) == ("canceled_by_customer", "refunded")


# --- progress ------------------------------------------------------------------------------------


def test_held_stock_brings_an_order_under_way() -> None:
    order = placed()
    assert record(order, progress(2))
    assert (order.status, order.inventory_status, order.step) == ("in_progress", "reserved", 2)


@given(st.permutations([1, 2, 3, 4, 5]), st.lists(st.integers(1, 5), max_size=5))
def test_the_newest_progress_stays_in_whatever_order_it_comes(
    steps: list[int], repeats: list[int]
) -> None:
    order = placed()
    for step in (*steps, *repeats):
        record(order, progress(step, captured_cents=step * 100))
    assert (order.step, order.captured_cents) == (5, 500)


@pytest.mark.parametrize("status", PAID_OR_LATER)
def test_a_paid_order_hears_no_more_of_the_saga(status: OrderStatus) -> None:
    order = order_that_is(status)
    assert not record(order, progress(9, payment=PaymentStatus.DECLINED))
    assert order.payment_status == "pending"


def test_a_canceled_order_is_told_how_it_was_settled_and_stays_canceled() -> None:
    order = placed()
    cancel(order, "canceled_by_customer")
    refund = {"payment": PaymentStatus.REFUNDED, "captured_cents": 19_99, "refunded_cents": 19_99}
    assert record(order, progress(5, settled=True, **refund))
    assert (order.status, order.settled, order.refunded_cents) == ("canceled", True, 19_99)


# --- paying --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(OPEN))
def test_an_order_that_waits_can_be_paid(status: OrderStatus) -> None:
    order = order_that_is(status)
    assert submit_payment(order, CARD) is None
    assert (order.payment, order.payment_attempts) == (CARD, 1)
    assert not order.pays_at_once


def test_only_one_payment_at_a_time() -> None:
    order = placed()
    submit_payment(order, CARD)
    no = submit_payment(order, Payment("card", "tok_other"))
    assert no is not None
    assert no.code == "payment_in_progress"
    assert (order.payment, order.payment_attempts) == (CARD, 1)


def test_after_a_refusal_another_card_may_be_tried_but_not_for_ever() -> None:
    order = placed()
    for attempt in range(1, PAYMENT_ATTEMPTS_MAX + 1):
        assert submit_payment(order, CARD) is None
        assert (order.payment_attempts, order.payment_status) == (attempt, "pending")
        record(order, progress(attempt, payment=PaymentStatus.DECLINED))
    no = submit_payment(order, CARD)
    assert no is not None
    assert no.code == "too_many_payments"


@pytest.mark.parametrize("status", sorted(set(OrderStatus) - OPEN))
def test_what_is_decided_cannot_be_paid(status: OrderStatus) -> None:
    no = submit_payment(order_that_is(status), CARD)
    assert no is not None
    assert (no.category, no.code) == (Category.CONFLICT, "order_not_payable")


# --- shipping and completing ---------------------------------------------------------------------

LEGAL = {
    (OrderStatus.PAID, OrderStatus.SHIPPED),
    (OrderStatus.SHIPPED, OrderStatus.COMPLETED),
}


@pytest.mark.parametrize(("status", "to"), [*product(OrderStatus, OrderStatus)])
def test_only_the_next_step_is_legal(status: OrderStatus, to: OrderStatus) -> None:
    order = order_that_is(status, tracking="BR1")
    no = advance(order, to, None)
    if (status, to) in LEGAL or status is to:
        assert no is None
        assert order.status is to
    else:
        assert no is not None
        assert (no.category, no.code) == (Category.CONFLICT, "illegal_transition")
        assert order.status is status
    assert order.tracking == "BR1"


def test_a_shipment_can_be_followed() -> None:
    order = order_that_is(OrderStatus.PAID)
    advance(order, OrderStatus.SHIPPED, "BR123")
    advance(order, OrderStatus.COMPLETED, None)
    assert order.tracking == "BR123"


def test_lines_keep_the_price_of_their_day() -> None:
    assert placed(WantedLine(1, 2)).lines == (Line(1, 2, 19_99),)
