"""One process, from its start to its end, restarts included."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from feira.embedded import launch
from feira.embedded.errors import EmbeddedError, GaveUp, StartFailed
from feira.embedded.log_file import LogFile
from feira.embedded.process import (
    Observer,
    ProcessExited,
    ProcessReady,
    ProcessSpec,
    ProcessStarted,
    ending,
)
from feira.embedded.process_lock import ProcessLock
from feira.embedded.restart_budget import RestartBudget

READY_POLL_SECONDS = 0.02


class SupervisedProcess:
    """Starts a process, starts it again whenever it ends unasked, and stops it.

    One task at a time works on it: first the start, then the watch. `give_up` is called once, with
    what happened, when the process cannot be kept alive.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        *,
        lock: ProcessLock,
        log: LogFile,
        budget: RestartBudget,
        observer: Observer,
        give_up: Callable[[EmbeddedError], None],
    ) -> None:
        self.spec = spec
        self.log = log
        self._lock = lock
        self._budget = budget
        self._observer = observer
        self._give_up = give_up
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """None while no process runs."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    async def start(self) -> None:
        """Return when it is ready. Raises `StartFailed` when it ends before: a first start is not
        retried, since what is wrong then (a setting, a port) stays wrong."""
        self._task = asyncio.create_task(self._launch())
        try:
            await self._task
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        except OSError as error:
            raise StartFailed(f"{self.spec.name} cannot be started: {error}") from error
        if self._stopping:
            raise StartFailed(f"{self.spec.name} was stopped while it started.")
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Ask it to end, kill it after `stop_timeout_seconds`, leave nothing behind."""
        self._stopping = True
        await self._end_task()
        self.signal(self.spec.stop_signal)
        await self._ended_within(self.spec.stop_timeout_seconds)
        await self._lock.evict(self.spec.stop_timeout_seconds)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _launch(self) -> None:
        await self._lock.evict(self.spec.stop_timeout_seconds)
        self.spec.before_start()
        started_at = time.monotonic()
        process = self._process = await self._spawn()
        self._observer(ProcessStarted(name=self.spec.name, pid=process.pid))
        await self._until_ready(process)
        took_seconds = time.monotonic() - started_at
        self._observer(
            ProcessReady(name=self.spec.name, pid=process.pid, took_seconds=took_seconds)
        )

    async def _spawn(self) -> asyncio.subprocess.Process:
        output = self.log.open_for_append()
        try:
            return await asyncio.create_subprocess_exec(
                *launch_command(self.spec, self._lock.path),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.spec.cwd,
                env={**os.environ, **self.spec.env},
            )
        finally:
            os.close(output)

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(self.spec.ready_timeout_seconds):
                while not await self.spec.ready(process.pid):
                    if process.returncode is not None:
                        raise self._start_failed(f"ended with {ending(process.returncode)}")
                    await asyncio.sleep(READY_POLL_SECONDS)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await process.wait()
            seconds = self.spec.ready_timeout_seconds
            raise self._start_failed(f"was not ready within {seconds:g} s and was killed") from None

    async def _watch(self) -> None:
        try:
            while await self._restarted():
                pass
        except (EmbeddedError, OSError) as error:
            self._give_up(GaveUp(f"{self.spec.name} cannot be kept running: {error}"))

    async def _restarted(self) -> bool:
        """Wait for the end and start again; false when the budget of restarts is used up."""
        assert self._process is not None, "watched only after a start"
        returncode = await self._process.wait()
        kill_group(self._process.pid)
        delay_seconds = self._budget.spend(time.monotonic())
        self._observer(
            ProcessExited(
                name=self.spec.name,
                pid=self._process.pid,
                returncode=returncode,
                restart_in_seconds=delay_seconds,
            )
        )
        if delay_seconds is None:
            self._give_up(
                GaveUp(self._with_log(f"ended too often, last with {ending(returncode)}"))
            )
            return False
        await asyncio.sleep(delay_seconds)
        with suppress(StartFailed):  # it has ended again: the next round sees it, and counts it
            await self._launch()
        return True

    async def _end_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _ended_within(self, seconds: float) -> None:
        if self.pid is None or self._process is None:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self._process.wait()
        kill_group(self._process.pid)

    def _start_failed(self, what: str) -> StartFailed:
        return StartFailed(self._with_log(f"{what} before it was ready"))

    def _with_log(self, what: str) -> str:
        last_lines = self.log.tail()
        said = f"Its last lines:\n{last_lines}" if last_lines else "It said nothing."
        return f"{self.spec.name} {what}. Log: {self.log.path}\n{said}"


def launch_command(spec: ProcessSpec, lock_path: Path) -> list[str]:
    """The command that turns into the spec's program, as `launch.py` explains."""
    user = f"{spec.user.uid}:{spec.user.gid}" if spec.user else "-"
    script = [sys.executable, "-I", "-S", str(launch.__file__)]
    facts = [str(os.getpid()), str(lock_path), str(int(spec.stop_signal)), user]
    return [*script, *facts, *spec.argv]


def kill_group(pid: int) -> None:
    """Kill what an ended process has left in its session's group (an NGINX without its master)."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
