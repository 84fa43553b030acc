"""Everything a transaction of flash sales works with, in PostgreSQL."""

from collections.abc import Callable
from datetime import datetime, timedelta

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection
from feira.kernel.ids import Ids
from feira.services.flashsale.adapters.postgres.campaigns import PostgresCampaignRows
from feira.services.flashsale.adapters.postgres.claims import PostgresClaimRows
from feira.services.flashsale.adapters.postgres.crowd_rows import (
    PostgresCrowdCounts,
    PostgresWaitingRooms,
)
from feira.services.flashsale.adapters.postgres.drops import PostgresDropRows
from feira.services.flashsale.adapters.unit_of_work import (
    PREPARE_BEFORE_DEFAULT,
    OnDropsChanged,
    RowsUnitOfWork,
    Tables,
    nobody_is_told,
)


def units_of_work(
    prepare_before: timedelta = PREPARE_BEFORE_DEFAULT,
    on_drops_changed: OnDropsChanged = nobody_is_told,
) -> Callable[[Connection, Outbox, Ids, datetime], RowsUnitOfWork]:
    def make(connection: Connection, outbox: Outbox, ids: Ids, now: datetime) -> RowsUnitOfWork:
        return RowsUnitOfWork(
            outbox,
            ids,
            now,
            tables=Tables(
                PostgresCampaignRows(connection),
                PostgresDropRows(connection),
                PostgresClaimRows(connection),
                PostgresWaitingRooms(connection),
                PostgresCrowdCounts(connection),
            ),
            prepare_before=prepare_before,
            on_drops_changed=on_drops_changed,
        )

    return make
