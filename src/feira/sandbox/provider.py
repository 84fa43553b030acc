"""The simulated provider's use cases. Each runs inside one transaction of the books.

Load, decide, save, announce. `Moment` brings the time, so nothing here reads a clock.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from feira.sandbox.books import Books
from feira.sandbox.decisions import (
    Refusal,
    answer_again,
    behaviour_of,
    decide_canceled_charge,
    decide_charge,
    decide_refund,
    decide_void,
    refund_again,
)
from feira.sandbox.messages import (
    Cancellation,
    Charge,
    ChargeRequest,
    Event,
    KeyMismatch,
    Refund,
    RefundRequest,
)


class Moment(NamedTuple):
    """Now, and from when webhooks made now are sent (milliseconds since 1970)."""

    created_at: str
    webhook_due_ms: int
    held_webhook_due_ms: int

    @classmethod
    def of(cls, now: datetime, *, webhook_delay_ms: int, held_webhook_delay_ms: int) -> "Moment":
        now_ms = int(now.timestamp() * 1000)
        return cls(
            created_at=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            webhook_due_ms=now_ms + webhook_delay_ms,
            held_webhook_due_ms=now_ms + webhook_delay_ms + held_webhook_delay_ms,
        )


def take_charges(
    books: Books, moment: Moment, requests: Sequence[ChargeRequest]
) -> list[Charge | KeyMismatch]:
    """Charge each key once, and answer each request in its place."""
    first = books.next_charge_number()
    decided = [
        decide_charge(request, charge_id=books.charge_id(number), created_at=moment.created_at)
        for number, request in enumerate(requests, first)
    ]
    if books.add_charges(first, requests, decided) == len(requests):
        answers: list[Charge | KeyMismatch] = [*decided]
    else:
        answers = answer_known_keys(books, moment, requests, decided)
    for request, charge, answer in zip(requests, decided, answers, strict=True):
        if answer is charge:
            announce_charge(books, moment, request, charge)
    return answers


def answer_known_keys(
    books: Books, moment: Moment, requests: Sequence[ChargeRequest], decided: Sequence[Charge]
) -> list[Charge | KeyMismatch]:
    """The answers when some keys were in the books before: the decided charge where it is the one
    that was added, else what the key's first charge says."""
    known = books.charges_by_key([request.idempotency_key for request in requests])
    answers: list[Charge | KeyMismatch] = []
    for request, charge in zip(requests, decided, strict=True):
        recorded = known[request.idempotency_key]
        if recorded.is_cancellation:
            voided = charge_canceled_key(books, moment, request, recorded.charge.id)
            answers.append(voided)
            known |= books.charges_by_key([request.idempotency_key])
        elif recorded.charge.id == charge.id:
            answers.append(charge)
        else:
            answers.append(answer_again(recorded, request))
    return answers


def charge_canceled_key(
    books: Books, moment: Moment, request: ChargeRequest, charge_id: str
) -> Charge:
    """The key was canceled before this charge came: it is voided at birth."""
    voided = decide_canceled_charge(request, charge_id=charge_id, created_at=moment.created_at)
    books.fill_cancellation(request, voided)
    announce_change(books, moment, voided)
    return voided


def cancel_key(books: Books, moment: Moment, key: str) -> Cancellation:
    """See to it that `key` holds no money and never will, or tell of the charge that took it."""
    if books.add_cancellation(key, moment.created_at):
        return Cancellation(idempotency_key=key, canceled=True, charge=None)
    recorded = books.charges_by_key([key])[key]
    if recorded.is_cancellation:
        return Cancellation(idempotency_key=key, canceled=True, charge=None)
    decided = change_charge(books, moment, recorded.charge, decide_void)
    charge = decided.charge if isinstance(decided, Refusal) else decided
    return Cancellation(idempotency_key=key, canceled=charge.status != "captured", charge=charge)


def change_charge(
    books: Books,
    moment: Moment,
    charge: Charge,
    decide: Callable[[Charge], Charge | Refusal],
) -> Charge | Refusal:
    """Capture or void a charge; nothing is written or announced if it changes nothing."""
    decided = decide(charge)
    if isinstance(decided, Charge) and decided is not charge:
        books.save_charges([decided])
        announce_change(books, moment, decided)
    return decided


def refund_charges(
    books: Books, moment: Moment, requests: Sequence[RefundRequest]
) -> list[Refund | KeyMismatch]:
    """Refund once a key, never more than a charge captured; answer each request in its place."""
    refunds = books.refunds_by_key([request.idempotency_key for request in requests])
    charges = books.charges_by_id([request.charge_id for request in requests])
    first = books.next_refund_number()
    made: list[Refund] = []
    answers: list[Refund | KeyMismatch] = []
    for request in requests:
        if recorded := refunds.get(request.idempotency_key):
            answers.append(refund_again(recorded, request))
            continue
        refund_id = books.refund_id(first + len(made))
        charge = charges.get(request.charge_id)
        refund = decide_refund(request, charge, refund_id=refund_id, created_at=moment.created_at)
        if charge is not None and refund.status == "succeeded":
            refunded_cents = charge.refunded_cents + refund.amount_cents
            charges[charge.id] = replace(charge, refunded_cents=refunded_cents)
        refunds[refund.idempotency_key] = refund
        made.append(refund)
        answers.append(refund)
    save_refunds(books, moment, first, made, charges)
    return answers


def save_refunds(
    books: Books,
    moment: Moment,
    first: int,
    made: Sequence[Refund],
    charges: dict[str, Charge],
) -> None:
    books.add_refunds(first, made)
    touched = {refund.charge_id for refund in made if refund.status == "succeeded"}
    books.save_charges([charges[charge_id] for charge_id in touched])
    for refund in made:
        event = Event(
            id=f"evt_{refund.id}",
            type=f"refund.{refund.status}",
            created_at=moment.created_at,
            data=refund,
        )
        books.webhooks.announce(event, due_ms=moment.webhook_due_ms)


def announce_charge(books: Books, moment: Moment, request: ChargeRequest, charge: Charge) -> None:
    """Tell of a new charge as its token says: at once, held back, several times. An authorization
    is no outcome yet: what becomes of it is."""
    if charge.status == "authorized":
        return
    behaviour = behaviour_of(request.token)
    books.webhooks.announce(
        outcome_event(charge, moment.created_at),
        due_ms=moment.held_webhook_due_ms if behaviour.webhook_held else moment.webhook_due_ms,
        copies=behaviour.webhook_copies,
    )


def announce_change(books: Books, moment: Moment, charge: Charge) -> None:
    event = outcome_event(charge, moment.created_at)
    books.webhooks.announce(event, due_ms=moment.webhook_due_ms)


def outcome_event(charge: Charge, created_at: str) -> Event:
    """What a webhook says of a charge; a charge comes to each status once, so the id is unique."""
    return Event(
        id=f"evt_{charge.id}_{charge.status}",
        type=f"charge.{charge.status}",
        created_at=created_at,
        data=charge,
    )
