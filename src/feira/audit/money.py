"""Money: in = captured - refunded, at the provider, in payments and in its ledger alike."""

from collections.abc import Iterator
from typing import Final

from feira.audit.case import Case
from feira.audit.finding import ALWAYS, RESTING, SEEN_AT_ONCE, Finding, Rule, of_order

PROVIDER: Final = "the provider's books"
PAYMENTS: Final = "payments' rows"


def never_more_back_than_taken(case: Case) -> Iterator[Finding]:
    for order_id, money in case.evidence.books.items():
        if not 0 <= money.refunded_cents <= money.captured_cents:
            yield of_order(order_id, "0 <= given back <= taken", str(money), PROVIDER)


def taken_once(case: Case) -> Iterator[Finding]:
    for order_id, money in case.evidence.books.items():
        order = case.orders.get(order_id)
        taken = case.meant_of(order_id).captured_cents
        if order is not None and taken not in (0, order.total_cents):
            yield of_order(
                order_id, f"nothing taken, or {order.total_cents} once", str(money), PROVIDER
            )


def payments_believes_no_more_than_happened(case: Case) -> Iterator[Finding]:
    for order_id in case.payments:
        believed, books = case.believed(order_id), case.books_of(order_id)
        if (
            believed.captured_cents > books.captured_cents
            or believed.refunded_cents > books.refunded_cents
        ):
            yield of_order(order_id, f"at most {books}, as {PROVIDER} say", str(believed), PAYMENTS)


def payments_knows_all(case: Case) -> Iterator[Finding]:
    for order_id in case.payments.keys() | case.evidence.books.keys():
        believed, books = case.believed(order_id), case.books_of(order_id)
        if believed != books:
            yield of_order(order_id, f"{books}, as {PROVIDER} say", str(believed), PAYMENTS)


def the_ledger_says_what_payments_say(case: Case) -> Iterator[Finding]:
    for order_id in case.payments.keys() | case.ledger.keys():
        believed, booked = case.believed(order_id), case.booked(order_id)
        if believed != booked:
            yield of_order(
                order_id, f"{believed}, as {PAYMENTS} say", str(booked), "payments' ledger"
            )


def refunds_add_up(case: Case) -> Iterator[Finding]:
    for order_id in case.payments.keys() | case.refunds.keys():
        refunds = case.refunds.get(order_id, [])
        asked = sum(row.amount_cents for row in refunds if row.state != "succeeded")
        done = sum(row.amount_cents for row in refunds if row.state == "succeeded")
        asked_of = sum(row.refunding_cents for row in case.payments.get(order_id, []))
        done_of = case.believed(order_id).refunded_cents
        if (asked, done) != (asked_of, done_of):
            yield of_order(
                order_id,
                f"refunds of {done_of} done and {asked_of} under way, as {PAYMENTS} say",
                f"{done} done and {asked} under way",
                "payments' refunds",
            )


def no_refund_is_left_undone(case: Case) -> Iterator[Finding]:
    for order_id, refunds in case.refunds.items():
        open_cents = sum(row.amount_cents for row in refunds if row.state != "succeeded")
        if open_cents:
            yield of_order(
                order_id, "every refund done", f"{open_cents} still under way", "payments' refunds"
            )


def mistakes_are_given_back(case: Case) -> Iterator[Finding]:
    for order_id, mistake in case.evidence.mistakes.items():
        if mistake.kept_cents:
            yield of_order(order_id, "a wrong amount given back wholly", str(mistake), PROVIDER)


RULES: Final = (
    Rule("never more is given back than was taken", ALWAYS, never_more_back_than_taken),
    Rule("an order's money is taken once", ALWAYS, taken_once),
    Rule(
        "payments believes only what happened",
        SEEN_AT_ONCE,
        payments_believes_no_more_than_happened,
    ),
    Rule("payments knows all that happened", RESTING, payments_knows_all),
    Rule("the double entry says what payments say", ALWAYS, the_ledger_says_what_payments_say),
    Rule("refunds add up", ALWAYS, refunds_add_up),
    Rule("a wrong amount is given back", RESTING, mistakes_are_given_back),
    Rule("refunds end", RESTING, no_refund_is_left_undone),
)
