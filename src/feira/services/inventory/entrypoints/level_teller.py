"""The task that has changed levels told, all together, some times a second."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from feira.kernel.errors import FeiraError
from feira.services.inventory.application.announce_levels import AnnounceLevels
from feira.services.inventory.application.tell_levels import TellLevels
from feira.services.inventory.application.untold_levels import UntoldLevels

log = structlog.get_logger(__name__)

Ask = Callable[[Any], Awaitable[Any]]
"""Has the lane do a command."""


async def tell_changed_levels(
    ask: Ask, untold: UntoldLevels, *, every_seconds: float, levels_max: int
) -> None:
    """Runs until cancelled. Begins with all levels: who died may have left some untold."""
    has_begun = await _is_done(ask, AnnounceLevels())
    while True:
        await asyncio.sleep(every_seconds)
        has_begun = has_begun or await _is_done(ask, AnnounceLevels())
        product_ids = untold.take(levels_max)
        if product_ids and not await _is_done(ask, TellLevels(product_ids)):
            untold.add(product_ids)


async def _is_done(ask: Ask, command: Any) -> bool:
    """If not, it may have been done all the same. A level that is told twice does no harm."""
    try:
        await ask(command)
    except FeiraError as error:
        log.warning("levels_put_off", error=repr(error))
        return False
    except Exception:
        log.exception("levels_failed")
        return False
    return True
