"""From a request to what the provider says, with all that can get lost in between."""

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.contracts.message import Message
from feira.contracts.payments import PaymentCanceled, PaymentConfirmed, PaymentFailed
from feira.services.payments.domain.payment import UNRESOLVED, State
from tests.unit.payments.fake_provider import FakeProvider
from tests.unit.payments.stepping_desk import SteppingDesk
from tests.unit.payments.world import (
    AMOUNT_CENTS,
    Told,
    World,
    cancel,
    check_books,
    in_memory,
    request,
)

TOKENS = ("tok_visa", "tok_declined", "tok_timeout", "tok_authorize", "tok_greedy")


class Story:
    """One world, its provider, and the desk between them."""

    def __init__(self, provider: FakeProvider | None = None) -> None:
        self.world: World = in_memory()
        self.provider = provider or FakeProvider()
        self.desk = SteppingDesk(self.world, self.provider)
        self.told: list[Message] = []
        self._do, self.world.do = self.world.do, self._listen  # type: ignore[method-assign]

    async def _listen(self, *commands: object) -> Told:
        told = await self._do(*commands)
        self.told += told.messages
        return told

    def about(self, order_id: int) -> list[Message]:
        return [message for message in self.told if message.key == str(order_id)]


async def test_a_good_card_is_charged_once_and_confirmed() -> None:
    story = Story()
    await story.world.do(request(1), request(2, token="tok_declined"))
    await story.desk.work()
    assert story.about(1) == [
        PaymentConfirmed(order_id=1, payment_id=1, attempt=1, amount_cents=AMOUNT_CENTS)
    ]
    assert story.about(2) == [
        PaymentFailed(order_id=2, payment_id=2, attempt=1, reason="card_declined")
    ]
    assert story.provider.calls == {"create": 1}


async def test_a_charge_without_an_answer_is_asked_for_and_not_made_again() -> None:
    story = Story()
    await story.world.do(request(1, token="tok_timeout"))
    await story.desk.work()
    assert await story.world.state(1) is State.CAPTURED
    assert story.provider.calls == {"create": 1, "query": 1}


async def test_a_crash_between_intent_and_call_is_found_by_the_reconciler() -> None:
    story = Story()
    await story.world.do(request(1))
    story.world.take_calls()  # the process ends here
    await story.desk.work()
    assert story.provider.charges == {}
    await story.desk.reconcile()
    assert await story.world.state(1) is State.CAPTURED
    assert story.provider.calls == {"query": 1, "create": 1}


async def test_a_provider_that_is_away_is_waited_for_and_then_charged_under_the_same_key() -> None:
    story = Story(FakeProvider(is_away=True))
    await story.world.do(request(1))
    for _ in range(3):
        await story.desk.work()
        await story.desk.reconcile()
    assert await story.world.state(1) is State.REQUESTED
    story.provider.is_away = False
    await story.desk.reconcile()
    assert await story.world.state(1) is State.CAPTURED
    assert list(story.provider.charges) == ["feira-1-1"]


async def test_an_authorized_charge_is_captured() -> None:
    story = Story()
    await story.world.do(request(1, token="tok_authorize"))
    await story.desk.work()
    assert await story.world.state(1) is State.CAPTURED
    assert story.provider.kept_cents(1) == AMOUNT_CENTS


async def test_another_amount_is_given_back_before_it_is_told_as_failed() -> None:
    story = Story()
    await story.world.do(request(1, token="tok_greedy"))
    await story.desk.work()
    assert story.about(1) == [
        PaymentFailed(order_id=1, payment_id=1, attempt=1, reason="amount_mismatch")
    ]
    assert (story.provider.captures(1), story.provider.kept_cents(1)) == (1, 0)


@pytest.mark.parametrize("charged_first", [True, False])
async def test_a_cancellation_and_a_charge_race_and_nothing_is_kept(charged_first: bool) -> None:
    story = Story()
    await story.world.do(request(1, token="tok_timeout"))
    charge = story.world.take_calls()
    await story.world.do(cancel(1))
    assert story.about(1) == []
    if charged_first:
        story.desk.take(charge)
        [payment] = charge.charges
        async for _ in story.provider.create_many([payment]):
            raise AssertionError("it does not answer")
    await story.desk.work()
    cents = AMOUNT_CENTS if charged_first else 0
    canceled = PaymentCanceled(order_id=1, captured_cents=cents, refunded_cents=cents)
    assert story.about(1) == [canceled]
    assert story.provider.kept_cents(1) == 0
    if not charged_first:
        assert [r async for r in story.provider.create_many(charge.charges)] == []
        assert story.provider.kept_cents(1) == 0


