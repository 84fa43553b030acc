"""What the crowd's side of a flash sale needs, in its own words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from feira.chassis.store import UnitOfWork
from feira.services.flashsale.domain.report import CrowdCount, ReportedClaim
from feira.services.flashsale.domain.standing import Standing
from feira.services.flashsale.domain.waiting_room import Ticket


class WaitingRooms(Protocol):
    """The places given out, by drop and customer."""

    async def take_many(self, guests: Iterable[tuple[int, int]]) -> Mapping[tuple[int, int], int]:
        """The places of (drop, customer) pairs; who has none is given the next, in their order."""
        ...


class CrowdCounts(Protocol):
    def add_many(self, counts: Iterable[CrowdCount]) -> None:
        """Add to what is counted already."""
        ...

    async def flush(self) -> None: ...


class CrowdUnitOfWork(UnitOfWork, Protocol):
    @property
    def waiting_rooms(self) -> WaitingRooms: ...

    @property
    def crowd_counts(self) -> CrowdCounts: ...


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a claim on a drop: `seq` is its place in the order of arrival."""

    drop_id: int
    seq: int
    customer_id: int


class CrowdQueries(Protocol):
    async def standings(self, soon: datetime) -> Sequence[Standing]:
        """All drops that are not closed and open before `soon`."""
        ...

    async def standing(self, drop_id: int) -> Standing | None:
        """A drop, closed or not."""
        ...

    async def holders(self, seen: Mapping[int, int], holders_max: int) -> Sequence[Holder]:
        """The claims of drops past the last `seq` seen of each, in order."""
        ...

    async def reported_claims(self, drop_id: int) -> Sequence[ReportedClaim]:
        """All claims on a drop, in order."""
        ...

    async def counts(self, drop_id: int) -> Sequence[CrowdCount]: ...

    async def arrivals(self, drop_id: int) -> int:
        """How many places the waiting room has given out."""
        ...

    async def queue_no(self, drop_id: int, customer_id: int) -> int | None:
        """The number that a customer who still waits has drawn."""
        ...


class Tickets(Protocol):
    """Signed, so that only we make them, and anybody's copy is of use to its customer alone."""

    def write(self, ticket: Ticket) -> str: ...

    def read(self, text: str, now: datetime) -> Ticket | None:
        """None for what is not ours, damaged, or expired."""
        ...


class Challenges(Protocol):
    """Work to be done before a place is given: cheap to check, dear to do a million times."""

    def make(self, drop_id: int, customer_id: int, bits: int, now: datetime) -> str: ...

    def is_solved(
        self, challenge: str, nonce: str, drop_id: int, customer_id: int, now: datetime
    ) -> bool:
        """Whether it is ours, this customer's, not expired, and the nonce solves it."""
        ...
