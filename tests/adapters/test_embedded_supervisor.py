"""The supervisor with real processes: small scripts in place of servers."""

import asyncio
import os
import signal
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from feira.embedded.data_dir import DataDir
from feira.embedded.errors import GaveUp, PartUnavailable, StartFailed
from feira.embedded.one_off import run_to_end
from feira.embedded.ports import free_port
from feira.embedded.probes import accepts_tcp, answers_http
from feira.embedded.process import (
    ProcessEvent,
    ProcessExited,
    ProcessReady,
    ProcessSpec,
    ProcessStarted,
)
from feira.embedded.process_lock import ProcessLock
from feira.embedded.supervisor import Supervisor

FOREVER = ("sleep", "1000")


MASTER_WITH_WORKER = """
import subprocess
worker = subprocess.Popen(["sleep", "1000"], close_fds={close_fds})
print("worker", worker.pid, flush=True)
worker.wait()
"""


class Watched:
    """A supervisor over a temporary directory, and what it has told."""

    def __init__(self, path: Path, restarts_per_minute_max: int = 10) -> None:
        self.path = path
        self.events: list[ProcessEvent] = []
        for name in ("run", "log"):
            (path / name).mkdir(exist_ok=True)
        self.supervisor = Supervisor(
            run_dir=path / "run",
            log_dir=path / "log",
            restarts_per_minute_max=restarts_per_minute_max,
            observer=self.events.append,
        )

    def of(self, kind: type[ProcessEvent], name: str) -> list[ProcessEvent]:
        return [event for event in self.events if isinstance(event, kind) and event.name == name]


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    await watched.supervisor.stop_all()


def heeding(name: str, number: signal.Signals, then: str) -> ProcessSpec:
    """Says `up`, and at that signal does one thing. A shell that waits for its child, between fork
    and exec, would drop the signal."""
    script = f"""
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, [{number:d}])
        print("up", flush=True)
        signal.sigwait([{number:d}])
        {then}
    """
    return ProcessSpec(name=name, argv=[sys.executable, "-Sc", textwrap.dedent(script)])


def shell(name: str, script: str) -> ProcessSpec:
    return ProcessSpec(name=name, argv=["sh", "-c", textwrap.dedent(script)])


def forever(name: str) -> ProcessSpec:
    return ProcessSpec(name=name, argv=FOREVER)


async def eventually(holds: Callable[[], bool], timeout_seconds: float = 60.0) -> None:
    """Wait, within bounds, for something that happens in another process."""
    deadline = time.monotonic() + timeout_seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)


def says(path: Path, word: str) -> Callable[[int], Awaitable[bool]]:
    """Ready when the log has the word."""

    async def probe(_pid: int) -> bool:
        return word in read(path)

    return probe


def read(path: Path) -> str:
    return path.read_text()


# ---------------------------------------------------------------------- start and stop
async def test_a_process_is_started_with_its_environment_and_its_own_log(
    watched: Watched, tmp_path: Path
) -> None:
    log = tmp_path / "log" / "greeter.log"
    spec = shell("greeter", 'echo "$GREETING from $PWD"; echo trouble >&2; exec sleep 1000')
    spec = replace(spec, env={"GREETING": "Olá"}, cwd=tmp_path, ready=says(log, "trouble"))

    await watched.supervisor.start(spec)

    assert log.read_text() == f"Olá from {tmp_path}\ntrouble\n"
    pid = watched.supervisor.pid_of("greeter")
    assert [type(event) for event in watched.events] == [ProcessStarted, ProcessReady]
    assert [event.pid for event in watched.events] == [pid, pid]
    assert os.getsid(pid or 0) == pid, "Ctrl-C in our terminal is not theirs"


