"""The table of reservations: one row an order, its lines within."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from feira.chassis.postgres.connection import Connection, count_of
from feira.chassis.store import Contention
from feira.services.inventory.domain.reservation import (
    Line,
    Reservation,
    ReservationStatus,
    Shortage,
)

INSERTED_COLUMNS: Final = (
    *("order_id", "status", "lines", "missing", "expires_at", "confirmed_at", "version"),
    "allotment_id",
)
COLUMNS: Final = ", ".join(INSERTED_COLUMNS)
LOAD: Final = f"SELECT {COLUMNS} FROM reservation WHERE order_id = ANY($1::bigint[])"
OVERDUE: Final = f"""
SELECT {COLUMNS} FROM reservation
WHERE status = 'held' AND expires_at <= $1
ORDER BY expires_at, order_id LIMIT $2
"""
UPDATE: Final = """
UPDATE reservation SET
    status = new.status, confirmed_at = new.confirmed_at, version = new.version
FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::integer[])
    AS new (order_id, status, confirmed_at, version)
WHERE reservation.order_id = new.order_id AND reservation.version = new.version - 1
"""
CURRENT: Final = """
SELECT count(*) FROM reservation
JOIN unnest($1::bigint[], $2::integer[]) AS known (order_id, version) USING (order_id, version)
"""

_encode: Final = msgspec.json.Encoder().encode
_lines: Final = msgspec.json.Decoder(tuple[Line, ...])
_missing: Final = msgspec.json.Decoder(tuple[Shortage, ...])


class PostgresReservationRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def load(self, ids: Collection[int]) -> Iterable[Reservation]:
        return map(reservation_from, await self._connection.fetch(LOAD, list(ids)))

    async def find_overdue(self, now: datetime, rows_max: int) -> Iterable[Reservation]:
        return map(reservation_from, await self._connection.fetch(OVERDUE, now, rows_max))

    async def insert(self, aggregates: Collection[Reservation]) -> None:
        try:
            await self._connection.copy_records_to_table(
                "reservation",
                records=map(_inserted, aggregates),
                columns=INSERTED_COLUMNS,
            )
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process decided on the same order") from error

    async def update(self, aggregates: Collection[Reservation]) -> int:
        status = await self._connection.execute(
            UPDATE,
            [reservation.order_id for reservation in aggregates],
            [reservation.status for reservation in aggregates],
            [reservation.confirmed_at for reservation in aggregates],
            [reservation.version for reservation in aggregates],
        )
        return count_of(status)

    async def count_current(self, aggregates: Collection[Reservation]) -> int:
        ids = [reservation.order_id for reservation in aggregates]
        versions = [reservation.version for reservation in aggregates]
        count: int = await self._connection.fetchval(CURRENT, ids, versions)
        return count


def reservation_from(row: Any) -> Reservation:
    order_id, status, lines, missing, expires_at, confirmed_at, version, allotment_id = row
    return Reservation(
        order_id,
        ReservationStatus(status),
        _lines.decode(lines),
        _missing.decode(missing) if missing else (),
        expires_at,
        confirmed_at,
        version,
        allotment_id,
    )


def _inserted(reservation: Reservation) -> tuple[Any, ...]:
    return (
        reservation.order_id,
        reservation.status,
        _encode(reservation.lines).decode(),
        _encode(reservation.missing).decode() if reservation.missing else None,
        reservation.expires_at,
        reservation.confirmed_at,
        reservation.version,
        reservation.allotment_id,
    )
