"""A real NGINX with the gateway's configuration, before small services that remember."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from feira.embedded.data_dir import DataDir
from feira.embedded.nginx import EmbeddedNginx
from feira.embedded.ports import HOST, free_port
from feira.embedded.supervisor import Supervisor
from feira.published.site import message_site
from feira.services.gateway.configuration import nginx_configuration
from feira.services.gateway.settings import GatewaySettings
from feira.services.gateway.site import write_site

ROUTES: Final = {
    "identity": [("POST", "/login"), ("GET", "/me")],
    "orders": [
        ("POST", "/orders"),
        ("GET", "/orders"),
        ("GET", "/orders/{id}"),
        ("DELETE", "/orders/{id}"),
        ("GET", "/metrics"),
    ],
    "payments": [("POST", "/orders/{id}/refunds"), ("POST", "/webhooks/sandbox")],
}


@dataclass(frozen=True)
class Seen:
    """A request as a service got it; `connection` tells which of its connections it came on."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


Script = Callable[[Seen], bytes | None]
"""What a service does with a request: the bytes of its answer, or None to hang up."""


def answering(status: int, body: bytes, content_type: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status} x\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


@dataclass
class TinyService:
    name: str
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    script: Script = lambda _seen: answering(200, b"{}")
    server: asyncio.Server | None = None
    address: str = ""
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        port = int(self.address.rpartition(":")[2]) if self.address else 0
        self.server = await asyncio.start_server(self._serve, HOST, port)
        self.address = "{}:{}".format(*self.server.sockets[0].getsockname()[:2])

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        for writer in self._writers:
            writer.close()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        number = self.connections
        try:
            while seen := await read_request(reader, number):
                self.seen.append(seen)
                answer = self.script(seen)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.close()


async def read_request(reader: asyncio.StreamReader, connection: int) -> Seen | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    request_line, *lines = head.decode("latin-1").strip().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines if ": " in line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, target, _ = request_line.split(" ")
    return Seen(method, target, headers, body, connection)


@dataclass(frozen=True)
class Got:
    status: int
    headers: Any
    body: bytes

    @property
    def problem(self) -> Any:
        assert self.headers["Content-Type"] == "application/problem+json", self
        document = msgspec.json.decode(self.body)
        assert document["status"] == self.status
        assert document["type"] == f"/problems/{document['code']}"
        return document


@dataclass
class World:
    services: dict[str, TinyService]
    port: int
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, **options: Any) -> Got:
        url = f"http://{HOST}:{self.port}{path}"
        async with self.session.request(method, url, allow_redirects=False, **options) as answer:
            return Got(answer.status, answer.headers, await answer.read())

    async def raw(self, request: bytes) -> bytes:
        """What the gateway says to bytes that need not be HTTP."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return answer

    @property
    def asked(self) -> dict[str, int]:
        """How many requests each service has got, if any."""
        return {name: len(s.seen) for name, s in self.services.items() if s.seen}


@asynccontextmanager
async def gateway(
    services: dict[str, TinyService] | None = None, **settings: Any
) -> AsyncIterator[World]:
    """`services` may be shared by name (`{"orders": a, "orders-2": b}`): more addresses of one."""
    services = services or {name: TinyService(name) for name in ROUTES}
    async with AsyncExitStack() as stack:
        for service in services.values():
            await service.start()
            stack.push_async_callback(service.stop)
        port = await _start_nginx(stack, services, settings)
        session = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        yield World(services, port, session)


async def _start_nginx(
    stack: AsyncExitStack, services: dict[str, TinyService], settings: dict[str, Any]
) -> int:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="feira-test-"))
    data_dir = _data_dir(Path(folder))
    chosen = GatewaySettings(
        port=free_port(), static_dir=data_dir.part_dir("nginx") / "static", **settings
    )
    documents: dict[str, dict[str, Any]] = {"orders": {"paths": {"/orders": {}}, "components": {}}}
    write_site(chosen.static_dir, documents, message_site())
    upstreams: dict[str, list[str]] = {}
    for name, service in services.items():
        upstreams.setdefault(name.partition("-")[0], []).append(service.address)
    nginx = EmbeddedNginx(data_dir, nginx_configuration(chosen, upstreams, ROUTES))
    supervisor = Supervisor(
        run_dir=data_dir.run_dir,
        log_dir=data_dir.log_dir,
        restarts_per_minute_max=1,
        observer=lambda _event: None,
    )
    await supervisor.start(await nginx.prepare())
    stack.push_async_callback(supervisor.stop_all)
    return chosen.port


def _data_dir(folder: Path) -> DataDir:
    """Not in pytest's own folder, which is private: as root NGINX's workers are another user's."""
    folder.chmod(0o711)
    return DataDir(folder / "feira", system_dir=folder / "system").create()
