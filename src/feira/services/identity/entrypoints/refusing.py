"""From an outcome to what was asked for, or to the problem that says why not."""

from typing import TypeVar

from feira.kernel.errors import Refused, Rejected

T = TypeVar("T")


def or_reject(outcome: T | Refused) -> T:
    """The outcome itself; raises `Rejected` when a rule said no."""
    if isinstance(outcome, Refused):
        raise Rejected(outcome)
    return outcome


def reject(refused: Refused | None) -> None:
    """Raises `Rejected` when there is a refusal."""
    if refused is not None:
        raise Rejected(refused)
