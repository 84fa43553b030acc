"""A payment: one attempt to take the money of an order.

    requested ─┬─► captured ──► refunding ──► refunded
               ├─► failed ┄┄┄┄┄┄┄▲  ▲
               └─► canceling ────┘  ┊
                       └─► canceled ┘       (dotted: money that came after all)

`requested` is saved before the provider is called. Until there is an answer nobody knows whether
money has moved: such a payment is asked about, and never charged under another key (DESIGN, 6).
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from feira.kernel.ids import NUMBER_MAX

CHECK_SECONDS_MIN: Final = 10
CHECK_SECONDS_MAX: Final = 300
ATTEMPT_MAX: Final = 32_767

_KEY: Final = re.compile(r"feira-([1-9][0-9]{0,15})-([1-9][0-9]{0,4})")


class State(StrEnum):
    REQUESTED = "requested"
    CANCELING = "canceling"
    CAPTURED = "captured"
    FAILED = "failed"
    CANCELED = "canceled"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


UNRESOLVED: Final = frozenset({State.REQUESTED, State.CANCELING})
"""The provider has the next word."""

TAKEN: Final = frozenset({State.CAPTURED, State.REFUNDING, State.REFUNDED})
"""The provider has taken money; what happens to it is ours to say."""

EMPTY: Final = frozenset({State.FAILED, State.CANCELED, State.REFUNDED})
"""No money of it is kept, and none is being taken or given back."""


class Standing(NamedTuple):
    """As much of a payment as tells whether a report is news; read without a lock."""

    state: State
    charge_id: str | None
    captured_cents: int


@dataclass(slots=True)
class Payment:
    """`captured_cents` is what was ever taken; of it `refunded_cents` has been given back and
    `refunding_cents` is on its way."""

    id: int
    order_id: int
    attempt: int
    amount_cents: int
    method: str
    token: str | None
    """The provider's token; forgotten once it is of no more use."""
    requested_at: datetime
    state: State = State.REQUESTED
    charge_id: str | None = None
    """The provider's name for the charge, once it has told."""
    reason: str | None = None
    captured_cents: int = 0
    refunded_cents: int = 0
    refunding_cents: int = 0
    correlation_id: str = ""
    """Of the story that the payment is part of: what is said of it later belongs there too."""
    next_check_at: datetime | None = None
    """When to ask the provider (again); None when there is nothing to ask."""

    @property
    def key(self) -> str:
        """The idempotency key at the provider: one attempt, one key, for ever."""
        return f"feira-{self.order_id}-{self.attempt}"

    @property
    def kept_cents(self) -> int:
        """What has been taken and is not on its way back."""
        return self.captured_cents - self.refunded_cents - self.refunding_cents

    @property
    def standing(self) -> Standing:
        return Standing(self.state, self.charge_id, self.captured_cents)

    def wait_for_provider(self, state: State, now: datetime) -> None:
        self.state = state
        self.next_check_at = now + timedelta(seconds=CHECK_SECONDS_MIN)

    def settle(self, state: State) -> None:
        """The provider has spoken: there is nothing to ask any more."""
        self.state = state
        self.token = self.next_check_at = None

    def postpone_check(self, now: datetime) -> None:
        self.next_check_at = next_check(self.requested_at, now)


def next_check(since: datetime, now: datetime) -> datetime:
    """When to try again: the wait doubles each time, between the two limits."""
    waited = (now - since).total_seconds()
    return now + timedelta(seconds=min(max(waited, CHECK_SECONDS_MIN), CHECK_SECONDS_MAX))


def attempt_of_key(key: str) -> tuple[int, int] | None:
    """(order_id, attempt) of a payment's key; None when the key is not one of ours."""
    ours = _KEY.fullmatch(key)
    if ours is None:
        return None
    order_id, attempt = int(ours[1]), int(ours[2])
    return (order_id, attempt) if order_id <= NUMBER_MAX and attempt <= ATTEMPT_MAX else None
