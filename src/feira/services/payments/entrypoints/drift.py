"""Reports of a provider that do not fit what is known here: counted and said, for a person."""

from collections.abc import Iterable
from typing import Final

import structlog
from prometheus_client import Counter

from feira.services.payments.application.hear_webhook import Noted
from feira.services.payments.domain.order_payments import Finding

log = structlog.get_logger(__name__)

DRIFT: Final = Counter(
    "feira_payments_drift_total", "Provider reports that contradict what is known", ("finding",)
)
DRIFTS: Final = frozenset({Finding.UNKNOWN_PAYMENT, Finding.CONTRADICTION})


def note_drift(noted: Iterable[Noted]) -> None:
    for report, finding in noted:
        if finding in DRIFTS:
            DRIFT.labels(finding.name.lower()).inc()
            log.error("provider_drift", finding=finding.name.lower(), report=report._asdict())
