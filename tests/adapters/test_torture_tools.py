"""The tools of torture do what they say: a proxy that interferes, a clock that is wrong, a disk."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from feira.torture.disks import PROBE_BYTES, Disk, why_not_mountable
from feira.torture.proxy import HOST, Proxy
from feira.torture.skewed_clock import Clocks, service_of
from tests.eventually import eventually

TIMEOUT_SECONDS = 60
WHAT_TIME = "from feira.kernel.clock import SystemClock; print(SystemClock().now().timestamp())"


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """A server that says everything again; its port."""

    talking: set[asyncio.Task[None]] = set()

    def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.add(asyncio.create_task(say_again(reader, writer)))

    server = await asyncio.start_server(answer, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.gather(*talking)


async def say_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
    writer.transport.abort()


@pytest.fixture
async def proxy(echo: int) -> AsyncIterator[Proxy]:
    async with Proxy(echo).listening() as listening:
        yield listening


async def says(proxy: Proxy, word: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    try:
        writer.write(word)
        return await asyncio.wait_for(reader.readline(), TIMEOUT_SECONDS)
    finally:
        writer.close()


async def is_cut_off(proxy: Proxy) -> bool:
    try:
        return await says(proxy, b"hello\n") == b""
    except ConnectionError:
        return True


async def test_the_proxy_leads_on(proxy: Proxy) -> None:
    assert await says(proxy, b"hello\n") == b"hello\n"


async def test_it_cuts_what_is_open_and_refuses_what_is_new(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    writer.write(b"hello\n")
    assert await reader.readline() == b"hello\n"
    assert proxy.cut() == 1
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(1), TIMEOUT_SECONDS) == b""
    writer.close()
    proxy.refuses = True
    assert await is_cut_off(proxy)
    proxy.refuses = False
    assert await says(proxy, b"again\n") == b"again\n"


async def test_it_swallows_and_delays(proxy: Proxy) -> None:
    """While it stalls nothing arrives; afterwards all of it does."""
    proxy.stall(stalls=True)
    proxy.delay_seconds = 0.01
    asked = asyncio.create_task(says(proxy, b"late\n"))
    done, _ = await asyncio.wait({asked}, timeout=0.2)
    assert not done
    proxy.stall(stalls=False)
    assert await asked == b"late\n"


def test_a_process_of_a_service_has_the_clock_of_its_service(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path / "clocks")
    clocks.add(["orders", "payments"])
    clocks.skew("orders", 3_600_000)
    orders, payments = what_time(clocks, "orders"), what_time(clocks, "payments")
    assert 3_500 < orders - payments < 3_700


def what_time(clocks: Clocks, service: str) -> float:
    """By the clock of `python … feira run SERVICE`, whatever that runs."""
    result = subprocess.run(
        [sys.executable, "-c", WHAT_TIME, "feira", "run", service],
        env={**os.environ, **clocks.settings()},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return float(result.stdout)


@pytest.mark.parametrize(
    ("argv", "service"),
    [
        (["python", "-m", "feira", "run", "orders"], "orders"),
        (["python", "-m", "feira", "run", "identity", "catalog"], "identity"),
        (["python", "-m", "feira", "up"], "nobody"),
        (["python", "-m", "feira.sandbox"], "nobody"),
    ],
)
def test_whose_clock_it_is(argv: list[str], service: str) -> None:
    assert service_of(argv) == service


async def test_a_disk_is_full_until_it_is_freed(tmp_path: Path) -> None:
    """Where mounting is not allowed, that is said, and nothing is left."""
    place = tmp_path / "disk"
    reason = why_not_mountable()
    if reason is not None:
        assert "may not mount" in reason
        return
    with Disk(place, PROBE_BYTES).mounted() as disk:
        assert disk.fill() > 0
        with pytest.raises(OSError, match="No space left"):
            (place / "file").write_bytes(b"x" * 4096)
        disk.free()
        (place / "file").write_bytes(b"x" * 4096)

    async def is_gone() -> bool:
        return not (place / "file").exists()

    await eventually(is_gone, what="the disk is unmounted")
