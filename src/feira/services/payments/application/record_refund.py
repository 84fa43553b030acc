"""Take in what a provider answered to refunds."""

from collections.abc import Sequence

from feira.services.payments.application.intake import Intake
from feira.services.payments.application.ports import PaymentsUnitOfWork
from feira.services.payments.domain.order_payments import Finding
from feira.services.payments.domain.refund import RefundReport, refund_key


async def record_refunds(
    commands: Sequence[RefundReport], uow: PaymentsUnitOfWork
) -> list[Finding]:
    refunds = await uow.refunds.by_key_for_update(refund_key(report.key) for report in commands)
    orders = await uow.payments.of_orders_for_update(r.order_id for r in refunds.values())
    intake = Intake(uow, orders, dict(refunds))
    outcomes = [intake.refund(report) for report in commands]
    intake.save()
    uow.outbox.announce((messages for _, messages in outcomes), intake.stories)
    return [finding for finding, _ in outcomes]
