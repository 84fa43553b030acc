"""The table of sagas.

What never changes (`purchase`) and what does (`progress`) are columns of their own: an update then
writes little to the log. No index covers what changes at every step, so that updates stay HOT; the
sweep reads the open sagas through a partial index.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final

import asyncpg
import msgspec

from feira.chassis.aggregates import Aggregates, Shelf
from feira.chassis.postgres.connection import Connection, count_of
from feira.chassis.store import Contention
from feira.services.orchestrator.domain.purchase_saga import Purchase, Saga, State

SAGA_COLUMNS: Final = "purchase, progress, version"
LOAD: Final = f"SELECT {SAGA_COLUMNS} FROM saga WHERE order_id = ANY($1::bigint[])"
OVERDUE: Final = f"""
SELECT {SAGA_COLUMNS} FROM saga WHERE open AND deadline <= $1 ORDER BY order_id LIMIT $2
"""
CURRENT: Final = """
SELECT count(*) FROM saga JOIN unnest($1::bigint[], $2::integer[]) AS known (order_id, version)
USING (order_id, version)
"""
INSERTED_COLUMNS: Final = (
    *("order_id", "purchase", "started_at", "open", "deadline", "progress", "version"),
)
UPDATE: Final = """
UPDATE saga SET
    open = new.open, deadline = new.deadline, progress = new.progress, version = new.version
FROM unnest($1::bigint[], $2::boolean[], $3::timestamptz[], $4::json[], $5::integer[])
     AS new (order_id, open, deadline, progress, version)
WHERE saga.order_id = new.order_id AND saga.version = new.version - 1
"""


class Progress(msgspec.Struct, array_like=True):
    """What changes of a saga, as it is stored; fields are only ever added, at the end."""

    state: State
    deadline: datetime
    asked: int
    attempt: int
    method: str
    token: str
    inventory_status: str
    payment_status: str
    captured_cents: int
    refunded_cents: int
    reason: str
    order_canceled: bool
    step: int
    timeline: list[tuple[int, str, str]]


_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_encode: Final = msgspec.json.Encoder().encode
_purchase: Final = msgspec.json.Decoder(Purchase)
_progress: Final = msgspec.json.Decoder(Progress)
_changing_parts: Final = attrgetter(*Progress.__struct_fields__)


def saga_from(row: Any) -> Saga:
    purchase, progress, version = row
    saga = Saga(_purchase.decode(purchase), State.RESERVING, _NEVER, version=version)
    for name, value in msgspec.structs.asdict(_progress.decode(progress)).items():
        setattr(saga, name, value)
    return saga


def _progress_of(saga: Saga) -> str:
    return _encode(_changing_parts(saga)).decode()


class PostgresSagaRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def load(self, ids: Collection[int]) -> Iterable[Saga]:
        return map(saga_from, await self._connection.fetch(LOAD, list(ids)))

    async def find_overdue(self, by: datetime, sagas_max: int) -> Iterable[Saga]:
        return map(saga_from, await self._connection.fetch(OVERDUE, by, sagas_max))

    async def insert(self, aggregates: Collection[Saga]) -> None:
        records = [
            (
                saga.purchase.order_id,
                _encode(saga.purchase).decode(),
                saga.purchase.started_at,
                saga.open,
                saga.deadline,
                _progress_of(saga),
                saga.version,
            )
            for saga in aggregates
        ]
        try:
            await self._connection.copy_records_to_table(
                "saga", records=records, columns=INSERTED_COLUMNS
            )
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process has started the same saga") from error

    async def update(self, aggregates: Collection[Saga]) -> int:
        status = await self._connection.execute(
            UPDATE,
            [saga.purchase.order_id for saga in aggregates],
            [saga.open for saga in aggregates],
            [saga.deadline for saga in aggregates],
            [_progress_of(saga) for saga in aggregates],
            [saga.version for saga in aggregates],
        )
        return count_of(status)

    async def count_current(self, aggregates: Collection[Saga]) -> int:
        ids = [saga.purchase.order_id for saga in aggregates]
        count: int = await self._connection.fetchval(CURRENT, ids, [s.version for s in aggregates])
        return count


class Sagas(Aggregates[Saga]):
    def __init__(self, rows: PostgresSagaRows, shelf: Shelf[Saga]) -> None:
        super().__init__(rows, lambda saga: saga.purchase.order_id, shelf)
        self._find_overdue = rows.find_overdue

    async def find_overdue(self, by: datetime, sagas_max: int) -> Sequence[Saga]:
        await self.flush()  # what was decided earlier in this batch counts
        return self._learn(await self._find_overdue(by, sagas_max))


def new_shelf() -> Shelf[Saga]:
    """Sagas at rest are hardly touched again."""
    return Shelf(lambda saga: saga.open)
