"""A provider within this process, behind the same port, with books of its own.

It charges a key once. It can be told to be away, and to lose questions or answers.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from feira.services.payments.application.ports import Answers, WebhookEvents
from feira.services.payments.domain.charge import ChargeReport, Verdict
from feira.services.payments.domain.payment import Payment
from feira.services.payments.domain.refund import Refund, RefundReport

DECLINES = {"tok_declined": "card_declined"}
SILENT = {"tok_timeout"}
AUTHORIZING = {"tok_authorize"}
GREEDY = {"tok_greedy"}
"""It takes a centavo more than it was asked for."""


@dataclass(slots=True)
class FakeProvider:
    chance: Random = field(default_factory=lambda: Random(1))
    loses: float = 0.0
    """How likely a question does not arrive, or its answer does not."""
    is_away: bool = False
    refuses_refunds: int = 0
    charges: dict[str, ChargeReport] = field(default_factory=dict)
    refunds: dict[str, tuple[str, int]] = field(default_factory=dict)
    """(charge, cents) of those that went through, by the key of their try."""
    dead_keys: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)

    async def create_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        self.calls["create"] += 1
        for payment in payments:
            if self._is_lost():
                continue
            report = self.charges.setdefault(payment.key, self._decide(payment))
            if payment.token not in SILENT and not self._is_lost():
                yield [report]

    async def capture_many(self, authorized: Sequence[ChargeReport]) -> Answers[ChargeReport]:
        self.calls["capture"] += 1
        for report in authorized:
            key = f"feira-{report.order_id}-{report.attempt}"
            if self._is_lost():
                continue
            if self.charges[key].verdict is Verdict.AUTHORIZED:
                self.charges[key] = report._replace(verdict=Verdict.CAPTURED)
            yield [self.charges[key]]

    async def void_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        self.calls["void"] += 1
        for payment in payments:
            if self._is_lost():
                continue
            charge = self.charges.get(payment.key)
            if charge is None or charge.verdict is Verdict.AUTHORIZED:
                self.dead_keys.add(payment.key)
                charge = self.charges[payment.key] = self._void(payment)
            if not self._is_lost():
                yield [charge]

    async def query_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        self.calls["query"] += 1
        if self._is_lost():
            return
        unknown = ChargeReport(0, 0, Verdict.UNKNOWN)
        yield [
            self.charges.get(p.key, unknown._replace(order_id=p.order_id, attempt=p.attempt))
            for p in payments
        ]

    async def refund_many(self, refunds: Sequence[Refund]) -> Answers[RefundReport]:
        self.calls["refund"] += 1
        for refund in refunds:
            if self._is_lost():
                continue
            if self.refuses_refunds:
                self.refuses_refunds -= 1
                yield [RefundReport(refund.try_key, succeeded=False, reason="no_funds")]
                continue
            self.refunds[refund.try_key] = (refund.charge_id, refund.amount_cents)
            if not self._is_lost():
                yield [RefundReport(refund.try_key, succeeded=True)]

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvents:
        raise AssertionError("nobody sends it webhooks")

    def webhook(self) -> WebhookEvents:
        """All that it has to tell."""
        told = [c for c in self.charges.values() if c.verdict is not Verdict.AUTHORIZED]
        return WebhookEvents(told, [RefundReport(key, succeeded=True) for key in self.refunds])

    def kept_cents(self, order_id: int) -> int:
        taken = {c.charge_id: c for c in self.charges.values() if c.order_id == order_id}
        back = sum(cents for charge_id, cents in self.refunds.values() if charge_id in taken)
        return sum(charge.captured_cents for charge in taken.values()) - back

    def captures(self, order_id: int) -> int:
        return sum(c.captured_cents > 0 for c in self.charges.values() if c.order_id == order_id)

    def _decide(self, payment: Payment) -> ChargeReport:
        token = payment.token or ""
        report = ChargeReport(
            payment.order_id,
            payment.attempt,
            Verdict.CAPTURED,
            f"ch_{payment.key}",
            payment.amount_cents + (token in GREEDY),
        )
        if token in DECLINES:
            reason = DECLINES[token]
            return report._replace(verdict=Verdict.DECLINED, captured_cents=0, reason=reason)
        return report._replace(verdict=Verdict.AUTHORIZED) if token in AUTHORIZING else report

    def _void(self, payment: Payment) -> ChargeReport:
        return ChargeReport(payment.order_id, payment.attempt, Verdict.VOIDED)

    def _is_lost(self) -> bool:
        return self.is_away or (self.loses > 0 and self.chance.random() < self.loses)
