"""The port to a service's database: everything of the chassis that is kept in it.

Two stand behind it: PostgreSQL (`postgres.database`) and memory (`memory.service_database`), which
one suite of tests holds to the same behaviour. A service's own tables are its adapters' affair: it
is built with the `Storage` that belongs to the database.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from feira.chassis.dead_letters import DeadLetters
from feira.chassis.relay import OutboxReader
from feira.chassis.store import Store
from feira.kernel.clock import Clock
from feira.kernel.ids import Ids

Q = TypeVar("Q")


@dataclass(frozen=True)
class Storage(Generic[Q]):
    """A service's own adapters to one kind of database."""

    units_of_work: Callable[..., Any]
    """Makes the maker of units of work (one a process: they share a shelf)."""
    queries: Callable[[Any], Q]
    """Makes the read side, from the database's reader."""


class ClosableStore(Store[Any], Protocol):
    async def close(self) -> None: ...


class ClosableOutboxReader(OutboxReader, Protocol):
    async def close(self) -> None: ...


class Reads(Protocol):
    """The read side: what queries are made of."""

    async def ping(self) -> None:
        """Raises `Unavailable` when the database does not answer."""
        ...

    async def close(self) -> None: ...


class Database(Protocol):
    """One process's way to one service's database; nothing is connected before it is used."""

    def store(
        self, name: str, make_uow: Any, *, ids: Ids, clock: Clock, partitions: int
    ) -> ClosableStore:
        """The lane's transactions. `make_uow` comes from the `Storage` of this database."""
        ...

    def outbox_reader(self, name: str) -> ClosableOutboxReader: ...

    def reader(self, name: str) -> Any:
        """`Reads`, of the kind that this database's queries are made of."""
        ...

    def dead_letters(self, name: str, ids: Ids, clock: Clock, reader: Any) -> DeadLetters:
        """They are read through the service's `reader`."""
        ...

    async def sweep(self, name: str) -> None:
        """Forget claims and answers that are older than any repeat can be, a bounded number.

        Raises `Unavailable`.
        """
        ...
