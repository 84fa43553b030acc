"""What is of no more use is dropped, a bounded number at a time: claims, answers, envelopes."""

import asyncio
from typing import Final

import structlog

from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.errors import translated
from feira.chassis.transports.port import Transport
from feira.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

INBOX_SWEEP_SECONDS: Final = 300.0
TRIM_SECONDS: Final = 5.0
ROWS_AT_ONCE_MAX: Final = 10_000
INBOX_KEPT_DAYS: Final = 7
IDEMPOTENCY_KEPT_DAYS: Final = 7

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


async def sweep_inbox(dsn: str, name: str, every_seconds: float) -> None:
    """Forget claims and answers that are older than any repeat can be. Runs until cancelled."""
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await _sweep(dsn, name)
        except Unavailable as error:
            log.warning("sweep_put_off", service=name, error=str(error))


async def trim_broker(transport: Transport, name: str, every_seconds: float) -> None:
    """Drop envelopes that every group has taken: a broker may keep them in memory (Valkey does).

    Every service does it; one would do. Runs until cancelled.
    """
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await transport.trim()
        except Unavailable as error:
            log.warning("trim_put_off", service=name, error=str(error))


async def _sweep(dsn: str, name: str) -> None:
    connection = await connect(dsn, f"feira-{name}-sweep")
    try:
        async with translated():
            await connection.execute(SWEEP_INBOX, INBOX_KEPT_DAYS, ROWS_AT_ONCE_MAX)
            await connection.execute(SWEEP_IDEMPOTENCY, IDEMPOTENCY_KEPT_DAYS, ROWS_AT_ONCE_MAX)
    finally:
        await connection.close()
