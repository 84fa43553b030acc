"""The payment provider itself: its books, which are the truth about money, and what it tells.

It charges a key once, whatever is asked again; a key that was voided never holds money.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from feira.services.payments.domain.charge import ChargeReport, Verdict
from feira.services.payments.domain.payment import Payment
from feira.services.payments.domain.refund import Refund, RefundReport

DECLINED: Final = "tok_declined"
AUTHORIZED: Final = "tok_authorize"
GOOD: Final = "tok_visa"

Told = ChargeReport | RefundReport


class Bank:
    def __init__(self, tell: Callable[[Told], None]) -> None:
        """`tell` is how it speaks by itself: by webhooks."""
        self._tell = tell
        self._charges: dict[str, ChargeReport] = {}
        self._authorized: dict[str, ChargeReport] = {}
        """What a capture of them will say."""
        self._wrong: dict[str, None] = {}
        """Keys of charges of another amount than was asked for."""
        self._refunds: dict[str, RefundReport] = {}
        self._back: Counter[str] = Counter()

    def charge(self, payment: Payment, wrong_by_cents: int = 0) -> ChargeReport:
        """Take the money, or say why not; a key that is known gets what was said of it."""
        known = self._charges.get(payment.key)
        if known is not None:
            return known
        report = ChargeReport(
            *(payment.order_id, payment.attempt, Verdict.CAPTURED, f"ch_{payment.key}"),
            captured_cents=max(1, payment.amount_cents + wrong_by_cents),
        )
        if report.captured_cents != payment.amount_cents:
            self._wrong[payment.key] = None
        if payment.token == DECLINED:
            report = report._replace(
                verdict=Verdict.DECLINED, captured_cents=0, reason="card_declined"
            )
        elif payment.token == AUTHORIZED:
            self._authorized[payment.key] = report
            report = report._replace(verdict=Verdict.AUTHORIZED, captured_cents=0)
        return self._keep(payment.key, report)

    def capture(self, key: str) -> ChargeReport:
        report = self._charges[key]
        if report.verdict is not Verdict.AUTHORIZED:
            return report
        return self._keep(key, self._authorized[key])

    def void(self, payment: Payment) -> ChargeReport:
        known = self._charges.get(payment.key)
        if known is not None and known.verdict is not Verdict.AUTHORIZED:
            return known
        report = ChargeReport(payment.order_id, payment.attempt, Verdict.VOIDED)
        return self._keep(payment.key, report)

    def query(self, payment: Payment) -> ChargeReport:
        unknown = ChargeReport(payment.order_id, payment.attempt, Verdict.UNKNOWN)
        return self._charges.get(payment.key, unknown)

    def refund(self, refund: Refund, *, refuse: bool) -> RefundReport:
        """A try that was refused stays refused: the next one has a key of its own."""
        known = self._refunds.get(refund.try_key)
        if known is not None:
            return known
        kept = self._captured(refund.charge_id) - self._back[refund.charge_id]
        refuse = refuse or refund.amount_cents > kept
        report = RefundReport(refund.try_key, not refuse, "no_funds" if refuse else None)
        self._refunds[refund.try_key] = report
        if report.succeeded:
            self._back[refund.charge_id] += refund.amount_cents
        self._tell(report)
        return report

    def books(self) -> Mapping[int, tuple[int, int]]:
        """(captured, refunded) in cents, by order."""
        return self._by_order(self._charges.values())

    def mistakes(self) -> Mapping[int, tuple[int, int]]:
        """The same of charges of another amount than was asked for."""
        return self._by_order(self._charges[key] for key in self._wrong)

    def _captured(self, charge_id: str) -> int:
        report = self._charges.get(charge_id.removeprefix("ch_"))
        return report.captured_cents if report else 0

    def _by_order(self, charges: Iterable[ChargeReport]) -> Mapping[int, tuple[int, int]]:
        found: dict[int, tuple[int, int]] = {}
        for report in charges:
            if report.captured_cents:
                taken, back = found.get(report.order_id, (0, 0))
                back += self._back[report.charge_id or ""]
                found[report.order_id] = (taken + report.captured_cents, back)
        return found

    def _keep(self, key: str, report: ChargeReport) -> ChargeReport:
        self._charges[key] = report
        if report.verdict is not Verdict.AUTHORIZED:
            self._tell(report)
        return report
