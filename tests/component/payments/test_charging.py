"""Taking money: what a card does, what gets lost, what is canceled on the way."""

from feira.contracts.payments import PaymentCanceled, PaymentConfirmed, PaymentFailed
from tests.component.payments.conftest import Shop, until
from tests.eventually import eventually
from tests.unit.payments.world import AMOUNT_CENTS, cancel, request


async def test_a_good_card_pays_and_a_bad_one_does_not(shop: Shop) -> None:
    await shop.saga.say(request(1), request(2, token="tok_declined"), request(3, method="pix"))
    await until(lambda: len(shop.saga.heard) == 3)
    good, bad, odd = [(await shop.payment(order_id)) for order_id in (1, 2, 3)]
    assert shop.saga.about(1) == [
        PaymentConfirmed(order_id=1, payment_id=good["id"], attempt=1, amount_cents=AMOUNT_CENTS)
    ]
    assert shop.saga.about(2) == [
        PaymentFailed(order_id=2, payment_id=bad["id"], attempt=1, reason="card_declined")
    ]
    assert shop.saga.about(3) == [
        PaymentFailed(order_id=3, payment_id=odd["id"], attempt=1, reason="unsupported_method")
    ]
    assert (good["status"], good["amount"], good["captured"]) == ("captured", 10.0, 10.0)
    assert (bad["status"], bad["captured"], bad["reason"]) == ("failed", 0.0, "card_declined")
    await shop.check_books()


async def test_many_cards_at_once_are_charged_once_each(shop: Shop) -> None:
    orders = range(1, 301)
    await shop.saga.say(*(request(order_id) for order_id in orders))
    await shop.saga.say(*(request(order_id) for order_id in orders))
    await until(lambda: {m.key for m in shop.saga.heard} == {str(n) for n in orders})
    summary = await shop.sandbox.get("/ledger/summary")
    assert (summary["charges"], summary["captures"]) == (300, 300)
    await shop.check_books()


async def test_a_timeout_is_resolved_by_asking_and_never_by_charging_again(shop: Shop) -> None:
    await shop.saga.say(request(1, token="tok_timeout"), request(2))
    await shop.is_in(2, "captured")
    assert (await shop.payment(1))["status"] == "requested"  # its neighbour did not wait for it
    await shop.is_in(1, "captured")
    summary = await shop.sandbox.get("/ledger/summary")
    assert (summary["charges"], summary["captures"]) == (2, 2)
    await shop.check_books()


async def test_a_slow_card_ends_well(shop: Shop) -> None:
    await shop.saga.say(request(1, token="tok_slow"))
    await shop.is_in(1, "captured")


async def test_a_cancellation_that_comes_first_lets_nothing_be_charged(shop: Shop) -> None:
    await shop.saga.say(cancel(1), request(1))
    await shop.saga.hears(PaymentCanceled(order_id=1, captured_cents=0, refunded_cents=0))
    assert (await shop.sandbox.get("/ledger/summary"))["charges"] == 0


async def test_a_cancellation_beats_a_slow_card(shop: Shop) -> None:
    await shop.saga.say(request(1, token="tok_slow"))
    await shop.is_in(1, "requested")
    await shop.saga.say(cancel(1))
    await shop.saga.hears(PaymentCanceled(order_id=1, captured_cents=0, refunded_cents=0))
    await until(lambda: len(shop.saga.about(1)) == 1)
    await shop.check_books()


async def test_a_cancellation_that_loses_the_race_gives_back_what_was_taken(shop: Shop) -> None:
    await shop.saga.say(request(1, token="tok_timeout"))

    async def is_charged() -> bool:
        return bool(await shop.sandbox.get("/ledger"))

    await eventually(is_charged)
    await shop.saga.say(cancel(1))
    given_back = PaymentCanceled(
        order_id=1, captured_cents=AMOUNT_CENTS, refunded_cents=AMOUNT_CENTS
    )
    await shop.saga.hears(given_back)
    assert shop.saga.about(1)[-1] == given_back
    await shop.check_books()


async def test_a_cancellation_in_the_same_breath_keeps_nothing(shop: Shop) -> None:
    orders = range(1, 51)
    await shop.saga.say(*(m for n in orders for m in (request(n), cancel(n))))
    await until(lambda: {m.key for m in shop.saga.heard} == {str(n) for n in orders})
    assert {type(message) for message in shop.saga.heard} == {PaymentCanceled}
    await shop.check_books()


async def test_what_was_captured_is_given_back_when_the_order_is_canceled(shop: Shop) -> None:
    await shop.saga.say(request(1))
    await shop.is_in(1, "captured")
    await shop.saga.say(cancel(1))
    given_back = PaymentCanceled(
        order_id=1, captured_cents=AMOUNT_CENTS, refunded_cents=AMOUNT_CENTS
    )
    await shop.saga.hears(given_back)
    await shop.saga.say(cancel(1), request(1), request(1, attempt=2))
    await until(lambda: shop.saga.about(1)[1:] == [given_back] * 4)
    await shop.check_books()


async def test_what_is_said_after_the_providers_answer_is_part_of_the_orders_story(
    shop: Shop,
) -> None:
    await shop.saga.say(request(1), request(2, token="tok_declined"))
    await until(lambda: len(shop.saga.heard) == 2)
    assert shop.saga.stories == ["a-story", "a-story"]
