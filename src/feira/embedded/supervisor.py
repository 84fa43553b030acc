"""Processes started in layers, kept alive, and stopped in the reverse order."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

from feira.embedded.errors import EmbeddedError, GaveUp
from feira.embedded.log_file import LogFile
from feira.embedded.process import Observer, ProcessSpec, ignore_event
from feira.embedded.process_lock import ProcessLock
from feira.embedded.restart_budget import RestartBudget
from feira.embedded.supervised import SupervisedProcess

LOG_CHECK_SECONDS = 5.0
ORPHAN_STOP_TIMEOUT_SECONDS = 10.0


class Supervisor:
    """Runs processes that end unasked again, with a growing delay, at most
    `restarts_per_minute_max` times a minute each; then all are stopped and `wait` raises `GaveUp`.

    Use it from the main thread: Linux takes the end of the thread that started a process for the
    end of the supervisor. `log_size_bytes_max` is checked every few seconds: a burst may pass it.
    """

    def __init__(
        self,
        *,
        run_dir: Path,
        log_dir: Path,
        restarts_per_minute_max: int = 10,
        log_size_bytes_max: int = 16 * 1024 * 1024,
        observer: Observer = ignore_event,
    ) -> None:
        self._run_dir = run_dir
        self._log_dir = log_dir
        self._restarts_per_minute_max = restarts_per_minute_max
        self._log_size_bytes_max = log_size_bytes_max
        self._observer = observer
        self._layers: list[list[SupervisedProcess]] = []
        self._failure: EmbeddedError | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self._log_check: asyncio.Task[None] | None = None

    async def evict_orphans(
        self, stop_timeout_seconds: float = ORPHAN_STOP_TIMEOUT_SECONDS
    ) -> list[str]:
        """Stop what a supervisor that was killed left running here; the names of what was found.

        Call it, holding the data directory's lock, before ports are checked and anything starts.
        """
        locks = [ProcessLock(path) for path in sorted(self._run_dir.glob("*.lock"))]
        found = await asyncio.gather(*(lock.evict(stop_timeout_seconds) for lock in locks))
        return [lock.path.stem for lock, was_held in zip(locks, found, strict=True) if was_held]

    async def start(self, *specs: ProcessSpec) -> None:
        """Start processes as one layer, at the same time; return when all are ready.

        Layers are stopped in reverse, a layer's processes together. Raises the first `StartFailed`;
        what did start goes on until `stop_all`.
        """
        assert self._stopping is None, "a supervisor is used once"
        if self._log_check is None:
            self._log_check = asyncio.create_task(self._keep_logs_small())
        layer = [self._supervised(spec) for spec in specs]
        self._layers.append(layer)
        names = [process.spec.name for process in self._processes()]
        assert len(names) == len(set(names)), f"two processes of one name: {names}"
        outcomes = await asyncio.gather(
            *(process.start() for process in layer), return_exceptions=True
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    def pid_of(self, name: str) -> int | None:
        """The process's id now; None while it does not run."""
        return self._named(name).pid

    def signal(self, name: str, number: signal.Signals) -> None:
        self._named(name).signal(number)

    async def wait(self) -> None:
        """Return when all was stopped by `stop_all`; raise what made the supervisor give up."""
        await self._stopped.wait()
        if self._failure is not None:
            raise self._failure

    async def stop_all(self) -> None:
        """Stop everything, last layer first. Any number of calls stop once, and all wait for it."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop_layers())
        await asyncio.shield(self._stopping)

    async def _stop_layers(self) -> None:
        for layer in reversed(self._layers):
            outcomes = await asyncio.gather(
                *(process.stop() for process in layer), return_exceptions=True
            )
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    self._remember(GaveUp(f"A process could not be stopped: {outcome}"))
        if self._log_check is not None:
            self._log_check.cancel()
            await asyncio.wait([self._log_check])
        self._stopped.set()

    def _fail(self, error: EmbeddedError) -> None:
        self._remember(error)
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop_layers())

    def _remember(self, error: EmbeddedError) -> None:
        """The first failure is the cause; later ones follow from it."""
        self._failure = self._failure or error

    def _supervised(self, spec: ProcessSpec) -> SupervisedProcess:
        return SupervisedProcess(
            spec,
            lock=ProcessLock(self._run_dir / f"{spec.name}.lock"),
            log=LogFile(
                self._log_dir / f"{spec.name}.log", size_bytes_max=self._log_size_bytes_max
            ),
            budget=RestartBudget(self._restarts_per_minute_max),
            observer=self._observer,
            give_up=self._fail,
        )

    def _processes(self) -> list[SupervisedProcess]:
        return [process for layer in self._layers for process in layer]

    def _named(self, name: str) -> SupervisedProcess:
        return next(process for process in self._processes() if process.spec.name == name)

    async def _keep_logs_small(self) -> None:
        while True:
            await asyncio.sleep(LOG_CHECK_SECONDS)
            for process in self._processes():
                with suppress(OSError):  # a full disk must not end the supervision
                    process.log.rotate_if_large()
