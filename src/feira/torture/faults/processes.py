"""Processes that are killed, or stand still for a while."""

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from random import Random
from typing import Final

import psutil

from feira.runtime.registry import SERVICES
from feira.torture.arena import Arena
from feira.torture.faults.fault import Missed, Strike

PAUSE_SECONDS: Final = (0.5, 4.0)
CALM_SECONDS_MAX: Final = 20.0


async def kill_service(arena: Arena, dice: Random) -> str:
    """Each in its turn: in a run of some length every one is killed."""
    if not arena.next_killed:
        arena.next_killed.extend(dice.sample(SERVICES, len(SERVICES)))
    return _kill(arena, arena.next_killed.pop())


async def kill_broker(arena: Arena, _dice: Random) -> str:
    return _kill(arena, arena.broker)


def kill_part(name: str) -> Strike:
    async def strike(arena: Arena, _dice: Random) -> str:
        return _kill(arena, name)

    return strike


async def kill_everything(arena: Arena, _dice: Random) -> str:
    """All at once: what a power failure is to one machine, the disk's own cache aside."""
    names = arena.shop.parts()
    for name in names:
        _kill(arena, name)
    return f"kill -9 of {', '.join(names)}"


async def kill_shop(arena: Arena, _dice: Random) -> str:
    """`feira up` itself; the next one takes over what it left."""
    arena.shop.kill()
    arena.shop.launch()
    await arena.shop.until_open()
    return "kill -9 of feira up, and another one started"


async def pause_service(arena: Arena, dice: Random) -> str:
    return await _pause(arena, dice.choice(SERVICES), dice)


async def pause_broker(arena: Arena, dice: Random) -> str:
    return await _pause(arena, arena.broker, dice)


def pause_part(name: str) -> Strike:
    async def strike(arena: Arena, dice: Random) -> str:
        return await _pause(arena, name, dice)

    return strike


async def pause_supervisor(arena: Arena, dice: Random) -> str:
    """Whatever ends meanwhile is started again only when it wakes up."""
    return await _stand_still([arena.shop.program.pid], "feira up", dice)


def _kill(arena: Arena, name: str) -> str:
    try:
        return f"kill -9 of {name} ({arena.shop.kill_part(name)})"
    except (OSError, ValueError, IndexError) as error:
        raise Missed(f"{name}: {error}") from error


async def _pause(arena: Arena, name: str, dice: Random) -> str:
    try:
        pids = arena.shop.pids_of(name)
    except (psutil.Error, OSError, ValueError, IndexError) as error:
        raise Missed(f"{name}: {error}") from error
    return await _stand_still(pids, name, dice)


async def _stand_still(pids: list[int], name: str, dice: Random) -> str:
    seconds = dice.uniform(*PAUSE_SECONDS)
    _signal(pids, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        _signal(pids, signal.SIGCONT)
    return f"{name} stood still for {seconds:.1f} s"


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
