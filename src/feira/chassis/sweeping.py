"""What is of no more use is dropped, a bounded number at a time: claims, answers, envelopes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from feira.chassis.transports.port import Transport
from feira.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

INBOX_SWEEP_SECONDS: Final = 300.0
TRIM_SECONDS: Final = 5.0
ROWS_AT_ONCE_MAX: Final = 10_000
INBOX_KEPT_DAYS: Final = 7
IDEMPOTENCY_KEPT_DAYS: Final = 7


async def sweep_inbox(
    sweep: Callable[[str], Awaitable[None]], name: str, every_seconds: float
) -> None:
    """Have the database `sweep` what is older than any repeat can be. Runs until cancelled."""
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await sweep(name)
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
