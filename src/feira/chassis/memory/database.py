"""A service's database in memory: its own tables, and those that every service has."""

import asyncio
from copy import copy
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from feira.chassis.store import DeadLetter, StoredAnswer
from feira.chassis.transports.port import Envelope

T = TypeVar("T")


@dataclass
class ChassisTables:
    """As `chassis.postgres.schema` has them."""

    inbox: set[UUID] = field(default_factory=set)
    inbox_parts: set[tuple[UUID, int]] = field(default_factory=set)
    answers: dict[tuple[str, str], StoredAnswer] = field(default_factory=dict)
    outbox: dict[int, Envelope] = field(default_factory=dict)
    """By row id, which rises."""
    outbox_rows: int = 0
    """How many there have ever been."""
    dead_letters: list[DeadLetter] = field(default_factory=list)
    broker_epoch: str | None = None


@dataclass
class MemoryDatabase(Generic[T]):
    """Outlives the stores over it, as a database outlives processes.

    `tables` is an object of the service whose attributes are dictionaries, lists and sets of values
    that nobody changes in place: adapters copy aggregates on their way in and out.
    """

    tables: T
    chassis: ChassisTables = field(default_factory=ChassisTables)
    workers: set[int] = field(default_factory=set)
    """Worker numbers that are taken."""
    relay: object | None = None
    """Who publishes from the outbox."""
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Transactions do not overlap."""

    def staged(self) -> "MemoryDatabase[T]":
        """A copy to write to, of which nobody else knows."""
        return MemoryDatabase(_copied(self.tables), _copied(self.chassis))

    def take_over(self, staged: "MemoryDatabase[T]") -> None:
        """What was staged becomes what is."""
        vars(self.tables).update(vars(staged.tables))
        vars(self.chassis).update(vars(staged.chassis))


C = TypeVar("C")


def _copied(tables: C) -> C:
    copied = copy(tables)
    for name, rows in vars(tables).items():
        if isinstance(rows, dict | list | set):
            setattr(copied, name, copy(rows))
    return copied
