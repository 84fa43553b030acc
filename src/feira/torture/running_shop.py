"""The whole shop as a person starts it (`python -m feira up`), in a throw-away folder."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil

from feira.chassis.auth.keys import load_signing_key
from feira.chassis.auth.signer import TokenSigner
from feira.kernel.clock import SystemClock
from feira.kernel.ids import uuid7
from feira.runtime.registry import SERVICES
from feira.runtime.shop import read_environment
from feira.torture.eventually import eventually
from feira.torture.shop_ports import ports_for_a_shop

COMMAND = (sys.executable, "-m", "feira", "up")
WELCOME = "Feira is open"
START_TIMEOUT_SECONDS = 300
STOP_TIMEOUT_SECONDS = 120
TAIL_LINES = 12

CONNECT_TIMEOUT_SECONDS = 10
CLOSE_TIMEOUT_SECONDS = 5
DATABASE_AWAY = (
    OSError,  # a timeout is one
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what it says of a connection that is cut at a bad moment
)
"""What reading a database raises while that is killed, cut off, or starting."""

FOREIGN_PROGRAMS = ("nginx", "postgres", "valkey", "kafka", "rabbitmq", "rabbitmq-epmd")

# Feira's own, and the one that has every process compile all of it anew.
FOREIGN_SETTINGS = ("FEIRA_", "PYTHONDONTWRITEBYTECODE")


class RunningShop:
    """One `feira up`, its ports and its folder. `settings` are its environment's variables."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.data_dir = folder / "feira"
        self.ports = ports_for_a_shop()
        self._settings = {
            **{name: str(port) for name, port in self.ports.items()},
            "FEIRA_DATA_DIR": str(self.data_dir),
            "FEIRA_KAFKA_JARS_DIR": str(Path(".cache/kafka").resolve()),
            **(settings or {}),
        }
        self.opening_cpu_seconds = 0.0
        self._launches = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._signer: TokenSigner | None = None

    # --- its life --------------------------------------------------------------------------------

    def add_settings(self, settings: Mapping[str, str]) -> None:
        """For its next launch."""
        self._settings.update(settings)

    def launch(self) -> None:
        """Start the program; it is open when `until_open` returns."""
        assert self._process is None, "it runs already"
        self._launches += 1
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                COMMAND,
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def until_open(self) -> None:
        async def welcomes() -> bool:
            self.ensure_running()
            return WELCOME in self.said()

        try:
            await eventually(welcomes, START_TIMEOUT_SECONDS, "the shop opens")
        except AssertionError as error:
            raise RuntimeError(f"{error}\n{self.tails()}") from None
        self.opening_cpu_seconds = self._cpu_seconds()

    def stop(self) -> None:
        """Ctrl-C; nothing of it may be left."""
        program, self._process = self.program, None
        program.send_signal(signal.SIGINT)
        try:
            code = program.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"Ctrl-C did not stop it\n{self.tails()}") from None
        left = [f"{process.pid} {process.cmdline()}" for process in self.processes()]
        assert not left, f"left running: {left}"
        assert code == 0, f"feira up ended with {code}\n{self.tails()}"

    def kill(self) -> None:
        """SIGKILL to `feira up` itself; what it has started is not asked."""
        program, self._process = self.program, None
        program.kill()
        program.wait(STOP_TIMEOUT_SECONDS)

    def kill_all(self) -> None:
        """Nothing of it outlives the test, whatever has happened."""
        if self._process is not None:
            self.kill()
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    @property
    def program(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it does not run"
        return self._process

    def ensure_running(self) -> None:
        """Raises `RuntimeError`, with what it said, when `feira up` has ended by itself."""
        code = self.program.poll()
        if code is not None:
            raise RuntimeError(f"feira up ended with {code}\n{self.tails()}")

    # --- its parts -------------------------------------------------------------------------------

    def pid_of(self, name: str) -> int:
        """The process that the supervisor runs under that name; it wrote its id into its lock."""
        return int((self.data_dir / "run" / f"{name}.lock").read_text().split()[0])

    def pids_of(self, name: str) -> list[int]:
        """That process first, then all that it has started. Raises `psutil.Error` for none."""
        leader = psutil.Process(self.pid_of(name))
        return [leader.pid, *(child.pid for child in leader.children(recursive=True))]

    def parts(self) -> list[str]:
        """The names of the supervised processes that run now."""
        locks = (self.data_dir / "run").glob("*.lock")
        return sorted(lock.stem for lock in locks if self._runs(lock.stem))

    def _runs(self, name: str) -> bool:
        try:
            return psutil.pid_exists(self.pid_of(name))
        except (ValueError, IndexError):  # it is being started: its lock is half-written
            return False

    async def until_part_runs(self, name: str) -> None:
        """It was killed, say, and has been started again."""

        async def runs() -> bool:
            return name in self.parts()

        await eventually(runs, START_TIMEOUT_SECONDS, f"{name} runs")

    def kill_part(self, name: str) -> int:
        """SIGKILL to one supervised process; its id."""
        pid = self.pid_of(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def processes(self) -> list[psutil.Process]:
        """Every process that works in this folder, zombies aside."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        place = str(self.folder)
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            return alive and (
                process.cwd().startswith(place) or any(place in word for word in process.cmdline())
            )
        except psutil.Error:
            return False

    def _cpu_seconds(self) -> float:
        """What all of it has used, the programs that were run to their end included."""
        ended = psutil.Process(self.program.pid).cpu_times()
        used = [process.cpu_times() for process in self.processes()]
        own = sum(times.user + times.system for times in used)
        return own + ended.children_user + ended.children_system

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[asyncpg.Connection]:
        """A service's own database, as an auditor reads it. Raises `DATABASE_AWAY`."""
        address = read_environment(self.data_dir)[f"FEIRA_{service.upper()}_DATABASE_URL"]
        connection = await asyncpg.connect(address, timeout=CONNECT_TIMEOUT_SECONDS)
        try:
            yield connection
        finally:
            await connection.close(timeout=CLOSE_TIMEOUT_SECONDS)

    # --- how it is reached -----------------------------------------------------------------------

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.ports['FEIRA_PORT']}"

    @property
    def sandbox_address(self) -> str:
        return f"http://127.0.0.1:{self.ports['FEIRA_SANDBOX_PORT']}"

    def service_address(self, service: str) -> str:
        """Past the gateway, as whoever watches over a service asks it."""
        port = self.ports["FEIRA_SERVICES_PORT"] + SERVICES.index(service)
        return f"http://127.0.0.1:{port}"

    def token(self, user_id: int, role: str = "customer") -> str:
        """An access token, signed with the shop's own key: a thousand logins would take minutes."""
        if self._signer is None:
            key = load_signing_key(self.data_dir / "keys" / "signing.json")
            self._signer = TokenSigner(key, "feira", "feira", SystemClock())
        return self._signer.sign(user_id, role, str(uuid7()))

    def environment(self) -> dict[str, str]:
        """What this shop's commands are run with: none of the developer's own settings."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN_SETTINGS)}
        return {**inherited, **self._settings}

    # --- what it says ----------------------------------------------------------------------------

    @property
    def _output(self) -> Path:
        return self.folder / f"up-{self._launches}.txt"

    def said(self) -> str:
        """What `feira up` has printed since its last launch."""
        return self._output.read_text()

    def errors_logged(self) -> list[str]:
        """What Feira's processes have logged as an error, and what is no log line at all."""
        files = self.data_dir.glob("log/*.log")
        feiras = [file for file in files if file.stem not in FOREIGN_PROGRAMS]
        return [
            f"{file.stem}: {line[:500]}"
            for file in feiras
            for line in file.read_text(errors="replace").splitlines()
            if level_of(line) not in ("debug", "info", "warning")
        ]

    def tails(self) -> str:
        """The last lines of everything that says something, for the report of a failure."""
        files = [self._output, *sorted(self.data_dir.glob("log/*.log"))]
        return "\n".join(f"== {file.name}\n{tail(file)}" for file in files if file.exists())


def level_of(line: str) -> str:
    try:
        return str(json.loads(line)["level"])
    except (ValueError, KeyError, TypeError):
        return "no log line"


def tail(file: Path) -> str:
    lines = file.read_text(errors="replace").splitlines()
    return "\n".join(line[:500] for line in lines[-TAIL_LINES:])


@contextmanager
def open_shop(**settings: str) -> Iterator[RunningShop]:
    """A shop from its first start to its clean end, for a fixture."""
    # Not pytest's own folder, which is private: as root the parts run as another user.
    with tempfile.TemporaryDirectory(prefix="feira-shop-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        shop = RunningShop(Path(folder), settings)
        shop.launch()
        try:
            asyncio.run(shop.until_open())
            yield shop
            shop.stop()
        finally:
            shop.kill_all()
