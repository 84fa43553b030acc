"""A charge: what a provider says became of an attempt."""

from enum import StrEnum
from typing import NamedTuple, assert_never

from feira.services.payments.domain.payment import TAKEN, Standing, State


class Verdict(StrEnum):
    """What a provider says of a charge."""

    CAPTURED = "captured"
    DECLINED = "declined"
    VOIDED = "voided"
    """This key holds no money and never will."""
    AUTHORIZED = "authorized"
    UNKNOWN = "unknown"
    """The provider has never heard of this key."""


class ChargeReport(NamedTuple):
    """What a provider says of the charge of one attempt."""

    order_id: int
    attempt: int
    verdict: Verdict
    charge_id: str | None = None
    captured_cents: int = 0
    reason: str | None = None


def agrees(standing: Standing, report: ChargeReport) -> bool:
    """Whether a report of captured money says what is known of it."""
    return (standing.charge_id, standing.captured_cents) == (
        report.charge_id,
        report.captured_cents,
    )


def is_news(standing: Standing, report: ChargeReport) -> bool:
    """Whether recording the report would do anything but repeat what is known."""
    match report.verdict:
        case Verdict.CAPTURED:
            return standing.state not in TAKEN or not agrees(standing, report)
        case Verdict.DECLINED | Verdict.VOIDED:
            return standing.state not in (State.FAILED, State.CANCELED)
        case Verdict.AUTHORIZED | Verdict.UNKNOWN:
            return False
        case _:
            assert_never(report.verdict)
