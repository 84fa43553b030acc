"""Taking in a provider's reports: shared by those who bring them (calls and webhooks)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from feira.contracts.message import Message
from feira.services.payments.application.ports import PaymentsUnitOfWork
from feira.services.payments.application.publishing import told
from feira.services.payments.domain.charge import ChargeReport
from feira.services.payments.domain.ledger import LedgerEntry
from feira.services.payments.domain.order_payments import (
    Effect,
    Finding,
    OrderPayments,
    record,
    record_refund,
)
from feira.services.payments.domain.payment import Payment
from feira.services.payments.domain.refund import Refund, RefundReport, refund_key


@dataclass(slots=True)
class Intake:
    """Decides on one report after another, on what was loaded for all of them, and then saves."""

    uow: PaymentsUnitOfWork
    orders: Mapping[int, OrderPayments]
    refunds: dict[str, Refund] = field(default_factory=dict)
    _payments: list[Payment] = field(default_factory=list)
    _entries: list[LedgerEntry] = field(default_factory=list)
    _new_refunds: list[Refund] = field(default_factory=list)
    _changed_refunds: list[Refund] = field(default_factory=list)

    def charge(self, report: ChargeReport) -> tuple[Finding, list[Message]]:
        order = self.orders[report.order_id]
        effect = record(order, report, self.uow.ids.number, self.uow.now)
        if effect.refund:
            self.refunds[effect.refund.key] = effect.refund
            self._new_refunds.append(effect.refund)
        return self._noted(effect, order)

    def refund(self, report: RefundReport) -> tuple[Finding, list[Message]]:
        refund = self.refunds.get(refund_key(report.key))
        if refund is None:
            return Finding.UNKNOWN_PAYMENT, []
        order = self.orders[refund.order_id]
        effect = record_refund(order, refund, report, self.uow.now)
        if effect.refund:
            self._changed_refunds.append(effect.refund)
        return self._noted(effect, order)

    @property
    def stories(self) -> dict[str, str]:
        """The correlation ids of the payments that there is news of, by order."""
        return {str(payment.order_id): payment.correlation_id for payment in self._payments}

    def save(self) -> None:
        """Nothing is written of reports that only repeat. New refunds are asked for afterwards."""
        self.uow.payments.save_many(self._payments)
        self.uow.ledger.add_many(self._entries)
        self.uow.refunds.add_many(self._new_refunds)
        self.uow.refunds.save_many(self._changed_refunds)
        self.uow.calls.refunds += self._new_refunds

    def _noted(self, effect: Effect, order: OrderPayments) -> tuple[Finding, list[Message]]:
        if effect.finding is Finding.RECORDED and effect.payment:
            self._payments.append(effect.payment)
        if effect.entry:
            self._entries.append(effect.entry)
        return effect.finding, told(effect.news, order, effect.payment, effect.refund)
