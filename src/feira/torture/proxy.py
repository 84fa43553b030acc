"""A TCP proxy between the services and a store: it cuts, delays and swallows what passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

CHUNK_BYTES_MAX: Final = 64 * 1024
CONNECT_TIMEOUT_SECONDS: Final = 5.0
HOST: Final = "127.0.0.1"


class Proxy:
    """Every connection to its port is led on to `upstream_port`.

    `delay_seconds`: each chunk arrives that much later. `stalls`: nothing arrives, and nobody is
    told, as when a cable is pulled. `refuses`: new connections are closed at once.
    """

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self.delay_seconds = 0.0
        self.refuses = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._leading: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None, "it does not listen"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Proxy"]:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        try:
            yield self
        finally:
            self._server.close()
            self._flows.set()
            self.cut()
            await asyncio.gather(*self._leading, return_exceptions=True)

    def stall(self, *, stalls: bool) -> None:
        if stalls:
            self._flows.clear()
        else:
            self._flows.set()

    def cut(self) -> int:
        """Reset all connections; how many there were."""
        cut = len(self._writers) // 2
        for writer in list(self._writers):
            writer.transport.abort()
        return cut

    def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        leading = asyncio.create_task(self._lead(near, back))
        self._leading.add(leading)
        leading.add_done_callback(self._leading.discard)

    async def _lead(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            far, there = await self._connect()
        except (OSError, TimeoutError):
            back.transport.abort()
            return
        self._writers |= {back, there}
        try:
            await asyncio.gather(self._pump(near, there), self._pump(far, back))
        finally:
            self._writers -= {back, there}
            for writer in (back, there):
                writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.refuses:
            raise ConnectionRefusedError
        return await asyncio.wait_for(
            asyncio.open_connection(HOST, self._upstream_port), CONNECT_TIMEOUT_SECONDS
        )

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        # uvloop says with a RuntimeError that the other side has been aborted meanwhile
        with suppress(OSError, RuntimeError):
            while chunk := await source.read(CHUNK_BYTES_MAX):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                await self._flows.wait()
                sink.write(chunk)
                await sink.drain()
            sink.close()
