"""POSTs to one URL over kept-alive HTTP/1.1 connections, of whose answers only the status counts.

A general client costs ten times the CPU of this a request, and the sandbox shares its cores with
the shop it is there for.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpResponseParser

READ_BYTES: Final = 16_384
HEAD_BYTES_MAX: Final = 65_536
PORTS: Final = {"http": 80, "https": 443}


class PostFailed(Exception):
    """No answer: no connection, too late, or not HTTP."""


@dataclass(frozen=True, slots=True)
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def close(self) -> None:
        self.writer.close()


class Poster:
    """As many connections as posts under way at once; the idle ones are kept."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._is_tls = parts.scheme == "https"
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        host = parts.netloc.rpartition("@")[2]
        self._head = f"POST {target} HTTP/1.1\r\nhost: {host}\r\n"
        self._timeout_seconds = timeout_seconds
        self._idle: list[Connection] = []

    async def post(self, headers: Mapping[str, str], body: bytes) -> int:
        """The answer's status. Raises `PostFailed`."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._post(self._request(headers, body))
        except (OSError, TimeoutError, HttpParserError) as error:
            raise PostFailed(repr(error)) from error

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _post(self, request: bytes) -> int:
        if self._idle:
            try:
                return await self._post_on(self._idle.pop(), request)
            except ConnectionError:
                pass  # the other side had closed it meanwhile
        return await self._post_on(await self._connect(), request)

    async def _connect(self) -> Connection:
        tls = True if self._is_tls else None
        return Connection(*await asyncio.open_connection(self._host, self._port, ssl=tls))

    def _request(self, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self._head}{lines}content-length: {len(body)}\r\n\r\n".encode() + body

    async def _post_on(self, connection: Connection, request: bytes) -> int:
        is_kept = False
        try:
            connection.writer.write(request)
            await connection.writer.drain()
            answer = await read_answer(connection.reader)
            is_kept = answer.keeps_connection
            return answer.status
        finally:
            if is_kept:
                self._idle.append(connection)
            else:
                connection.close()


class Answer:
    """The head of an answer; told of its progress by the parser."""

    def __init__(self) -> None:
        self.status = 0
        self.is_complete = False
        self._may_continue = False
        self.parser = HttpResponseParser(self)

    @property
    def has_head(self) -> bool:
        return self.status > 0

    @property
    def keeps_connection(self) -> bool:
        """A body that came later than its head is not waited for: its connection is not kept."""
        return self.is_complete and self._may_continue

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()
        self._may_continue = self.parser.should_keep_alive()  # it forgets that with the body's end

    def on_message_complete(self) -> None:
        self.is_complete = True


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    answer = Answer()
    for _ in range(HEAD_BYTES_MAX // READ_BYTES):
        data = await reader.read(READ_BYTES)
        if not data:
            raise ConnectionResetError("closed before it answered")
        answer.parser.feed_data(data)
        if answer.has_head:
            return answer
    raise ConnectionAbortedError("a head without an end")
