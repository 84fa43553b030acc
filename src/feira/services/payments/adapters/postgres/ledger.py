"""The ledger in SQL: rows are only ever added."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from feira.chassis.postgres.connection import Connection
from feira.services.payments.domain.ledger import LedgerEntry

COLUMNS: Final = (
    *("payment_id", "refund_id", "kind", "debit_account", "credit_account", "amount_cents"),
    "booked_at",
)


class PostgresLedgerRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, entries: Collection[LedgerEntry], at: datetime) -> None:
        await self._connection.copy_records_to_table(
            "ledger_entry", records=[(*entry, at) for entry in entries], columns=COLUMNS
        )
