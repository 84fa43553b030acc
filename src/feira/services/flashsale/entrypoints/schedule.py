"""What flash sales do by the clock, and when the broker has lost its data."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

import structlog

from feira.kernel.clock import Clock
from feira.kernel.errors import Overloaded, Unavailable
from feira.services.flashsale.application.say_again import SayAgain
from feira.services.flashsale.application.turn_drops import TurnDrops

log = structlog.get_logger(__name__)

WHEN_BROKER_LOST: Final = (SayAgain(),)
WAIT_SECONDS_MIN: Final = 0.02
"""What is due may be another process's work at this moment: it is looked at again."""


async def turn_when_due(
    next_due: Callable[[], Awaitable[datetime | None]],
    ask: Callable[[Any], Awaitable[Any]],
    clock: Clock,
    *,
    every_seconds: float,
) -> None:
    """Have the lane do what is due, at its time. Looks at least every so often, since campaigns
    are also started by other processes, and clocks are put right. Runs until cancelled."""
    while True:
        wait_seconds = every_seconds
        try:
            due_at = await next_due()
            if due_at is not None and due_at <= clock.now():
                await ask(TurnDrops())
                due_at = await next_due()
            if due_at is not None:
                wait_seconds = min((due_at - clock.now()).total_seconds(), every_seconds)
        except (Overloaded, Unavailable) as error:
            log.warning("clock_put_off", error=str(error))
        except Exception:
            log.exception("clock_failed")
        await asyncio.sleep(max(wait_seconds, WAIT_SECONDS_MIN))
