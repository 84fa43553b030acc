"""The sandbox's small HTTP client, against servers that behave well and badly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field

import pytest

from feira.embedded.ports import free_port
from feira.sandbox.http_post import HEAD_BYTES_MAX, Poster, PostFailed
from tests.adapters.sandbox_world import eventually

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
TIMEOUT_SECONDS = 60.0
SHORT_TIMEOUT_SECONDS = 1.0


@dataclass(slots=True)
class RawServer:
    """Answers each request with the next of `answers` (None: not at all), and keeps what it got."""

    answers: list[bytes | None]
    closes: bool = False
    url: str = ""
    connections: int = 0
    ended: int = 0
    requests: list[bytes] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with closing(writer):
            while (request := await read_request(reader)) is not None:
                self.requests.append(request)
                if (answer := self.answers.pop(0)) is not None:
                    writer.write(answer)
                    await writer.drain()
                    if self.closes:
                        break
        self.ended += 1


async def read_request(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return head + await reader.readexactly(int(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


@asynccontextmanager
async def raw_server(*answers: bytes | None, closes: bool = False) -> AsyncIterator[RawServer]:
    behaviour = RawServer(list(answers), closes=closes)
    server = await asyncio.start_server(behaviour.talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    behaviour.url = f"http://127.0.0.1:{port}/hooks?shop=1"
    async with server:
        yield behaviour
    await eventually(lambda: behaviour.ended == behaviour.connections)


@asynccontextmanager
async def posting(
    url: str, timeout_seconds: float = TIMEOUT_SECONDS
) -> AsyncIterator[Callable[[bytes], Awaitable[int]]]:
    with closing(Poster(url, timeout_seconds=timeout_seconds)) as poster:
        yield lambda body: poster.post({"content-type": "text/plain"}, body)


async def test_posts_in_a_row_share_a_connection() -> None:
    answer = b"HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno"
    async with raw_server(NO_CONTENT, answer, NO_CONTENT) as server, posting(server.url) as post:
        assert [await post(body) for body in (b"a", b"", b"c" * 100_000)] == [204, 503, 204]
        assert server.connections == 1
    port = server.url.split(":")[2].split("/")[0]
    assert server.requests[0].split(b"\r\n") == [
        b"POST /hooks?shop=1 HTTP/1.1",
        b"host: 127.0.0.1:" + port.encode(),
        b"content-type: text/plain",
        b"content-length: 1",
        b"",
        b"a",
    ]
    assert server.requests[2].endswith(b"\r\n\r\n" + b"c" * 100_000)


async def test_posts_at_once_have_a_connection_each() -> None:
    async with raw_server(NO_CONTENT, NO_CONTENT) as server, posting(server.url) as post:
        assert [*await asyncio.gather(post(b"a"), post(b"b"))] == [204, 204]
        assert server.connections == 2


async def test_a_connection_closed_in_between_is_not_used_again() -> None:
    async with (
        raw_server(NO_CONTENT, NO_CONTENT, closes=True) as server,
        posting(server.url) as post,
    ):
        assert await post(b"a") == 204
        await eventually(lambda: server.ended == 1)
        assert await post(b"b") == 204
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nlater",
    ],
)
async def test_a_connection_that_cannot_be_kept_is_closed(answer: bytes) -> None:
    async with raw_server(answer, NO_CONTENT) as server, posting(server.url) as post:
        assert [await post(b"a"), await post(b"b")] == [200, 204]
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * HEAD_BYTES_MAX,
    ],
)
async def test_no_answer_is_a_failure_in_good_time(answer: bytes | None) -> None:
    async with (
        raw_server(answer, NO_CONTENT) as server,
        posting(server.url, SHORT_TIMEOUT_SECONDS) as post,
    ):
        async with asyncio.timeout(60):
            with pytest.raises(PostFailed):
                await post(b"a")
            assert await post(b"b") == 204


async def test_nobody_there_is_a_failure() -> None:
    async with posting(f"http://127.0.0.1:{free_port()}") as post:
        with pytest.raises(PostFailed, match="Connect"):
            await post(b"a")
