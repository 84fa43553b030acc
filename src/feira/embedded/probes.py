"""Probes that tell whether a process is ready: each a factory of a `ReadyProbe`."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from feira.embedded.ports import HOST
from feira.embedded.process import ReadyProbe

ANSWER_TIMEOUT_SECONDS = 2.0
ANSWER_BYTES_MAX = 4096


def answers_http(port: int, path: str = "/readyz") -> ReadyProbe:
    """Ready when `GET path` on 127.0.0.1:`port` is answered with a 2xx status."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode()

    async def probe(_pid: int) -> bool:
        answer = await _ask_tcp(port, request)
        words = answer.split(maxsplit=2)
        return len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].startswith(b"2")

    return probe


def accepts_tcp(port: int) -> ReadyProbe:
    """Ready when something accepts connections on 127.0.0.1:`port`."""

    async def probe(_pid: int) -> bool:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                _, writer = await asyncio.open_connection(HOST, port)
        except (OSError, TimeoutError):
            return False
        await _close(writer)
        return True

    return probe


async def ask_unix(socket_path: str, request: bytes, answer_bytes: int) -> bytes:
    """Send to a Unix socket and give the first `answer_bytes`; nothing when it does not answer."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(socket_path)
            return await _exchange(reader, writer, request, answer_bytes)
    except (OSError, TimeoutError):
        return b""


async def _ask_tcp(port: int, request: bytes) -> bytes:
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(HOST, port)
            return await _exchange(reader, writer, request, ANSWER_BYTES_MAX)
    except (OSError, TimeoutError):
        return b""


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, answer_bytes: int
) -> bytes:
    try:
        writer.write(request)
        return await reader.readexactly(answer_bytes)
    except asyncio.IncompleteReadError as error:
        return error.partial
    finally:
        await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
