"""Everything a transaction of the orchestrator works with."""

from collections.abc import Callable
from datetime import datetime, timedelta

from feira.chassis.aggregates import Shelf
from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection
from feira.kernel.ids import Ids
from feira.services.orchestrator.adapters.postgres.sagas import (
    PostgresSagaRows,
    Sagas,
    new_shelf,
)
from feira.services.orchestrator.domain.purchase_saga import Saga


class PostgresOrchestratorUnitOfWork:
    def __init__(
        self,
        connection: Connection,
        outbox: Outbox,
        ids: Ids,
        now: datetime,
        *,
        hold: timedelta,
        shelf: Shelf[Saga],
    ) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.hold = hold
        self.sagas = Sagas(PostgresSagaRows(connection), shelf)

    async def flush(self) -> None:
        await self.sagas.flush()

    def committed(self) -> None:
        self.sagas.committed()


def holding_for(
    hold: timedelta,
) -> Callable[[Connection, Outbox, Ids, datetime], PostgresOrchestratorUnitOfWork]:
    """Units of work whose purchases hold their stock so long; they share a shelf."""
    shelf = new_shelf()

    def make(
        connection: Connection, outbox: Outbox, ids: Ids, now: datetime
    ) -> PostgresOrchestratorUnitOfWork:
        return PostgresOrchestratorUnitOfWork(connection, outbox, ids, now, hold=hold, shelf=shelf)

    return make
