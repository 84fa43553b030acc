"""Hands requests to the use cases, in the next transaction, at the moment they are handed over."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from starlette.types import Receive

from feira.kernel.clock import Clock
from feira.sandbox.books import Books
from feira.sandbox.controls import Controls
from feira.sandbox.group_commit import GroupCommit
from feira.sandbox.messages import Charge, ChargeRequest, KeyMismatch
from feira.sandbox.provider import Moment, take_charges
from feira.sandbox.settings import SandboxSettings

T = TypeVar("T")


class Desk:
    """What the endpoints work with."""

    def __init__(
        self,
        books: Books,
        commits: GroupCommit,
        controls: Controls,
        clock: Clock,
        settings: SandboxSettings,
        *,
        closing: asyncio.Event,
    ) -> None:
        self.books = books
        self.controls = controls
        self.settings = settings
        self._commits = commits
        self._clock = clock
        self._closing = closing

    async def run(self, use_case: Callable[[Books, Moment], T]) -> T:
        """Raises `TooManyWrites`, `BooksUnavailable`."""
        moment = self._moment()
        return await self._commits.submit(lambda: use_case(self.books, moment))

    async def charge(self, requests: Sequence[ChargeRequest]) -> list[Charge | KeyMismatch]:
        """The answers, each in its place."""
        if not requests:
            return []
        return await self.run(partial(take_charges, requests=requests))

    async def charge_late(self, requests: Sequence[ChargeRequest]) -> list[Charge | KeyMismatch]:
        """The same, decided only after a while: until then the books know nothing of it."""
        await self.pause(self.settings.slow_seconds)
        return await self.charge(requests)

    async def hang(self, receive: Receive) -> None:
        """Keep the caller waiting until it gives up, or for `hang_seconds`."""
        leaving = asyncio.create_task(until_gone(receive))
        pausing = asyncio.create_task(self.pause(self.settings.hang_seconds))
        await asyncio.wait((leaving, pausing), return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        pausing.cancel()

    async def pause(self, seconds: float) -> None:
        """Wait; a shutdown ends every wait at once."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return

    def _moment(self) -> Moment:
        return Moment.of(
            self._clock.now(),
            webhook_delay_ms=self.controls.webhook_delay_ms,
            held_webhook_delay_ms=int(self.settings.timeout_webhook_delay_seconds * 1000),
        )


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
