"""Connections to the stores that are cut, slow, or swallow what they are given."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

from feira.torture.arena import Arena
from feira.torture.faults.fault import Missed, Strike
from feira.torture.proxy import Proxy

DELAY_SECONDS: Final = (0.02, 0.3)
DELAYED_SECONDS: Final = (2.0, 6.0)
STALLED_SECONDS: Final = (1.0, 5.0)
REFUSED_SECONDS: Final = (0.5, 3.0)

ProxyOf = Callable[[Arena], Proxy]


def database_of(arena: Arena) -> Proxy:
    return arena.database


def broker_of(arena: Arena) -> Proxy:
    return arena.broker_link


def cut(name: str, proxy_of: ProxyOf) -> Strike:
    """All connections are reset, and for a moment no new one comes through."""

    async def strike(arena: Arena, dice: Random) -> str:
        proxy = proxy_of(arena)
        seconds = dice.uniform(*REFUSED_SECONDS)
        proxy.refuses = True
        try:
            connections = proxy.cut()
            if not connections:
                raise Missed(f"no connection to {name}")
            await asyncio.sleep(seconds)
        finally:
            proxy.refuses = False
        return f"{connections} connections to {name} cut, none let in for {seconds:.1f} s"

    return strike


def delay(name: str, proxy_of: ProxyOf) -> Strike:
    async def strike(arena: Arena, dice: Random) -> str:
        proxy = proxy_of(arena)
        seconds = dice.uniform(*DELAYED_SECONDS)
        proxy.delay_seconds = dice.uniform(*DELAY_SECONDS)
        told = f"{name} {proxy.delay_seconds * 1000:.0f} ms away for {seconds:.1f} s"
        try:
            await asyncio.sleep(seconds)
        finally:
            proxy.delay_seconds = 0.0
        return told

    return strike


def stall(name: str, proxy_of: ProxyOf) -> Strike:
    """Nothing arrives and nobody is told: the cable is pulled, and put back."""

    async def strike(arena: Arena, dice: Random) -> str:
        proxy = proxy_of(arena)
        seconds = dice.uniform(*STALLED_SECONDS)
        proxy.stall(stalls=True)
        try:
            await asyncio.sleep(seconds)
        finally:
            proxy.stall(stalls=False)
        return f"nothing to or from {name} for {seconds:.1f} s"

    return strike
