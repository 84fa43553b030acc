"""Server-sent events: as things stand now, within limits, until somebody leaves."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from feira.chassis.http.event_stream import EventStream, StreamLimits, Streams, event
from feira.kernel.errors import Overloaded, Rejected
from tests.eventually import eventually

SCOPE = {"type": "http", "method": "GET"}


class Client:
    """Somebody at the other end, who reads until told to leave."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.leaves = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.got.append(message)

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.got).decode()


async def numbers(closed: list[str]) -> AsyncGenerator[bytes]:
    try:
        for number in range(3):
            yield event("number", str(number).encode(), str(number))
        await asyncio.Event().wait()
    finally:
        closed.append("closed")


def streams(**limits: Any) -> Streams:
    return Streams(StreamLimits(**limits), asyncio.Event())


async def test_events_are_sent_as_they_come_and_nothing_between_buffers_them() -> None:
    client, closed = Client(), list[str]()
    stream = EventStream(streams(), "192.0.2.1", numbers(closed))
    running = asyncio.create_task(stream(SCOPE, client.receive, client.send))
    await eventually(lambda: _has(client, "data: 2\n\n"), 5, "the last event")
    headers = dict(client.got[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"x-accel-buffering"] == b"no"
    assert b"content-length" not in headers
    assert client.text.startswith("retry: 2000\n\nid: 0\nevent: number\ndata: 0\n\n")
    client.leaves.set()
    await running
    assert closed == ["closed"], "its source is closed when the client has gone"


async def test_a_stream_ends_when_the_process_stops_or_its_time_is_over() -> None:
    all_streams = streams()
    client = Client()
    running = asyncio.create_task(
        EventStream(all_streams, "a", numbers([]))(SCOPE, client.receive, client.send)
    )
    await eventually(lambda: _has(client, "data: 2\n\n"), 5, "the last event")
    all_streams.stopping.set()
    await running
    assert not client.got[-1].get("more_body")
    short = EventStream(streams(stream_seconds_max=0.01), "a", numbers([]))
    await short(SCOPE, Client().receive, client.send)


async def test_there_are_only_so_many_streams_and_so_many_of_an_address() -> None:
    counts: list[int] = []
    all_streams = Streams(StreamLimits(3, 2), asyncio.Event(), counts.append)
    with all_streams.opened("a"), all_streams.opened("a"):
        with pytest.raises(Rejected, match="too_many_streams"), all_streams.opened("a"):
            pass
        with all_streams.opened("b"), pytest.raises(Overloaded), all_streams.opened("c"):
            pass
    with all_streams.opened("a"), all_streams.opened("a"):
        pass
    assert counts[-1] == 0


async def test_a_bug_in_the_source_is_not_hidden() -> None:
    async def broken() -> AsyncGenerator[bytes]:
        yield event("first", b"1")
        raise KeyError("a bug")

    client = Client()
    with pytest.raises(KeyError):
        await EventStream(streams(), "a", broken())(SCOPE, client.receive, client.send)


async def _has(client: Client, text: str) -> bool:
    return text in client.text
