"""The subscriptions that a transport has to close with itself."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Protocol, TypeVar


class Closable(Protocol):
    @property
    def closed(self) -> bool: ...

    async def close(self) -> None: ...


S = TypeVar("S", bound=Closable)


class OpenSubscriptions:
    """Each has a number among those for the same purpose, such as a group.

    The lowest free one: a consumer that lost the broker, closes and subscribes anew is the same
    member as before, and need not wait until its own lease runs out.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], Closable] = {}

    def add(self, purpose: str, make: Callable[[int], S]) -> S:
        """Make a subscription, told its number from 1 on."""
        self._open = {place: each for place, each in self._open.items() if not each.closed}
        number = next(n for n in count(1) if (purpose, n) not in self._open)
        subscription = make(number)
        self._open[purpose, number] = subscription
        return subscription

    async def close(self) -> None:
        await asyncio.gather(*(subscription.close() for subscription in self._open.values()))
        self._open.clear()
