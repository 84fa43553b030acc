"""Units of work over a transaction of PostgreSQL."""

from collections.abc import Callable
from datetime import datetime

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection
from feira.kernel.ids import Ids
from feira.services.payments.adapters.postgres.ledger import PostgresLedgerRows
from feira.services.payments.adapters.postgres.payments import PostgresPaymentRows
from feira.services.payments.adapters.postgres.refunds import PostgresRefundRows
from feira.services.payments.adapters.unit_of_work import HandOver, RowsUnitOfWork


def handing_over_to(
    hand_over: HandOver,
) -> Callable[[Connection, Outbox, Ids, datetime], RowsUnitOfWork]:
    """Units of work whose calls to providers are handed over once they are durable."""

    def make(connection: Connection, outbox: Outbox, ids: Ids, now: datetime) -> RowsUnitOfWork:
        return RowsUnitOfWork(
            outbox,
            ids,
            now,
            payment_rows=PostgresPaymentRows(connection),
            refund_rows=PostgresRefundRows(connection),
            ledger_rows=PostgresLedgerRows(connection),
            hand_over=hand_over,
        )

    return make
