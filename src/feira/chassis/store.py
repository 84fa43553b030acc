"""The port between the lane and a service's database.

A transaction holds the service's unit of work (its repositories and its outbox) and the inbox. The
lane is the only one to open and end transactions.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from feira.chassis.outbox import Outbox
from feira.chassis.work import Answer, IdempotencyKey
from feira.kernel.errors import FeiraError, Unavailable
from feira.kernel.ids import Ids


class Contention(FeiraError):
    """Another transaction was in the way (deadlock, serialization, a key claimed meanwhile).

    Nothing of this transaction happened; the same one can be tried again at once.
    """


class CommitUnknown(Unavailable):
    """The connection went away while committing: `Store.committed` tells what happened."""


class UnitOfWork(Protocol):
    """What a use case works with; each service has its own, with its repositories."""

    @property
    def outbox(self) -> Outbox: ...

    @property
    def ids(self) -> Ids: ...

    @property
    def now(self) -> datetime:
        """The time of the batch: one moment for all its decisions."""
        ...

    async def flush(self) -> None:
        """Write every changed aggregate: one set-based statement a table."""
        ...

    def committed(self) -> None:
        """Called once the transaction is known to be durable. It must not fail, and may not be
        called at all (a crash): what it does has to be found later anyhow."""
        ...


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a keyed request was answered the first time."""

    fingerprint: bytes
    answer: Answer


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be handled: as it came, with why."""

    message_id: str
    topic: str
    type: str
    body: bytes
    error: str


class Inbox(Protocol):
    """Makes effects happen once: claims are unique keys, written with the effects."""

    async def claim(
        self, marker: UUID, envelope_ids: Sequence[UUID]
    ) -> Mapping[UUID, Collection[int]]:
        """Claim whole envelopes, and the marker that later tells whether this committed.

        Returns, for each envelope that was new, the positions handled earlier by a bisection that
        did not end. An envelope that is not returned has been handled.
        """
        ...

    async def claim_parts(
        self, marker: UUID, parts: Sequence[tuple[UUID, int]]
    ) -> Collection[tuple[UUID, int]]:
        """Claim single messages by envelope and position. Returns those that were new."""
        ...

    async def answers(
        self, keys: Sequence[IdempotencyKey]
    ) -> Mapping[tuple[str, str], StoredAnswer]:
        """The stored answers to these keys, by (caller, key)."""
        ...

    async def remember(self, answers: Sequence[tuple[IdempotencyKey, Answer]]) -> None:
        """Store first answers. Raises `Contention` when a key was answered meanwhile."""
        ...

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep messages that could not be handled."""
        ...


U_co = TypeVar("U_co", bound=UnitOfWork, covariant=True)


class Transaction(Protocol[U_co]):
    @property
    def uow(self) -> U_co: ...

    @property
    def inbox(self) -> Inbox: ...

    async def save(self) -> None:
        """Write the unit of work and its outbox. The transaction ends with its block."""
        ...


class Store(Protocol[U_co]):
    def begin(self) -> AbstractAsyncContextManager[Transaction[U_co]]:
        """A transaction that commits when its block ends, and rolls back when it raises.

        Raises `Unavailable`, `CommitUnknown` or `Contention` for what is not the block's fault.
        """
        ...

    async def committed(self, marker: UUID) -> bool:
        """Whether the transaction that claimed this marker committed. Raises `Unavailable`."""
        ...
