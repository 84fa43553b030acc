"""Old claims and answers are deleted, a bounded number at a time."""

from typing import Final

from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.errors import translated
from feira.chassis.sweeping import IDEMPOTENCY_KEPT_DAYS, INBOX_KEPT_DAYS, ROWS_AT_ONCE_MAX

SWEEP_INBOX: Final = """
DELETE FROM inbox WHERE id IN (
    SELECT id FROM inbox WHERE handled_at < now() - make_interval(days => $1) LIMIT $2
)
"""
SWEEP_IDEMPOTENCY: Final = """
DELETE FROM idempotency WHERE (caller, key) IN (
    SELECT caller, key FROM idempotency
    WHERE answered_at < now() - make_interval(days => $1) LIMIT $2
)
"""


async def sweep(dsn: str, name: str) -> None:
    """Raises `Unavailable`."""
    connection = await connect(dsn, f"feira-{name}-sweep")
    try:
        async with translated():
            await connection.execute(SWEEP_INBOX, INBOX_KEPT_DAYS, ROWS_AT_ONCE_MAX)
            await connection.execute(SWEEP_IDEMPOTENCY, IDEMPOTENCY_KEPT_DAYS, ROWS_AT_ONCE_MAX)
    finally:
        await connection.close()
