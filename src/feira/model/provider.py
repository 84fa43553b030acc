"""A payment provider as Feira may expect one: every key has one outcome, for good."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from feira.model.deciding import Step
from feira.model.scope import PRICE_CENTS, Scope
from feira.services.payments.domain.charge import ChargeReport, Verdict
from feira.services.payments.domain.refund import RefundReport


class Charge(NamedTuple):
    order_id: int
    attempt: int


class Void(NamedTuple):
    order_id: int
    attempt: int


class Query(NamedTuple):
    order_id: int
    attempt: int


class GiveBack(NamedTuple):
    """A refund's try: `key` is the try's, `amount_cents` what it gives back."""

    order_id: int
    attempt: int
    key: str
    amount_cents: int


Call = Charge | Void | Query | GiveBack
CALLS = (Charge, Void, Query, GiveBack)


@dataclass
class ProviderBooks:
    """The provider's side of one order."""

    verdicts: dict[int, Verdict] = field(default_factory=dict)
    """By attempt: captured, declined or voided."""
    refunds: dict[str, int] = field(default_factory=dict)
    """Centavos given back, by the key of the try; 0 where it was refused."""

    @property
    def captured_cents(self) -> int:
        return PRICE_CENTS * sum(v is Verdict.CAPTURED for v in self.verdicts.values())

    @property
    def refunded_cents(self) -> int:
        return sum(self.refunds.values())

    @property
    def kept_cents(self) -> int:
        return self.captured_cents - self.refunded_cents


def answers(books: ProviderBooks, call: Call, scope: Scope) -> Iterator[Step]:
    """All that the provider may do when it gets this call."""
    match call:
        case GiveBack():
            yield from _refunds(books, call, scope)
        case Query() if call.attempt not in books.verdicts:
            yield Step(books, (Charge(call.order_id, call.attempt),))  # as the provider desk does
        case _:
            for verdict in _verdicts(books, call, scope):
                verdicts = {**books.verdicts, call.attempt: verdict}
                yield Step(replace(books, verdicts=verdicts), (_report(call, verdict),))


def _verdicts(books: ProviderBooks, call: Call, scope: Scope) -> tuple[Verdict, ...]:
    if call.attempt in books.verdicts:
        return (books.verdicts[call.attempt],)
    if isinstance(call, Void):
        return (Verdict.VOIDED,)
    return (Verdict.CAPTURED, Verdict.DECLINED) if scope.declines else (Verdict.CAPTURED,)


def _report(call: Call, verdict: Verdict) -> ChargeReport:
    captured_cents = PRICE_CENTS if verdict is Verdict.CAPTURED else 0
    charge_id = f"ch-{call.attempt}"
    return ChargeReport(call.order_id, call.attempt, verdict, charge_id, captured_cents)


def _refunds(books: ProviderBooks, call: GiveBack, scope: Scope) -> Iterator[Step]:
    if call.key in books.refunds:
        yield Step(books, (RefundReport(call.key, bool(books.refunds[call.key])),))
        return
    refused = sum(not cents for cents in books.refunds.values())
    for succeeds in (True, False) if refused < scope.refunds_refused_max else (True,):
        refunds = {**books.refunds, call.key: call.amount_cents if succeeds else 0}
        yield Step(replace(books, refunds=refunds), (RefundReport(call.key, succeeds),))
