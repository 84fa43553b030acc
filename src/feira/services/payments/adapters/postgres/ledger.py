"""The ledger in SQL: rows are only ever added."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from feira.chassis.postgres.connection import Connection
from feira.services.payments.domain.ledger import Account, Kind, LedgerEntry

INSERT: Final = """
INSERT INTO ledger_entry (
    kind, debit_account, credit_account, booked_at, payment_id, refund_id, amount_cents
)
SELECT $1, $2, $3, $4, new.* FROM unnest($5::bigint[], $6::bigint[], $7::bigint[]) AS new
"""


class PostgresLedgerRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, entries: Collection[LedgerEntry], at: datetime) -> None:
        """A statement a kind of movement: mostly one, for all captures."""
        for (kind, debit, credit), movements in _by_kind(entries).items():
            columns = zip(*movements, strict=True)
            await self._connection.execute(INSERT, kind, debit, credit, at, *map(list, columns))


def _by_kind(
    entries: Collection[LedgerEntry],
) -> dict[tuple[Kind, Account, Account], list[tuple[int, int, int]]]:
    """(payment_id, refund_id, amount_cents) of the entries, by what they have in common."""
    kinds: dict[tuple[Kind, Account, Account], list[tuple[int, int, int]]] = {}
    for payment_id, refund_id, kind, debit, credit, amount_cents in entries:
        movement = (payment_id, refund_id, amount_cents)
        kinds.setdefault((kind, debit, credit), []).append(movement)
    return kinds
