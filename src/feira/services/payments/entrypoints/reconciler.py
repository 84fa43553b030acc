"""The reconciler: finds what has had no answer, also after a crash, and has it asked about.

It looks through a read connection, so that nothing is written while there is nothing to do.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import structlog

from feira.chassis.lane import Lane
from feira.chassis.telemetry.metrics import WorkMetrics
from feira.chassis.work import Origin
from feira.kernel.clock import Clock
from feira.kernel.errors import Overloaded, Unavailable
from feira.services.payments.application.check_payments import CheckPayments
from feira.services.payments.application.ports import Backlog, PaymentQueries
from feira.services.payments.application.retry_refunds import RetryRefunds

log = structlog.get_logger(__name__)

UNRESOLVED_PAYMENTS: Final = "unresolved_payments"
UNSETTLED_REFUNDS: Final = "unsettled_refunds"
FAILING_REFUNDS: Final = "failing_refunds"


class Reconciler:
    def __init__(
        self, queries: PaymentQueries, clock: Clock, metrics: WorkMetrics, *, every_seconds: float
    ) -> None:
        self._queries = queries
        self._clock = clock
        self._metrics = metrics
        self._every_seconds = every_seconds

    async def run(self, lane: Lane[Any], origin: Callable[[], Origin]) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._every_seconds)
            try:
                await self.look(lane, origin)
            except (Overloaded, Unavailable) as error:
                log.warning("reconciliation_put_off", error=str(error))
            except Exception:
                log.exception("reconciliation_failed")

    async def look(self, lane: Lane[Any], origin: Callable[[], Origin]) -> None:
        """Measure what is open, and take up what is due."""
        now = self._clock.now()
        payments = await self._queries.unresolved_payments(now)
        refunds = await self._queries.unsettled_refunds(now)
        self._measure(UNRESOLVED_PAYMENTS, payments, payments.waiting, now)
        self._measure(UNSETTLED_REFUNDS, refunds, refunds.waiting, now)
        self._measure(FAILING_REFUNDS, refunds, refunds.failing, now)
        if payments.due:
            await lane.ask(CheckPayments(), origin=origin())
        if refunds.due:
            await lane.ask(RetryRefunds(), origin=origin())

    def _measure(self, kind: str, backlog: Backlog, count: int, now: datetime) -> None:
        oldest_at = backlog.oldest_at if count else None
        age_seconds = (now - oldest_at).total_seconds() if oldest_at else 0.0
        self._metrics.open_work(kind, count, max(age_seconds, 0.0))
