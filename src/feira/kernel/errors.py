"""What can go wrong, as one small tree.

    Refused              data: a rule says no (an outcome of a decision, never raised by one)
    FeiraError           an exception: something outside the rules
    ├── Rejected         a request cannot be served as it is; carries the `Refused` to answer
    ├── Overloaded       a bounded queue is full; try again after `retry_after_seconds`
    ├── Unavailable      a part (database, broker, provider) does not answer; retried
    └── Misconfigured    settings that cannot work; the process stops at its start

Each refusal has a `code` (stable, snake_case, for programs) and a `Category`, which the HTTP layer
maps to a status once (`chassis/http/problems.py`).
"""

from dataclasses import dataclass, field
from enum import Enum


class Category(Enum):
    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA = "unsupported_media"
    INVALID = "invalid"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field of a request: where (a JSON pointer such as `/items/0/quantity`), and why."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule says no. `code` is for programs, `detail` for people."""

    category: Category
    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    retry_after_seconds: int | None = None


class FeiraError(Exception):
    """The root of Feira's exceptions."""


@dataclass(eq=False)
class Rejected(FeiraError):
    """A request cannot be served as it is."""

    refused: Refused

    def __str__(self) -> str:
        return f"{self.refused.code}: {self.refused.detail}"


@dataclass(eq=False)
class Overloaded(FeiraError):
    """A bounded queue is full."""

    what: str
    retry_after_seconds: int = field(default=1)

    def __str__(self) -> str:
        return f"{self.what} is full"


class Unavailable(FeiraError):
    """A part does not answer at the moment; the same call may go through later."""


class Misconfigured(FeiraError):
    """Settings that cannot work."""
