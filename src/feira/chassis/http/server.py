"""Serving shells: several uvicorn servers in one event loop, stopped by who runs the process."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from feira.kernel.errors import Misconfigured

BACKLOG_MAX: Final = 2048
KEEP_ALIVE_SECONDS: Final = 75
SHUTDOWN_SECONDS: Final = 10
PORT_MAX: Final = 65_535
UNIX_PREFIX: Final = "unix:"
UNIX_MODE: Final = 0o660


class HttpServer:
    """One ASGI application on one address: `host:port` (port 0 takes a free one) or `unix:/path`.

    `shutdown_seconds`: how long requests under way may take to end once `stop` was called.
    """

    def __init__(self, app: ASGIApp, listen: str, shutdown_seconds: int = SHUTDOWN_SECONDS) -> None:
        self._listen = listen
        self._socket: socket.socket | None = None
        self._running: asyncio.Task[None] | None = None
        self._server = _Server(_config(app, shutdown_seconds))

    @property
    def address(self) -> str:
        """Where it listens, with the port that was taken."""
        assert self._socket is not None, "not started"
        if self._listen.startswith(UNIX_PREFIX):
            return self._listen
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def start(self) -> None:
        """Returns once connections are taken; raises `Misconfigured` when the address is not."""
        self._socket = _bind(self._listen)
        self._running = asyncio.create_task(self._server.serve([self._socket]), name="http-server")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            await self._running

    async def stop(self) -> None:
        """Take no more connections, let the requests under way end, close."""
        if self._running is None:
            return
        self._server.should_exit = True
        await self._running
        if self._listen.startswith(UNIX_PREFIX):
            _remove(Path(self._listen.removeprefix(UNIX_PREFIX)))


async def serve(
    apps: Sequence[tuple[ASGIApp, str]],
    stop: asyncio.Event,
    shutdown_seconds: int = SHUTDOWN_SECONDS,
) -> None:
    """Serve `(app, listen)` pairs until `stop` is set; one that cannot start stops them all."""
    servers = [HttpServer(app, listen, shutdown_seconds) for app, listen in apps]
    try:
        for server in servers:
            await server.start()
        await stop.wait()
    finally:
        await asyncio.gather(*(server.stop() for server in servers))


class _Server(uvicorn.Server):
    """uvicorn without signal handlers (the runtime owns the signals), and with a `ready` event."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _config(app: ASGIApp, shutdown_seconds: int) -> uvicorn.Config:
    """What is off costs time on each request, or is the gateway's business (RFC 9110's Date)."""
    return uvicorn.Config(
        app,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG_MAX,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=shutdown_seconds,
    )


def _bind(listen: str) -> socket.socket:
    try:
        if listen.startswith(UNIX_PREFIX):
            return _bind_unix(Path(listen.removeprefix(UNIX_PREFIX)))
        return _bind_tcp(listen)
    except OSError as error:
        raise Misconfigured(f"cannot listen on {listen}: {error.strerror or error}") from error


def _bind_tcp(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > PORT_MAX:
        raise Misconfigured(f"{listen!r} is neither host:port nor unix:/path")
    host = host.strip("[]")
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, int(port)))
    except OSError:
        bound.close()
        raise
    return bound


def _bind_unix(path: Path) -> socket.socket:
    """A socket file left behind by a killed process is taken over; a living one is not."""
    bound = socket.socket(socket.AF_UNIX)
    try:
        if path.is_socket():
            if bound.connect_ex(str(path)) == 0:
                raise OSError(errno.EADDRINUSE, "another process listens there")
            path.unlink()
            bound.close()
            bound = socket.socket(socket.AF_UNIX)
        bound.bind(str(path))
        path.chmod(UNIX_MODE)
    except OSError:
        bound.close()
        raise
    return bound


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
