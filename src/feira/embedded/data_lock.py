"""The lock that lets only one Feira work on a data directory, and says which one does."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from feira.embedded.errors import AlreadyRunning, DataDirUnusable


@dataclass(frozen=True, slots=True)
class RunningFeira:
    """Who holds a data directory; None where the lock file does not tell."""

    pid: int | None
    address: str | None


class DataLock:
    """The kernel releases it however its holder ends, so it is never stale."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def held(self, address: str) -> Iterator[None]:
        """Hold it; `address` is what a second Feira is told. Raises `AlreadyRunning`."""
        descriptor = self._opened()
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._already_running() from None
            os.truncate(descriptor, 0)
            os.write(descriptor, json.dumps({"pid": os.getpid(), "address": address}).encode())
            yield
        finally:
            os.close(descriptor)

    def holder(self) -> RunningFeira | None:
        """Who holds it now; None when nobody does."""
        if not self._path.exists():
            return None
        descriptor = self._opened()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._written()
        finally:
            os.close(descriptor)
        return None

    def _opened(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError as error:
            raise DataDirUnusable(
                f"{self._path.parent} was used by another user (sudo?): {error}. Give it to this "
                "user with chown -R, or choose another data directory."
            ) from error

    def _written(self) -> RunningFeira:
        try:
            content = json.loads(self._path.read_bytes())
            return RunningFeira(pid=int(content["pid"]), address=str(content["address"]))
        except (ValueError, KeyError, TypeError):
            return RunningFeira(pid=None, address=None)

    def _already_running(self) -> AlreadyRunning:
        other = self._written()
        who = f"process {other.pid}" if other.pid else "another process"
        where = f" It answers at {other.address}." if other.address else ""
        return AlreadyRunning(
            f"Feira already runs on {self._path.parent} ({who}).{where} "
            "Use that one, stop it, or choose another data directory.",
            address=other.address,
            pid=other.pid,
        )
