"""A service's database in PostgreSQL, as the chassis asks for it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from feira.chassis.postgres import sweeping
from feira.chassis.postgres.dead_letters import PostgresDeadLetters
from feira.chassis.postgres.fresh_envelopes import FreshEnvelopes
from feira.chassis.postgres.log_outbox import emit
from feira.chassis.postgres.log_reader import PostgresLogReader
from feira.chassis.postgres.outbox_reader import PostgresOutboxReader
from feira.chassis.postgres.reading import Reader
from feira.chassis.postgres.slots import give_up_slot
from feira.chassis.postgres.store import MakeUnitOfWork, PostgresStore, insert_into_table
from feira.chassis.settings import RelayKind, ServiceSettings
from feira.chassis.telemetry.metrics import RelayMetrics
from feira.kernel.clock import Clock, SystemClock
from feira.kernel.ids import Ids


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """`dsn` may hold a password. `single_event_topics`: see `Outbox`; `relay`: how
    what the transactions announce comes to the broker (ADR 0014)."""

    dsn: str
    single_event_topics: Collection[str] = ()
    relay: RelayKind = "poll"
    _fresh: FreshEnvelopes = field(default_factory=FreshEnvelopes, init=False, repr=False)
    """From the store to the relay of the same service."""

    @classmethod
    def of(cls, settings: ServiceSettings) -> "PostgresDatabase":
        return cls(settings.database_url, frozenset(settings.single_event_topics), settings.relay)

    def store(
        self, name: str, make_uow: MakeUnitOfWork[Any], *, ids: Ids, clock: Clock, partitions: int
    ) -> PostgresStore[Any]:
        return PostgresStore(
            self.dsn,
            name,
            make_uow,
            ids=ids,
            clock=clock,
            partitions=partitions,
            single_event_topics=self.single_event_topics,
            save_outbox=emit if self.relay == "cdc" else insert_into_table(self._fresh),
        )

    def outbox_reader(self, name: str) -> PostgresOutboxReader | PostgresLogReader:
        if self.relay == "cdc":
            return PostgresLogReader(self.dsn, name, RelayMetrics.for_service(name), SystemClock())
        return PostgresOutboxReader(self.dsn, name, self._fresh, on_lead=give_up_slot)

    def reader(self, name: str) -> Reader:
        return Reader(self.dsn, name)

    def dead_letters(
        self, name: str, ids: Ids, clock: Clock, reader: Reader
    ) -> PostgresDeadLetters:
        return PostgresDeadLetters(self.dsn, name, ids, clock, reader)

    async def sweep(self, name: str) -> None:
        await sweeping.sweep(self.dsn, name)