async def test_a_cancellation_that_comes_first_lets_no_payment_begin() -> None:
    story = Story()
    await story.world.do(cancel(1))
    await story.world.do(request(1))
    await story.desk.work()
    nothing = PaymentCanceled(order_id=1, captured_cents=0, refunded_cents=0)
    assert story.about(1) == [nothing, nothing]
    assert story.provider.calls == {}


async def test_a_capture_that_comes_after_the_cancellation_is_given_back_once() -> None:
    story = Story()
    await story.world.do(request(1), cancel(1))
    await story.desk.work()
    assert await story.world.state(1) is State.CANCELED
    assert story.provider.calls == {"void": 1}  # what is canceled already is not charged
    story.provider.charges["feira-1-1"] = story.provider._decide(await story.world.payment(1))
    for _ in range(50):
        await story.world.do(story.provider.webhook())
    await story.desk.work()
    assert story.about(1)[-1] == PaymentCanceled(
        order_id=1, captured_cents=AMOUNT_CENTS, refunded_cents=AMOUNT_CENTS
    )
    assert len(story.about(1)) == 2
    assert list(story.provider.refunds) == ["feira-refund-1"]


async def test_a_refund_is_tried_until_it_goes_through() -> None:
    story = Story()
    await story.world.do(request(1))
    await story.desk.work()
    story.provider.refuses_refunds = 3
    await story.world.do(cancel(1))
    await story.desk.work()
    for _ in range(3):
        assert await story.world.state(1) is State.REFUNDING
        backlog = await story.world.queries.unsettled_refunds(story.world.clock.now())
        assert backlog.failing == 1
        await story.desk.reconcile()
    assert await story.world.state(1) is State.REFUNDED
    assert list(story.provider.refunds) == ["feira-refund-1~3"]


async def test_a_further_attempt_after_a_capture_is_answered_with_the_capture() -> None:
    story = Story()
    await story.world.do(request(1))
    await story.desk.work()
    await story.world.do(request(1, attempt=2))
    await story.desk.work()
    assert {type(message) for message in story.about(1)} == {PaymentConfirmed}
    assert story.provider.captures(1) == 1


async def test_a_further_attempt_waits_for_an_open_one() -> None:
    story = Story(FakeProvider(is_away=True))
    await story.world.do(request(1), request(1, attempt=2))
    await story.desk.work()
    story.provider.is_away = False
    await story.desk.reconcile()
    await story.world.do(request(1, attempt=2))
    await story.desk.work()
    assert story.provider.captures(1) == 1


@given(seed=st.integers(0, 2**32))
async def test_whatever_gets_lost_the_books_agree_in_the_end(seed: int) -> None:
    chance = Random(seed)
    story = Story(FakeProvider(chance, loses=0.3))
    orders, canceled = range(1, 7), set[int]()
    for _ in range(25):
        await happen(story, chance, orders, canceled)
        check_books(await story.world.books())
    story.provider.loses, story.provider.refuses_refunds = 0.0, 0
    for _ in range(8):
        await story.desk.reconcile()
    books = await story.world.books()
    check_books(books)
    assert not [p for p in books.payments.values() if p.state in UNRESOLVED | {State.REFUNDING}]
    for order_id in orders:
        of_order = [p for p in books.payments.values() if p.order_id == order_id]
        kept_cents = sum(payment.kept_cents for payment in of_order)
        assert kept_cents == story.provider.kept_cents(order_id)
        assert kept_cents in ({0} if order_id in canceled else {0, AMOUNT_CENTS})
        if of_order or order_id in canceled:
            assert last_word(story.about(order_id)) == (kept_cents, order_id in canceled)


async def happen(story: Story, chance: Random, orders: Iterable[int], canceled: set[int]) -> None:
    """Anything: requests, cancellations, calls, crashes, webhooks, repeats."""
    order_id = chance.choice([*orders])
    match chance.randrange(8):
        case 0 | 1 | 2:
            token = chance.choice(TOKENS)
            await story.world.do(request(order_id, chance.choice([1, 1, 2]), token=token))
        case 3:
            canceled.add(order_id)
            await story.world.do(cancel(order_id))
        case 4:
            story.world.take_calls()  # a crash
        case 5:
            await story.world.do(story.provider.webhook())
        case 6:
            await story.desk.reconcile()
        case _:
            await story.desk.work()


def last_word(told: list[Message]) -> tuple[int, bool]:
    """(cents kept, canceled) as the saga last heard it."""
    match told[-1] if told else None:
        case PaymentConfirmed() as confirmed:
            return confirmed.amount_cents, False
        case PaymentFailed():
            return 0, False
        case PaymentCanceled() as gone:
            assert gone.captured_cents == gone.refunded_cents
            return 0, True
        case other:
            raise AssertionError(f"the saga was told {other}")
