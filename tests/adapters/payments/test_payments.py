"""The same stories on every database that payments can stand on."""

from random import Random

import pytest

from feira.contracts.payments import PaymentCanceled, PaymentConfirmed, PaymentFailed
from feira.kernel.errors import Refused
from feira.services.payments.application.check_payments import CheckPayments
from feira.services.payments.application.ports import WebhookEvents
from feira.services.payments.application.request_refund import NOT_FOUND, RequestRefund
from feira.services.payments.application.retry_refunds import RetryRefunds
from feira.services.payments.domain.order_payments import Finding
from feira.services.payments.domain.payment import CHECK_SECONDS_MIN, State
from feira.services.payments.domain.refund import Refund, RefundState
from tests.unit.payments.world import (
    AMOUNT_CENTS,
    START,
    World,
    cancel,
    captured,
    check_books,
    declined,
    given_back,
    in_memory,
    messages_by_order,
    not_given_back,
    random_commands,
    random_split,
    request,
    voided,
)


async def test_intent_is_saved_before_anything_is_called(world: World) -> None:
    told = await world.do(request(1), request(2, token="tok_declined"), request(1))
    assert told.messages == []
    assert [(c.key, c.token) for c in world.calls.charges] == [
        ("feira-1-1", "tok_visa"),
        ("feira-2-1", "tok_declined"),
    ]
    payment = await world.payment(1)
    assert (payment.state, payment.amount_cents, payment.requested_at) == (
        State.REQUESTED,
        AMOUNT_CENTS,
        START,
    )


async def test_what_the_provider_says_is_recorded_told_and_booked(world: World) -> None:
    await world.do(request(1), request(2))
    told = await world.do(captured(1), declined(2), captured(3))
    assert told.outcomes == [Finding.RECORDED, Finding.RECORDED, Finding.UNKNOWN_PAYMENT]
    assert told.messages == [
        PaymentConfirmed(order_id=1, payment_id=1, attempt=1, amount_cents=AMOUNT_CENTS),
        PaymentFailed(order_id=2, payment_id=2, attempt=1, reason="card_declined"),
    ]
    assert (await world.do(request(1), request(2))).messages == told.messages
    check_books(await world.books())


async def test_all_within_one_batch(world: World) -> None:
    told = await world.do(
        request(1), captured(1), RequestRefund(1, 4_00), cancel(1), given_back(1), cancel(2)
    )
    assert told.messages == [
        PaymentConfirmed(order_id=1, payment_id=1, attempt=1, amount_cents=AMOUNT_CENTS),
        PaymentCanceled(order_id=2, captured_cents=0, refunded_cents=0),
    ]
    books = await world.books()
    check_books(books)
    assert [r.amount_cents for r in books.refunds.values()] == [4_00, AMOUNT_CENTS - 4_00]
    assert books.canceled.keys() == {1, 2}


async def test_a_cancellation_that_comes_first_is_remembered(world: World) -> None:
    await world.do(cancel(1))
    told = await world.do(request(1), cancel(1))
    nothing = PaymentCanceled(order_id=1, captured_cents=0, refunded_cents=0)
    assert told.messages == [nothing, nothing]
    assert not world.calls.charges


async def test_a_cancellation_of_an_open_payment_asks_the_provider_first(world: World) -> None:
    await world.do(request(1))
    told = await world.do(cancel(1))
    assert told.messages == []
    assert [payment.key for payment in world.calls.cancellations] == ["feira-1-1"]
    told = await world.do(voided(1))
    assert told.messages == [PaymentCanceled(order_id=1, captured_cents=0, refunded_cents=0)]


async def test_webhooks_that_say_nothing_new_change_nothing(world: World) -> None:
    await world.do(request(1), request(2), request(3))
    await world.do(captured(1), declined(2))
    webhook = WebhookEvents([captured(1), declined(2), captured(3), captured(9)], [given_back(1)])
    told = await world.do(webhook)
    assert told.messages == [
        PaymentConfirmed(order_id=3, payment_id=3, attempt=1, amount_cents=AMOUNT_CENTS)
    ]
    assert told.outcomes == [
        [
            (captured(3), Finding.RECORDED),
            (captured(9), Finding.UNKNOWN_PAYMENT),
            (given_back(1), Finding.UNKNOWN_PAYMENT),
        ]
    ]
    before = await world.books()
    told = await world.do(*[webhook] * 50)
    assert told.messages == []
    assert await world.books() == before


