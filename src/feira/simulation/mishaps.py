"""Planned faults: what happens to whom, and for how long, from the mishap's own number."""

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from feira.simulation.plan import Mishap, Plan
from feira.simulation.process import LEASE_SECONDS
from feira.simulation.shop import Shop

DOWN_SECONDS_MAX: Final = 4.0
JUMP_SECONDS: Final = (1.0, 5.0, 20.0, 60.0)
CRASH_AGAIN: Final = 0.15
"""How likely a process dies right after its restart, too."""


async def bring_about(mishap: Mishap, plan: Plan, shop: Shop) -> None:
    await asyncio.sleep(mishap.at_seconds)
    if shop.faults.happens(mishap.kind):
        _DEEDS[mishap.kind](shop, Random(f"{plan.seed} mishap {mishap.number}"))


def _crash(shop: Shop, chance: Random) -> None:
    process = chance.choice(shop.all_processes)
    process.die()
    if chance.random() < CRASH_AGAIN:
        shop.loop.call_later(chance.random() * 8, process.die)


def _database_down(shop: Shop, chance: Random) -> None:
    server = shop.servers[chance.choice(sorted(shop.servers))]
    server.is_down = True
    shop.loop.call_later(chance.random() * DOWN_SECONDS_MAX, setattr, server, "is_down", False)


def _broker_down(shop: Shop, chance: Random) -> None:
    shop.broker.stop()
    shop.loop.call_later(chance.random() * DOWN_SECONDS_MAX, shop.broker.start)


def _broker_wiped(shop: Shop, _chance: Random) -> None:
    shop.broker.wipe()


def _cut_off(shop: Shop, chance: Random) -> None:
    """The process does not reach the broker any more, until it is started anew."""
    process = chance.choice(shop.all_processes)
    if process.cut_off():
        shop.loop.call_later(LEASE_SECONDS + chance.random() * 5, process.die)


def _provider_down(shop: Shop, chance: Random) -> None:
    shop.provider_server.is_down = True
    seconds = chance.random() * DOWN_SECONDS_MAX
    shop.loop.call_later(seconds, setattr, shop.provider_server, "is_down", False)


def _clock_forward(shop: Shop, chance: Random) -> None:
    _jump(shop, chance, 1)


def _clock_back(shop: Shop, chance: Random) -> None:
    _jump(shop, chance, -1)


def _jump(shop: Shop, chance: Random, sign: int) -> None:
    """And back again after a while, as when a machine hears of the right time."""
    clock = shop.clocks[chance.choice(sorted(shop.clocks))]
    seconds = sign * chance.random() * chance.choice(JUMP_SECONDS)
    clock.jump(seconds)
    shop.loop.call_later(chance.random() * 30, clock.jump, -seconds)


_DEEDS: Final[Mapping[str, Callable[[Shop, Random], None]]] = {
    "crash": _crash,
    "database_down": _database_down,
    "broker_down": _broker_down,
    "broker_wiped": _broker_wiped,
    "cut_off": _cut_off,
    "provider_down": _provider_down,
    "clock_forward": _clock_forward,
    "clock_back": _clock_back,
}
CLOCK_ERROR_MAX_MS: Final = 500_000
"""Several jumps of one clock may come together."""
