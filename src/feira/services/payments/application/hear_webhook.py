"""Take in what a provider tells by itself: mostly what is known already, sometimes the first news.

Duplicates need no list of ids: a report that repeats what is known finds nothing to change.
"""

from collections.abc import Sequence

from feira.contracts.message import Message
from feira.services.payments.application.intake import Intake
from feira.services.payments.application.ports import PaymentsUnitOfWork, WebhookEvents
from feira.services.payments.domain.charge import ChargeReport, is_news
from feira.services.payments.domain.order_payments import Finding
from feira.services.payments.domain.refund import RefundReport, refund_key

Noted = tuple[ChargeReport | RefundReport, Finding]


async def hear_webhooks(
    commands: Sequence[WebhookEvents], uow: PaymentsUnitOfWork
) -> list[list[Noted]]:
    """What each webhook's news turned out to be; what is known already costs one read, no more."""
    news = await _news(commands, uow)
    keys = [refund_key(report.key) for command in commands for report in command.refunds]
    refunds = await uow.refunds.by_key_for_update(keys)
    orders = await uow.payments.of_orders_for_update(
        [report.order_id for reports in news for report in reports]
        + [refund.order_id for refund in refunds.values()]
    )
    intake = Intake(uow, orders, dict(refunds))
    messages: list[list[Message]] = []
    outcomes: list[list[Noted]] = []
    for command, charges in zip(commands, news, strict=True):
        reports: list[ChargeReport | RefundReport] = [*charges, *command.refunds]
        taken = [intake.charge(report) for report in charges]
        taken += [intake.refund(report) for report in command.refunds]
        messages.append([message for _, told in taken for message in told])
        findings = (finding for finding, _ in taken)
        outcomes.append(list(zip(reports, findings, strict=True)))
    intake.save()
    uow.outbox.announce(messages, intake.stories)
    return outcomes


async def _news(
    commands: Sequence[WebhookEvents], uow: PaymentsUnitOfWork
) -> list[list[ChargeReport]]:
    """Of each webhook the reports on charges that say something new."""
    known = await uow.payments.standings(
        (report.order_id, report.attempt) for command in commands for report in command.charges
    )
    return [
        [
            report
            for report in command.charges
            if (standing := known.get((report.order_id, report.attempt))) is None
            or is_news(standing, report)
        ]
        for command in commands
    ]
