"""Take in what a provider answered to charges, questions and cancellations."""

from collections.abc import Sequence

from feira.services.payments.application.intake import Intake
from feira.services.payments.application.ports import PaymentsUnitOfWork
from feira.services.payments.domain.charge import ChargeReport
from feira.services.payments.domain.order_payments import Finding


async def record_charges(
    commands: Sequence[ChargeReport], uow: PaymentsUnitOfWork
) -> list[Finding]:
    orders = await uow.payments.of_orders_for_update(report.order_id for report in commands)
    intake = Intake(uow, orders)
    outcomes = [intake.charge(report) for report in commands]
    intake.save()
    uow.outbox.announce((messages for _, messages in outcomes), intake.stories)
    return [finding for finding, _ in outcomes]
