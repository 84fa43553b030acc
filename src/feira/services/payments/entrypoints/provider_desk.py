"""The provider step: makes the calls that durable decisions ask for, and brings the answers back.

    lane ── durable ──► charge ─┬─ answers ──► lane
                                └─ silence ──► query ──► lane, or the next check

Nothing here is remembered: whatever is lost with the process is found by its next check.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, Final, TypeVar

import structlog

from feira.chassis.lane import Lane
from feira.chassis.work import Origin
from feira.kernel.errors import Overloaded, Unavailable
from feira.services.payments.application.ports import (
    Answers,
    Attempt,
    PaymentProvider,
    ProviderCalls,
)
from feira.services.payments.domain.charge import ChargeReport, Verdict
from feira.services.payments.domain.payment import UNRESOLVED, Payment, State
from feira.services.payments.domain.refund import Refund, RefundReport, RefundState
from feira.services.payments.entrypoints.call_queue import CallQueue
from feira.services.payments.entrypoints.drift import note_drift

log = structlog.get_logger(__name__)

WAITING_MAX: Final = 20_000
CHARGES_A_CALL_MAX: Final = 200
CHARGE_CALLS_AT_ONCE_MAX: Final = 32
OTHERS_A_CALL_MAX: Final = 50
OTHER_CALLS_AT_ONCE_MAX: Final = 8

T = TypeVar("T")
Report = TypeVar("Report", ChargeReport, RefundReport)


class ProviderDesk:
    def __init__(self, provider: PaymentProvider) -> None:
        self._provider = provider
        self._charging = CallQueue(
            "charge",
            self._charge,
            waiting_max=WAITING_MAX,
            batch_size_max=CHARGES_A_CALL_MAX,
            calls_at_once_max=CHARGE_CALLS_AT_ONCE_MAX,
        )
        self._canceling = _queue("cancel", self._cancel)
        self._asking = _queue("ask", self._ask)
        self._refunding = _queue("refund", self._refund)

    def take(self, calls: ProviderCalls) -> None:
        """What a transaction has asked for that is now durable, as far as it still holds."""
        self._charging.put_many(p for p in calls.charges if p.state is State.REQUESTED)
        self._canceling.put_many(p for p in calls.cancellations if p.state in UNRESOLVED)
        self._asking.put_many(p for p in calls.questions if p.state is State.REQUESTED)
        self._refunding.put_many(r for r in calls.refunds if r.state is RefundState.REQUESTED)

    async def run(self, lane: Lane[Any], origin: Callable[[], Origin]) -> None:
        """Until cancelled. Calls under way then are unknown, and asked about after a restart."""
        self._lane, self._origin = lane, origin
        async with asyncio.TaskGroup() as queues:
            for queue in (self._charging, self._canceling, self._asking, self._refunding):
                queues.create_task(queue.run())

    async def _charge(self, payments: Sequence[Payment]) -> None:
        """A charge without an answer may have been made: it is asked for, never made anew."""
        told = await self._hear(self._provider.create_many(payments))
        silent = [payment for payment in payments if _attempt(payment) not in told]
        if silent:
            await self._hear(self._provider.query_many(silent))

    async def _ask(self, payments: Sequence[Payment]) -> None:
        """A charge that the provider has not heard of after a while is made, under the same key."""
        told = await self._hear(self._provider.query_many(payments))
        self._charging.put_many(
            payment for payment in payments if told.get(_attempt(payment)) is Verdict.UNKNOWN
        )

    async def _cancel(self, payments: Sequence[Payment]) -> None:
        await self._hear(self._provider.void_many(payments))

    async def _refund(self, refunds: Sequence[Refund]) -> None:
        async with aclosing(self._provider.refund_many(refunds)) as answers:
            async for reports in answers:
                for report in reports:
                    if not report.succeeded:
                        log.error("refund_failed", key=report.key, reason=report.reason)
                await self._bring(reports)

    async def _hear(self, answers: Answers[ChargeReport]) -> dict[Attempt, Verdict]:
        """Bring the answers to the lane as they come. Returns what was said of each charge."""
        told: dict[Attempt, Verdict] = {}
        authorized: list[ChargeReport] = []
        async with aclosing(answers):
            async for reports in answers:
                told |= {(report.order_id, report.attempt): report.verdict for report in reports}
                authorized += [r for r in reports if r.verdict is Verdict.AUTHORIZED]
                await self._bring([r for r in reports if r.verdict in FINAL])
        if authorized:
            async with aclosing(self._provider.capture_many(authorized)) as captured:
                async for reports in captured:
                    await self._bring([r for r in reports if r.verdict in FINAL])
        return told

    async def _bring(self, reports: Sequence[Report]) -> None:
        while reports:
            try:
                findings = await self._lane.ask_all(reports, origin=self._origin())
            except Overloaded as full:  # also slows down the calls: their slots stay taken
                await asyncio.sleep(full.retry_after_seconds)
            except Unavailable as error:
                log.warning("answers_put_off", count=len(reports), error=str(error))
                return
            else:
                note_drift(zip(reports, findings, strict=True))
                return


FINAL: Final = frozenset({Verdict.CAPTURED, Verdict.DECLINED, Verdict.VOIDED})


def _attempt(payment: Payment) -> Attempt:
    return payment.order_id, payment.attempt


def _queue(name: str, call: Callable[[Sequence[T]], Any]) -> CallQueue[T]:
    return CallQueue(
        name,
        call,
        waiting_max=WAITING_MAX,
        batch_size_max=OTHERS_A_CALL_MAX,
        calls_at_once_max=OTHER_CALLS_AT_ONCE_MAX,
    )