async def test_a_refund_is_asked_for_until_it_is_done(world: World) -> None:
    await world.do(request(1))
    await world.do(captured(1))
    await world.do(cancel(1))
    [refund] = world.take_calls().refunds
    assert (refund.try_key, refund.charge_id) == ("feira-refund-1", "ch_1_1")
    await world.do(not_given_back("feira-refund-1"))
    backlog = await world.queries.unsettled_refunds(world.clock.now())
    assert backlog == (1, 0, 1, START)
    world.pass_time(CHECK_SECONDS_MIN)
    backlog = await world.queries.unsettled_refunds(world.clock.now())
    assert backlog == (1, 1, 1, START)
    assert (await world.do(RetryRefunds(), RetryRefunds())).outcomes == [1, 0]
    [refund] = world.calls.refunds
    assert refund.try_key == "feira-refund-1~1"
    told = await world.do(given_back(1))
    assert told.messages == [
        PaymentCanceled(order_id=1, captured_cents=AMOUNT_CENTS, refunded_cents=AMOUNT_CENTS)
    ]
    assert (await world.queries.unsettled_refunds(world.clock.now())).waiting == 0
    check_books(await world.books())


async def test_payments_without_an_answer_are_checked_ever_more_seldom(world: World) -> None:
    await world.do(request(1), request(2), request(3))
    await world.do(captured(2), cancel(3))
    world.take_calls()
    assert await world.queries.unresolved_payments(world.clock.now()) == (2, 0, 0, START)
    assert (await world.do(CheckPayments())).outcomes == [0]
    waits = []
    for _ in range(7):
        due_at = (await world.payment(1)).next_check_at
        assert due_at is not None
        waits.append((due_at - world.clock.now()).total_seconds())
        world.clock.advance(due_at - world.clock.now())
        assert (await world.do(CheckPayments(), CheckPayments())).outcomes == [2, 0]
        calls = world.take_calls()
        assert [payment.order_id for payment in calls.questions] == [1]
        assert [payment.order_id for payment in calls.cancellations] == [3]
    assert waits == [10, 10, 20, 40, 80, 160, 300]


async def test_checks_are_bounded_and_the_longest_due_come_first(world: World) -> None:
    for order_id in (5, 3, 1):
        await world.do(request(order_id))
        world.pass_time(1)
    world.pass_time(CHECK_SECONDS_MIN)
    await world.do(CheckPayments(orders_max=2))
    assert [payment.order_id for payment in world.calls.questions] == [5, 3]


async def test_an_administrator_gives_back_no_more_than_is_kept(world: World) -> None:
    await world.do(request(1))
    await world.do(captured(1))
    told = await world.do(
        RequestRefund(1, 4_00), RequestRefund(1, 6_01), RequestRefund(1), RequestRefund(77)
    )
    first, too_much, rest, nobody = told.outcomes
    assert isinstance(first, Refund)
    assert isinstance(rest, Refund)
    assert isinstance(too_much, Refused)
    assert too_much.code == "refund_exceeds_captured"
    assert nobody == NOT_FOUND
    assert (first.amount_cents, rest.amount_cents) == (4_00, 6_00)
    assert first.state is RefundState.REQUESTED
    check_books(await world.books())


async def test_the_payments_of_an_order_are_listed_by_attempt(world: World) -> None:
    await world.do(request(1, method="pix"), request(1, attempt=2), request(2))
    listed = await world.queries.of_order(1)
    assert [(payment.attempt, payment.state) for payment in listed] == [
        (1, State.FAILED),
        (2, State.REQUESTED),
    ]
    assert await world.queries.of_order(99) == []


@pytest.mark.parametrize("seed", range(12))
async def test_any_story_ends_as_it_does_in_memory(seed: int, postgres_world: World) -> None:
    commands = random_commands(Random(seed), 60)
    in_store, in_dictionaries = postgres_world, in_memory()
    told = await in_store.do_in_batches(random_split(Random(seed + 1), commands))
    expected = await in_dictionaries.do(*commands)
    assert await in_store.books() == await in_dictionaries.books()
    assert messages_by_order(told) == messages_by_order(expected)
    check_books(await in_store.books())
