"""What is wrong outside: the payment provider, and what time it is."""

import asyncio
from contextlib import suppress
from random import Random
from typing import Any, Final

import aiohttp

from feira.runtime.registry import SERVICES
from feira.torture.arena import Arena
from feira.torture.faults.fault import Missed

TROUBLED_SECONDS: Final = (2.0, 6.0)
SKEWED_SECONDS: Final = (2.0, 8.0)
SKEW_MS_MAX: Final = 90_000
FAILURES_MAX: Final = 50
LATENCY_MS: Final = (200, 4_000)
HONEST: Final = {
    "latency_ms": 0,
    "fail_next_requests": 0,
    "webhook_delay_ms": 0,
    "webhooks_paused": False,
}


async def trouble_provider(arena: Arena, dice: Random) -> str:
    """It fails, answers too late, or tells of what it did late or not at all."""
    seconds = dice.uniform(*TROUBLED_SECONDS)
    trouble: dict[str, Any] = dice.choice(
        [
            {"fail_next_requests": dice.randint(1, FAILURES_MAX)},
            {"latency_ms": dice.randint(*LATENCY_MS)},
            {"webhooks_paused": True},
            {
                "webhook_delay_ms": dice.randint(*LATENCY_MS),
                "latency_ms": dice.randint(*LATENCY_MS),
            },
        ]
    )
    try:
        await arena.client.play(**trouble)
        await asyncio.sleep(seconds)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Missed(f"sandbox: {error}") from error
    finally:
        # one that was killed meanwhile has started honest
        with suppress(aiohttp.ClientError, TimeoutError):
            await arena.client.play(**HONEST)
    return f"the provider for {seconds:.1f} s: {trouble}"


async def skew_clock(arena: Arena, dice: Random) -> str:
    """A service's clock jumps, forward or back, and later jumps back."""
    service = dice.choice(SERVICES)
    seconds = dice.uniform(*SKEWED_SECONDS)
    offset_ms = dice.randint(-SKEW_MS_MAX, SKEW_MS_MAX)
    arena.clock_error_max_ms = 2 * SKEW_MS_MAX
    arena.clocks.skew(service, offset_ms)
    try:
        await asyncio.sleep(seconds)
    finally:
        arena.clocks.skew(service, 0)
    return f"the clock of {service} {offset_ms / 1000:+.1f} s off for {seconds:.1f} s"
