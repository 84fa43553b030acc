"""What travels through the lane: commands with where they came from and what makes them unique.

There is one of most of these a message, so they are structs: made in a seventh of the time that a
frozen dataclass takes.
"""

from asyncio import Future
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import msgspec

COMMAND_SIZE_BYTES_DEFAULT: Final = 512


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a command came from: what logs, traces and the messages it causes will say.

    `correlation_id` is the same from the first request to the last message of its story;
    `message_id` is the message that caused this command, or None for a request.
    """

    correlation_id: str
    message_id: str | None = None
    traceparent: str | None = None


class IdempotencyKey(msgspec.Struct, frozen=True, gc=False):
    """A client's `Idempotency-Key`, unique for its caller; `fingerprint` is of the request."""

    caller: str
    key: str
    fingerprint: bytes


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An HTTP answer, ready to be sent, stored and sent again."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Work:
    """A unit the lane does wholly or not at all: one request, or the messages of one envelope.

    `done` resolves to the outcomes, one a command and in order; for keyed work to `[Answer]`.
    """

    commands: Sequence[Any]
    origins: Sequence[Origin]
    done: Future[list[Any]]
    size_bytes: int = COMMAND_SIZE_BYTES_DEFAULT
    envelope_id: UUID | None = None
    idempotency: IdempotencyKey | None = None
    answer_with: Callable[[Any], Answer] | None = None
    give_up_at: float = 0.0
    """By the loop's clock: when who asked is told that there was no answer in time."""
    bodies: Sequence[bytes] = field(default_factory=tuple)
    """The messages as they came, for the dead letters; empty for requests."""
