"""Server-sent events (WHATWG HTML, section 9.2), within limits.

A stream has no queue: its source says how things stand *now* whenever the client has taken what was
sent before, so a slow client gets fewer events and costs no memory. The number of streams of a
process, and of one address, is limited; a client that takes nothing for a while is cut off.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from feira.kernel.errors import Category, Overloaded, Refused, Rejected

HEARTBEAT: Final = b": heartbeat\n\n"
HEARTBEAT_SECONDS: Final = 10.0
"""Less than any proxy waits for the next byte (the gateway: 30 s)."""
RETRY_MS: Final = 2_000
SEND_SECONDS_MAX: Final = 30.0

TOO_MANY_STREAMS: Final = Refused(
    Category.TOO_MANY,
    "too_many_streams",
    "There are too many event streams from this address.",
    retry_after_seconds=5,
)


@dataclass(frozen=True, slots=True)
class StreamLimits:
    streams_max: int = 2_000
    streams_an_address_max: int = 100
    stream_seconds_max: float = 900.0
    """Then the client opens another, which goes on where this one ended."""


class Streams:
    """The streams of a process."""

    def __init__(
        self,
        limits: StreamLimits,
        stopping: asyncio.Event,
        on_change: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self.limits = limits
        self.stopping = stopping
        self._on_change = on_change
        self._by_address: Counter[str] = Counter()
        self._open = 0

    @contextmanager
    def opened(self, address: str) -> Iterator[None]:
        """Raises `Overloaded` or `Rejected` (429) when there are too many."""
        if self._open >= self.limits.streams_max:
            raise Overloaded("event streams", retry_after_seconds=5)
        if self._by_address[address] >= self.limits.streams_an_address_max:
            raise Rejected(TOO_MANY_STREAMS)
        self._by_address[address] += 1
        self._count(1)
        try:
            yield
        finally:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
            self._count(-1)

    def _count(self, change: int) -> None:
        self._open += change
        self._on_change(self._open)


class EventStream(Response):
    """Sends what `events` gives, until it ends, the client leaves, or the process stops."""

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, address: str, events: AsyncGenerator[bytes]) -> None:
        super().__init__(
            headers={
                "cache-control": "no-store",
                "x-accel-buffering": "no",  # NGINX: hand each event on at once
            }
        )
        del self.headers["content-length"]
        self._streams = streams
        self._address = address
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.opened(self._address):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                await self._until_it_ends(receive, send)
            await send({"type": "http.response.body", "body": b""})

    async def _until_it_ends(self, receive: Receive, send: Send) -> None:
        tasks = [
            asyncio.create_task(self._send_events(send)),
            asyncio.create_task(_until_gone(receive)),
            asyncio.create_task(self._streams.stopping.wait()),
        ]
        try:
            await asyncio.wait(
                tasks,
                timeout=self._streams.limits.stream_seconds_max,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self._events.aclose()
        if isinstance(results[0], Exception) and not isinstance(results[0], TimeoutError):
            raise results[0]

    async def _send_events(self, send: Send) -> None:
        await _send(send, b"retry: %d\n\n" % RETRY_MS)
        async for event in self._events:
            await _send(send, event)


def event(name: str, data: bytes, event_id: str | None = None) -> bytes:
    """One event; `data` is one line of JSON."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\ndata: ".encode() + data + b"\n\n"


async def _send(send: Send, body: bytes) -> None:
    async with asyncio.timeout(SEND_SECONDS_MAX):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