async def test_layers_stop_in_reverse(watched: Watched, tmp_path: Path) -> None:
    order = tmp_path / "order"

    def polite(name: str) -> ProcessSpec:
        spec = heeding(name, signal.SIGTERM, f"open({str(order)!r}, 'a').write('{name} ')")
        return replace(spec, ready=says(tmp_path / "log" / f"{name}.log", "up"))

    await watched.supervisor.start(polite("database"))
    await watched.supervisor.start(polite("shop-1"), polite("shop-2"))
    await watched.supervisor.start(polite("gateway"))

    await watched.supervisor.stop_all()
    await watched.supervisor.wait()

    stopped = order.read_text().split()
    assert (stopped[0], stopped[3]) == ("gateway", "database")
    assert set(stopped[1:3]) == {"shop-1", "shop-2"}
    assert not any(watched.of(ProcessExited, name) for name in stopped), "asked to end, not died"


async def test_a_process_that_does_not_heed_its_stop_signal_is_killed(
    watched: Watched, tmp_path: Path
) -> None:
    spec = shell("deaf", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    spec = replace(
        spec, stop_timeout_seconds=0.2, ready=says(tmp_path / "log" / "deaf.log", "ready")
    )
    await watched.supervisor.start(spec)
    pid = watched.supervisor.pid_of("deaf")
    assert pid is not None

    await watched.supervisor.stop_all()

    assert not psutil.pid_exists(pid)


async def test_stopping_twice_at_once_is_stopping_once(watched: Watched) -> None:
    await watched.supervisor.start(forever("server"))
    await asyncio.gather(*(watched.supervisor.stop_all() for _ in range(3)))
    assert watched.supervisor.pid_of("server") is None


async def test_a_process_can_be_sent_a_signal(watched: Watched, tmp_path: Path) -> None:
    log = tmp_path / "log" / "server.log"
    then = "print('reloaded', flush=True); signal.pause()"
    spec = heeding("server", signal.SIGHUP, then)
    await watched.supervisor.start(replace(spec, ready=says(log, "up")))

    watched.supervisor.signal("server", signal.SIGHUP)

    await eventually(lambda: "reloaded" in log.read_text())


# ------------------------------------------------------------------------ first starts
async def test_a_process_that_ends_before_it_is_ready_fails_with_its_last_words(
    watched: Watched,
) -> None:
    async def never(_pid: int) -> bool:
        return False

    spec = replace(shell("shop", "echo 'no such database: orders' >&2; exit 3"), ready=never)
    with pytest.raises(StartFailed) as failure:
        await watched.supervisor.start(spec)

    assert "shop ended with code 3 before it was ready" in str(failure.value)
    assert "shop.log" in str(failure.value)
    assert "no such database: orders" in str(failure.value)


async def test_a_program_that_is_not_there_is_named(watched: Watched) -> None:
    spec = ProcessSpec(name="ghost", argv=["/nowhere/ghost"], ready=answers_http(free_port()))
    with pytest.raises(StartFailed, match=r"No such file or directory"):
        await watched.supervisor.start(spec)


async def test_what_must_be_done_before_the_first_start_and_cannot_is_told(
    watched: Watched,
) -> None:
    def refuse() -> None:
        raise PermissionError("the log is another user's")

    with pytest.raises(StartFailed, match="shop cannot be started: the log is another user's"):
        await watched.supervisor.start(replace(forever("shop"), before_start=refuse))


async def test_a_process_that_is_not_ready_in_time_is_killed(watched: Watched) -> None:
    spec = replace(forever("slow"), ready=answers_http(free_port()), ready_timeout_seconds=0.3)
    with pytest.raises(StartFailed, match=r"not ready within 0\.3 s"):
        await watched.supervisor.start(spec)
    assert watched.supervisor.pid_of("slow") is None


async def test_one_that_fails_leaves_the_others_of_its_layer_to_be_stopped(
    watched: Watched,
) -> None:
    port = free_port()
    bad = replace(shell("bad", "exit 1"), ready=answers_http(port))
    with pytest.raises(StartFailed, match="bad"):
        await watched.supervisor.start(forever("good"), bad)
    pid = watched.supervisor.pid_of("good")
    assert pid is not None

    await watched.supervisor.stop_all()

    assert not psutil.pid_exists(pid)


async def test_a_start_can_be_stopped(watched: Watched) -> None:
    spec = replace(forever("slow"), ready=answers_http(free_port()))
    start = asyncio.create_task(watched.supervisor.start(spec))
    await eventually(lambda: watched.of(ProcessStarted, "slow") != [])

    await watched.supervisor.stop_all()

    with pytest.raises(StartFailed, match="stopped while it started"):
        await start
    assert watched.supervisor.pid_of("slow") is None


async def test_a_web_server_is_ready_when_it_answers(watched: Watched, tmp_path: Path) -> None:
    port = free_port()
    server = ProcessSpec(
        name="web",
        argv=[sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        cwd=tmp_path,
        ready=answers_http(port, "/"),
    )
    await watched.supervisor.start(server)

    pid = watched.supervisor.pid_of("web") or 0
    assert await accepts_tcp(port)(pid)
    assert not await answers_http(port, "/no-such-page")(pid)


# ---------------------------------------------------------------------------- restarts
async def test_a_killed_process_is_started_again(watched: Watched) -> None:
    await watched.supervisor.start(forever("server"), forever("neighbour"))
    first = watched.supervisor.pid_of("server")
    neighbour = watched.supervisor.pid_of("neighbour")
    assert first is not None

    os.kill(first, signal.SIGKILL)
    await eventually(lambda: len(watched.of(ProcessReady, "server")) == 2)

    assert watched.supervisor.pid_of("server") not in {None, first}
    assert watched.supervisor.pid_of("neighbour") == neighbour
    (exited,) = watched.of(ProcessExited, "server")
    assert isinstance(exited, ProcessExited)
    assert (exited.pid, exited.returncode) == (first, -signal.SIGKILL)


@pytest.mark.parametrize("keep_lock", [True, False], ids=["forked", "without our descriptor"])
async def test_before_a_restart_nothing_of_the_old_process_is_left(
    watched: Watched, tmp_path: Path, *, keep_lock: bool
) -> None:
    """As NGINX's workers would live on, keeping its port, when its master is killed."""
    log = tmp_path / "log" / "server.log"
    await watched.supervisor.start(
        ProcessSpec(
            name="server",
            argv=[sys.executable, "-c", MASTER_WITH_WORKER.format(close_fds=not keep_lock)],
            ready=says(log, "worker"),
        )
    )
    worker = int(log.read_text().split()[1])
    assert psutil.pid_exists(worker)

    os.kill(watched.supervisor.pid_of("server") or 0, signal.SIGKILL)
    await eventually(lambda: len(watched.of(ProcessStarted, "server")) == 2)

    assert is_gone(worker)


async def test_a_process_that_dies_too_often_stops_everything(tmp_path: Path) -> None:
    watched = Watched(tmp_path, restarts_per_minute_max=2)
    await watched.supervisor.start(forever("database"))
    database = watched.supervisor.pid_of("database")
    assert database is not None

    await watched.supervisor.start(shell("shop", "echo 'out of memory'; exit 7"))
    with pytest.raises(GaveUp) as failure:
        await asyncio.wait_for(watched.supervisor.wait(), timeout=60)

    assert "shop ended too often, last with code 7" in str(failure.value)
    assert "out of memory" in str(failure.value)
    assert not psutil.pid_exists(database)
    exits = watched.of(ProcessExited, "shop")
    delays = [event.restart_in_seconds for event in exits if isinstance(event, ProcessExited)]
    assert delays == [0.05, 0.1, None]


async def test_what_must_be_done_before_a_start_and_cannot_ends_everything(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    starts = 0

    def only_once() -> None:
        nonlocal starts
        starts += 1
        if starts > 1:
            raise PermissionError("the data has changed hands")

    await watched.supervisor.start(replace(forever("server"), before_start=only_once))
    os.kill(watched.supervisor.pid_of("server") or 0, signal.SIGKILL)

    with pytest.raises(GaveUp, match="cannot be kept running: the data has changed hands"):
        await asyncio.wait_for(watched.supervisor.wait(), timeout=60)


# ----------------------------------------------------------------------- run to the end
async def test_a_program_that_fails_at_its_task_is_quoted(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data").create()
    await run_to_end(shell("prepare", "exit 0"), data_dir)
    with pytest.raises(PartUnavailable, match="prepare failed with code 2:\nno space left"):
        await run_to_end(shell("prepare", "echo no space left >&2; exit 2"), data_dir)


async def test_a_task_that_is_cancelled_leaves_nothing_behind(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data").create()
    lock = ProcessLock(data_dir.run_dir / "seed.lock")
    seeding = asyncio.create_task(run_to_end(shell("seed", "sleep 1000; true"), data_dir))
    await eventually(lock.is_held)

    seeding.cancel()

    with pytest.raises(asyncio.CancelledError):
        await seeding
    assert not lock.is_held()


# ----------------------------------------------------------------------------- orphans
SUPERVISOR_TO_BE_KILLED = """
import asyncio, sys
from pathlib import Path
from feira.embedded.process import ProcessSpec
from feira.embedded.process_lock import ProcessLock
from feira.embedded.supervisor import Supervisor

async def main(path: Path) -> None:
    supervisor = Supervisor(run_dir=path / "run", log_dir=path / "log")
    forever = "echo ready; while :; do sleep 0.05; done"
    await supervisor.start(
        ProcessSpec(name="polite", argv=["sh", "-c", forever]),
        ProcessSpec(name="stubborn", argv=["sh", "-c", f"trap '' TERM; {forever}"]),
    )
    print(supervisor.pid_of("polite"), supervisor.pid_of("stubborn"), flush=True)
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_what_a_killed_supervisor_left_running_is_ended(
    watched: Watched, tmp_path: Path
) -> None:
    polite, stubborn = await leave_orphans(tmp_path)
    assert psutil.pid_exists(stubborn), "it ignores the signal that its parent's end sends"

    found = await watched.supervisor.evict_orphans(stop_timeout_seconds=0.3)

    assert "stubborn" in found
    assert is_gone(polite)
    assert is_gone(stubborn)
    assert await watched.supervisor.evict_orphans() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of the parent's end")
async def test_processes_end_with_a_killed_supervisor(watched: Watched, tmp_path: Path) -> None:
    polite, _ = await leave_orphans(tmp_path)
    await eventually(lambda: is_gone(polite))
    await watched.supervisor.evict_orphans(stop_timeout_seconds=0.3)


async def test_a_reused_process_id_is_not_mistaken_for_an_orphan(
    watched: Watched, tmp_path: Path
) -> None:
    """A file with the number of a process that is not ours, after a restart of the machine, say."""
    innocent = await asyncio.create_subprocess_exec(*FOREVER)
    (tmp_path / "run" / "server.lock").write_text(f"{innocent.pid} 15\n")

    assert await watched.supervisor.evict_orphans() == []

    assert psutil.Process(innocent.pid).status() != psutil.STATUS_ZOMBIE
    innocent.kill()
    await innocent.wait()


async def leave_orphans(path: Path) -> Sequence[int]:
    """The process ids of a polite and a stubborn process whose supervisor was killed."""
    script = path / "supervisor.py"
    script.write_text(SUPERVISOR_TO_BE_KILLED)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    pids = [int(word) for word in (await process.stdout.readline()).split()]
    logs = [path / "log" / f"{name}.log" for name in ("polite", "stubborn")]
    await eventually(lambda: all("ready" in read(log) for log in logs))
    process.kill()
    await process.wait()
    return pids


def is_gone(pid: int) -> bool:
    """Ended, if perhaps not yet collected by the process that adopted it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
