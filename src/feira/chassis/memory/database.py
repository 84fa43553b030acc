"""A service's database in memory: its own tables, and those that every service has."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from feira.chassis.memory.locks import Locks
from feira.chassis.memory.rows import Writer
from feira.chassis.memory.weather import FAIR, Weather
from feira.chassis.store import DeadLetter, StoredAnswer
from feira.chassis.transports.port import Envelope
from feira.kernel.clock import Clock, SystemClock

T = TypeVar("T")


class Buried(NamedTuple):
    letter: DeadLetter
    buried_at: datetime
    redriven_at: datetime | None = None


@dataclass
class ChassisTables:
    """As `chassis.postgres.schema` has them: each a dictionary by its key."""

    inbox: dict[UUID, datetime] = field(default_factory=dict)
    """When each was claimed."""
    inbox_parts: dict[tuple[UUID, int], bool] = field(default_factory=dict)
    answers: dict[tuple[str, str], StoredAnswer] = field(default_factory=dict)
    answered_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    outbox: dict[int, Envelope] = field(default_factory=dict)
    """By row id: drawn when a row is written, so that a late commit may bring an early id."""
    dead_letters: dict[int, Buried] = field(default_factory=dict)
    broker_epoch: dict[int, str] = field(default_factory=dict)
    """One row at most."""


@dataclass
class MemoryDatabase(Generic[T]):
    """Outlives the stores over it, as a database outlives processes.

    `tables` is an object of the service whose attributes are dictionaries of values that nobody
    changes in place: adapters copy aggregates on their way in and out.
    """

    tables: T
    chassis: ChassisTables = field(default_factory=ChassisTables)
    clock: Clock = field(default_factory=SystemClock)
    """The server's own, as PostgreSQL's `now()`."""
    weather: Weather = FAIR
    locks: Locks = field(default_factory=Locks)
    workers: set[int] = field(default_factory=set)
    """Worker numbers that are taken."""
    relays: list[object] = field(default_factory=list)
    """Who publishes from the outbox: one, or nobody."""
    row_ids: Iterator[int] = field(default_factory=lambda: count(1))
    """Of outbox and dead letters; never used twice, whatever becomes of the transaction."""

    def seen_through(self, weather: Weather) -> "MemoryDatabase[T]":
        """The same database, by another network."""
        return replace(self, weather=weather)

    def new_row_id(self) -> int:
        return next(self.row_ids)

    def writer(self) -> Writer:
        return Writer(self.locks, self.weather)

    @contextmanager
    def transaction(self) -> Iterator[T]:
        """The service's tables in a transaction that commits when the block ends without error."""
        writer = self.writer()
        try:
            yield writer.view(self.tables)
            writer.commit()
        finally:
            writer.end()
