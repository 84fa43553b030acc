"""Shells on real sockets: started, spoken to, stopped in bounded time."""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest
import uvloop

from feira.chassis.http.answers import json_answer
from feira.chassis.http.hot import Access, HotRoute
from feira.chassis.http.request import HotRequest
from feira.chassis.http.server import HttpServer, serve
from feira.chassis.http.shell import ServiceShell
from feira.chassis.work import Answer
from feira.kernel.errors import Misconfigured
from tests.things import things_shell

ANY_PORT = "127.0.0.1:0"
HELLO = b"POST /describe HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n"


class Slow:
    """A service whose answer comes when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        route = HotRoute(method="GET", path="/slow", handler=self.handle, access=Access.ANYONE)
        self.shell = ServiceShell(service="slow", title="Slow", hot_routes=[route])

    async def handle(self, _request: HotRequest) -> Answer:
        self.asked.set()
        await self.may_answer.wait()
        return json_answer(200, "done")


@pytest.fixture
async def server() -> AsyncGenerator[HttpServer]:
    made = HttpServer(things_shell(), ANY_PORT)
    await made.start()
    yield made
    await made.stop()


async def ask(address: str, path: str = "/things/1", method: str = "GET") -> tuple[int, str]:
    connector = None
    if address.startswith("unix:"):
        connector = aiohttp.UnixConnector(address.removeprefix("unix:"))
        address = "things"
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.request(method, f"http://{address}{path}") as answer,
    ):
        return answer.status, await answer.text()


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def raw(address: str, *parts: bytes) -> bytes:
    """What the server says to these bytes until it closes (or nothing more comes for a second)."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    for part in parts:
        writer.write(part)
        await writer.drain()
    said = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    writer.close()
    await writer.wait_closed()
    return said


async def test_a_shell_answers_on_a_port_of_its_own(server: HttpServer) -> None:
    assert await ask(server.address) == (200, '{"id":1,"user_id":null}')


@pytest.mark.parametrize("path", ["/things/1", "/things/1/parts/2"])
async def test_the_answer_to_a_head_leaves_its_connection_whole(
    server: HttpServer, path: str
) -> None:
    host, port = server.address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    for method in ("HEAD", "HEAD", "GET"):  # a body or a close after a HEAD would spoil the next
        writer.write(f"{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        assert head.startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()


async def test_a_shell_answers_on_a_unix_socket(tmp_path: Path) -> None:
    server = HttpServer(things_shell(), f"unix:{tmp_path / 'things.sock'}")
    await server.start()
    assert (await ask(server.address))[0] == 200
    await server.stop()
    assert files_in(tmp_path) == []


def test_both_work_on_the_loop_of_production(tmp_path: Path) -> None:
    async def story() -> list[int]:
        servers = [
            HttpServer(things_shell(), listen)
            for listen in (ANY_PORT, f"unix:{tmp_path / 'things.sock'}")
        ]
        for server in servers:
            await server.start()
        statuses = [(await ask(server.address))[0] for server in servers]
        for server in servers:
            await server.stop()
        return statuses

    assert uvloop.run(story()) == [200, 200]


async def test_an_address_in_use_stops_the_start(server: HttpServer) -> None:
    with pytest.raises(Misconfigured, match="cannot listen on"):
        await HttpServer(things_shell(), server.address).start()


async def test_the_socket_of_a_living_process_is_not_taken(tmp_path: Path) -> None:
    listen = f"unix:{tmp_path / 'things.sock'}"
    living = HttpServer(things_shell(), listen)
    await living.start()
    with pytest.raises(Misconfigured, match="another process"):
        await HttpServer(things_shell(), listen).start()
    assert (await ask(listen))[0] == 200
    await living.stop()


async def test_the_socket_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    listen = f"unix:{tmp_path / 'things.sock'}"
    killed = await asyncio.create_subprocess_exec(
        "python3",
        "-c",
        f"import socket; s = socket.socket(socket.AF_UNIX); s.bind({listen[5:]!r})",
    )
    await killed.wait()
    server = HttpServer(things_shell(), listen)
    await server.start()
    assert (await ask(listen))[0] == 200
    await server.stop()


@pytest.mark.parametrize("listen", ["", "8000", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536"])
async def test_a_wrong_address_stops_the_start(listen: str) -> None:
    with pytest.raises(Misconfigured):
        await HttpServer(things_shell(), listen).start()


async def test_a_request_under_way_is_answered_before_the_stop() -> None:
    slow = Slow()
    server = HttpServer(slow.shell, ANY_PORT)
    await server.start()
    request = asyncio.create_task(ask(server.address, "/slow"))
    await asyncio.wait_for(slow.asked.wait(), 60)
    stopping = asyncio.create_task(server.stop())
    slow.may_answer.set()
    assert await asyncio.wait_for(request, 60) == (200, '"done"')
    await asyncio.wait_for(stopping, 60)


async def test_a_request_that_does_not_end_is_not_waited_for() -> None:
    slow = Slow()
    server = HttpServer(slow.shell, ANY_PORT, shutdown_seconds=1)
    await server.start()
    request = asyncio.create_task(ask(server.address, "/slow"))
    await asyncio.wait_for(slow.asked.wait(), 60)
    await asyncio.wait_for(server.stop(), 60)
    status, body = await asyncio.wait_for(request, 60)
    assert (status, json.loads(body)["code"]) == (503, "unavailable")


async def test_several_are_served_until_all_are_told_to_stop(tmp_path: Path) -> None:
    listens = [f"unix:{tmp_path / name}.sock" for name in ("a", "b")]
    stop = asyncio.Event()
    serving = asyncio.create_task(serve([(things_shell(), listen) for listen in listens], stop))
    for listen in listens:
        await answering(listen)
    stop.set()
    await asyncio.wait_for(serving, 60)
    assert files_in(tmp_path) == []


async def test_one_that_cannot_start_stops_the_others(tmp_path: Path) -> None:
    listens = [f"unix:{tmp_path / 'a'}.sock", "nowhere"]
    with pytest.raises(Misconfigured):
        await serve([(things_shell(), listen) for listen in listens], asyncio.Event())
    assert files_in(tmp_path) == []


async def test_signals_stay_with_the_runtime() -> None:
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    server = HttpServer(things_shell(), ANY_PORT)
    await server.start()
    assert [signal.getsignal(number) for number in numbers] == before
    await server.stop()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"POST /describe HTTP/1.1\r\nhost: x\r\ncontent-length: 1048577\r\n\r\n", b"413"),
        (b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n", b"400"),
        (b"GET /things?%00 HTTP/1.1\r\nhost: x\r\n\r\n", b"422"),
        (b"GET /%ED%A0%80 HTTP/1.1\r\nhost: x\r\n\r\n", b"404"),
        (b"nonsense\r\n\r\n", b"400"),
        (HELLO.replace(b"5", b"-1"), b"400"),
    ],
)
async def test_bytes_that_are_no_good_request(
    server: HttpServer, said: bytes, status: bytes
) -> None:
    assert (await raw(server.address, said)).split(b" ")[1] == status


async def test_a_body_that_comes_late_is_waited_for(server: HttpServer) -> None:
    host, port = server.address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(HELLO + b"[1,")
    await writer.drain()
    assert (await ask(server.address, "/healthz"))[0] == 200  # the first request has begun
    writer.write(b"2]")
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    assert head.startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()


async def answering(listen: str) -> None:
    """Bounded probe: until someone listens there."""
    async with asyncio.timeout(60):
        while True:
            try:
                await ask(listen, "/healthz")
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
            else:
                return
