"""What a supervisor has to know of a process, and what it tells about one."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from feira.embedded.os_user import OsUser

ReadyProbe: TypeAlias = Callable[[int], Awaitable[bool]]
"""Asked with the process's id, again and again, until it says yes. It never raises."""


async def ready_at_once(_pid: int) -> bool:
    """For a process with nothing to wait for."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """One process. `name` is unique in a supervisor and names its log; `env` is added to ours.

    `user` None means to run as we are. `before_start` runs before every start and restart, once
    nothing of an earlier one is left. On `stop_signal` the process ends by itself; after
    `stop_timeout_seconds` it is killed.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: OsUser | None = None
    before_start: Callable[[], None] = lambda: None
    ready: ReadyProbe = ready_at_once
    ready_timeout_seconds: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStarted:
    name: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReady:
    name: str
    pid: int
    took_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExited:
    """Ended unasked. `restart_in_seconds` None means that it will not be started again."""

    name: str
    pid: int
    returncode: int
    restart_in_seconds: float | None


ProcessEvent: TypeAlias = ProcessStarted | ProcessReady | ProcessExited
Observer: TypeAlias = Callable[[ProcessEvent], None]


def ignore_event(_event: ProcessEvent) -> None:
    """The observer of those who do not look."""


def ending(returncode: int) -> str:
    """`code 3`, or `SIGKILL` for a process ended by a signal."""
    if returncode >= 0:
        return f"code {returncode}"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"
