"""Who still runs? A lock file that a supervised process holds for as long as it lives.

The kernel frees the lock with the last process that inherited it, so it cannot be stale, and a
reused process id is not mistaken for ours: only processes that have the file open are signalled.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

from feira.embedded.errors import StillRunning

POLL_SECONDS = 0.01
KILL_TIMEOUT_SECONDS = 5.0


class ProcessLock:
    def __init__(self, path: Path) -> None:
        self.path = path

    def is_held(self) -> bool:
        try:
            descriptor = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    async def evict(self, stop_timeout_seconds: float) -> bool:
        """End what holds the lock, kindly and then by force; true when there was something.

        Raises `StillRunning` when it outlives even SIGKILL.
        """
        if not self.is_held():
            return False
        leader, stop_signal = self._written()
        holders = self._holders()
        _send(stop_signal, [leader] if leader in holders else holders)
        if not await self._freed_within(stop_timeout_seconds):
            _send(signal.SIGKILL, self._holders())
            if not await self._freed_within(KILL_TIMEOUT_SECONDS):
                raise StillRunning(
                    f"{self.path} is held by processes that do not end: {self._holders()}."
                )
        return True

    def _written(self) -> tuple[int, signal.Signals]:
        """Process id and stop signal, as `launch.py` writes them; (0, SIGTERM) if half-written."""
        try:
            pid, number = (int(word) for word in self.path.read_text().split())
            return pid, signal.Signals(number)
        except ValueError:
            return 0, signal.SIGTERM

    def _holders(self) -> list[int]:
        return [process.pid for process in psutil.process_iter() if self._is_open_in(process)]

    def _is_open_in(self, process: psutil.Process) -> bool:
        try:
            files = process.open_files()
        except (psutil.Error, OSError):
            return False
        path = str(self.path.resolve())
        return process.pid != os.getpid() and any(file.path == path for file in files)

    async def _freed_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.is_held():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True


def _send(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
