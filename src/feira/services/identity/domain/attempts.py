"""How often a wrong password may be tried (OWASP ASVS 5, 6.3.1): a bucket that leaks.

Each failure fills the bucket by one, and one leaks out every `forgiven_every`. While it is full no
try counts, not even a right one: guesses made in parallel are decided one after another, so no more
of them than the bucket holds tell the guesser anything. An address nobody has registered fills its
bucket in the same way, or a refusal would tell who is a user.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from feira.kernel.errors import Category, Refused
from feira.services.identity.domain.user import User


@dataclass(frozen=True, slots=True)
class Limit:
    failures_max: int
    forgiven_every: timedelta


USER_LIMIT: Final = Limit(failures_max=10, forgiven_every=timedelta(seconds=90))
"""Ten wrong passwords at once, then forty an hour: below ASVS's hundred an hour."""


@dataclass(slots=True)
class Attempts:
    """The failures of one e-mail address; `empty_at` is when the last of them has leaked out."""

    email: str
    empty_at: datetime


def too_many(empty_at: datetime, limit: Limit, now: datetime) -> Refused | None:
    """The refusal of a try while the bucket is full."""
    room_at = empty_at - (limit.failures_max - 1) * limit.forgiven_every
    if room_at <= now:
        return None
    return Refused(
        Category.TOO_MANY,
        "too_many_attempts",
        "Too many failed attempts; try again later.",
        retry_after_seconds=ceil((room_at - now).total_seconds()),
    )


def judge(attempts: Attempts, proved: User | None, wrong: Refused, now: datetime) -> User | Refused:
    """Decide one try: `proved` is the user whose password was right, `wrong` the answer if it was
    not. A right one makes the failures before it forgotten.
    """
    refused = too_many(attempts.empty_at, USER_LIMIT, now)
    if refused is not None:
        return refused
    if proved is None:
        attempts.empty_at = after_failure(attempts.empty_at, USER_LIMIT, now)
        return wrong
    attempts.empty_at = now
    return proved


def after_failure(empty_at: datetime, limit: Limit, now: datetime) -> datetime:
    """When the bucket is empty once this failure is in it."""
    return max(empty_at, now) + limit.forgiven_every
