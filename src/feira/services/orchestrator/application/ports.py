"""What the use cases need, in their own words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from feira.chassis.store import UnitOfWork
from feira.services.orchestrator.domain.purchase_saga import Saga


class SagaRepository(Protocol):
    async def get_many(self, order_ids: Iterable[int]) -> Mapping[int, Saga]:
        """All sagas this transaction knows, among them those of `order_ids` that exist."""
        ...

    async def find_overdue(self, by: datetime, sagas_max: int) -> Sequence[Saga]:
        """Open sagas whose deadline is not after `by`."""
        ...

    def add_many(self, sagas: Iterable[Saga]) -> None: ...

    def save_many(self, sagas: Iterable[Saga]) -> None: ...


class OrchestratorUnitOfWork(UnitOfWork, Protocol):
    @property
    def sagas(self) -> SagaRepository: ...

    @property
    def hold(self) -> timedelta:
        """How long stock is held for a customer to pay (15 minutes, a setting)."""
        ...


@dataclass(frozen=True, slots=True)
class OldestOpen:
    state: str
    count: int
    oldest_seconds: float


class SagaQueries(Protocol):
    async def get(self, order_id: int) -> Saga | None: ...

    async def find_open(self, *, overdue_only: bool, sagas_max: int) -> Sequence[Saga]:
        """The oldest first."""
        ...

    async def oldest_open(self) -> Sequence[OldestOpen]:
        """For the metrics: how many are open in each state, and since when."""
        ...
