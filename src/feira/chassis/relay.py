"""The relay: takes committed envelopes from the outbox to the broker, in order a key.

Envelopes are read by their id among those that are there, never from a cursor: an id that was drawn
early can become visible late. For one key the order of ids is the order of commits, since whoever
announces a change of an aggregate holds its lock. One relay at a time publishes for a database (an
advisory lock), and an envelope is deleted only after the broker has confirmed it: a crash between
the two publishes it again, and the inbox of the others knows it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential

from feira.chassis.telemetry.metrics import RelayMetrics
from feira.chassis.transports.port import Envelope, Transport
from feira.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

ENVELOPES_AT_ONCE_MAX: Final = 64
POLL_SECONDS: Final = 0.5
EPOCH_CHECK_SECONDS: Final = 1.0
RETRY_WAIT_SECONDS_MAX: Final = 2.0


class OutboxReader(Protocol):
    """The relay's own view of the outbox, on a connection of its own."""

    def call_when_more(self, wake: Callable[[], None]) -> None:
        """`wake` is called when there may be more than when it was last looked; by a reader that
        knows."""
        ...

    async def lead(self) -> bool:
        """Become, or stay, the only relay of this database. Raises `Unavailable`."""
        ...

    async def unpublished(self, envelopes_max: int) -> tuple[list[int], list[Envelope], float]:
        """Row ids, envelopes in order, and the age in seconds of the oldest."""
        ...

    async def delete(self, row_ids: list[int]) -> None: ...

    async def known_epoch(self) -> str | None: ...

    async def remember_epoch(self, epoch: str) -> None: ...


class Relay:
    def __init__(
        self,
        name: str,
        outbox: OutboxReader,
        transport: Transport,
        metrics: RelayMetrics,
        on_broker_lost: Callable[[], Awaitable[None]],
    ) -> None:
        self._name = name
        self._outbox = outbox
        self._transport = transport
        self._metrics = metrics
        self._on_broker_lost = on_broker_lost
        self._wake = asyncio.Event()
        outbox.call_when_more(self.wake)

    def wake(self) -> None:
        """Something was committed: look at once."""
        self._wake.set()

    async def run(self) -> None:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(Unavailable),
            wait=wait_exponential(multiplier=0.02, max=RETRY_WAIT_SECONDS_MAX),
        ):
            with attempt:
                await self._follow()

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        epoch_checked_at = -EPOCH_CHECK_SECONDS
        while True:
            if await self._outbox.lead():
                if loop.time() - epoch_checked_at >= EPOCH_CHECK_SECONDS:
                    await self._check_epoch()
                    epoch_checked_at = loop.time()
                while await self._publish_some():
                    pass
            await self._sleep()

    async def _publish_some(self) -> bool:
        """Publish what waits, and tell whether there may be more."""
        row_ids, envelopes, oldest_seconds = await self._outbox.unpublished(ENVELOPES_AT_ONCE_MAX)
        self._metrics.outbox_age(oldest_seconds)
        if not envelopes:
            return False
        await self._transport.publish(envelopes)
        await self._outbox.delete(row_ids)
        self._metrics.published(len(envelopes), sum(e.events for e in envelopes))
        return len(envelopes) == ENVELOPES_AT_ONCE_MAX

    async def _check_epoch(self) -> None:
        """A broker that has lost its data has lost our messages: say again what still matters."""
        epoch, known = await self._transport.epoch(), await self._outbox.known_epoch()
        if epoch == known:
            return
        if known is not None:
            log.warning("broker_lost_its_data", service=self._name)
            await self._on_broker_lost()
        await self._outbox.remember_epoch(epoch)

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()
