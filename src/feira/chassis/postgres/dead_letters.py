"""Dead letters: seen by people, and sent again by them once the cause is gone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from feira.chassis.postgres.connection import ReadConnection, connect
from feira.chassis.postgres.errors import translated
from feira.contracts.cloudevents import CloudEvent, encode_batch
from feira.kernel.clock import Clock
from feira.kernel.errors import Category, Refused
from feira.kernel.ids import Ids

LIST: Final = """
SELECT id, message_id, topic, type, error, buried_at, redriven_at, substring(body FOR 2000)
FROM dead_letter
WHERE redriven_at IS NULL OR $1
ORDER BY id DESC LIMIT $2
"""
TAKE: Final = """
UPDATE dead_letter SET redriven_at = now() WHERE id = $1
RETURNING message_id, type, body
"""
SEND_AGAIN: Final = """
INSERT INTO outbox (envelope_id, topic, partition, body, events) VALUES ($1, $2, 0, $3, 1)
"""


@dataclass(frozen=True, slots=True)
class BuriedLetter:
    id: int
    message_id: str
    topic: str
    type: str
    error: str
    buried_at: datetime
    redriven_at: datetime | None
    body: str


def redrive_topic(service: str) -> str:
    """Where a service listens for its own dead letters."""
    return f"{service}.redrive"


async def list_dead_letters(
    connection: ReadConnection, *, letters_max: int = 100, also_redriven: bool = False
) -> list[BuriedLetter]:
    """The newest first."""
    rows = await connection.fetch(LIST, also_redriven, letters_max)
    return [_letter(row) for row in rows]


def _letter(row: Any) -> BuriedLetter:
    return BuriedLetter(
        id=row[0],
        message_id=row[1],
        topic=row[2],
        type=row[3],
        error=row[4],
        buried_at=row[5],
        redriven_at=row[6],
        body=row[7].decode(errors="replace"),
    )


async def redrive(dsn: str, service: str, letter_id: int, clock: Clock) -> Refused | None:
    """Send a dead letter to its service once more. Raises `Unavailable`."""
    connection = await connect(dsn, f"feira-{service}-redrive")
    ids = Ids(clock)
    try:
        async with translated(), connection.transaction():
            row = await connection.fetchrow(TAKE, letter_id)
            if row is None:
                return Refused(
                    Category.NOT_FOUND, "dead_letter_not_found", f"No dead letter {letter_id}."
                )
            body = encode_batch([_event(service, row, ids, clock)])
            await connection.execute(SEND_AGAIN, ids.uuid7(), redrive_topic(service), body)
    finally:
        await connection.close()
    return None


def _event(service: str, row: Any, ids: Ids, clock: Clock) -> CloudEvent:
    message_id, message_type, body = row
    event_id = str(ids.uuid7())
    return CloudEvent(
        id=event_id,
        source=f"/feira/{service}/redrive",
        type=message_type,
        subject=message_id,
        time=clock.now(),
        data=msgspec.Raw(body),
        partitionkey=message_id,
        correlationid=event_id,
        causationid=message_id or msgspec.UNSET,
    )
