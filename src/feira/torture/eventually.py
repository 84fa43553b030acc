"""Waiting without sleeping blindly: ask again and again, for as long as one can bear."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

ASK_EVERY_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
"""Much more than anything takes: it tells what never comes from what is slow to come."""


async def eventually(
    probe: Callable[[], Awaitable[T]],
    timeout_seconds: float = PATIENCE_SECONDS,
    what: str = "",
    every_seconds: float = ASK_EVERY_SECONDS,
) -> T:
    """What the probe gives once that is true.

    Fails with what it gave last, or with what it raised; an `AssertionError` in it means "not yet".
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            found, raised = await probe(), None
            if found:
                return found
        except AssertionError as error:
            found, raised = None, error
        if time.monotonic() > deadline:
            last = raised if raised is not None else repr(found)
            raise AssertionError(f"not within {timeout_seconds:g} s: {what or probe}\nlast: {last}")
        await asyncio.sleep(every_seconds)
