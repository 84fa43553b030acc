"""Stores that lose sessions, backends, their disk, or (the broker) everything they kept."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from random import Random
from typing import Final

import psutil
from valkey import Valkey
from valkey.exceptions import ValkeyError

from feira.runtime.registry import SERVICES
from feira.runtime.shop import read_environment
from feira.torture.arena import Arena
from feira.torture.faults.fault import Missed, Strike
from feira.torture.running_shop import DATABASE_AWAY

FULL_SECONDS: Final = (1.0, 4.0)
FLUSH_TIMEOUT_SECONDS: Final = 2.0
TERMINATE: Final = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE usename = current_user AND pid <> pg_backend_pid()
"""


async def terminate_backends(arena: Arena, dice: Random) -> str:
    """As an administrator does, or a database that is shut down: the sessions end."""
    service = dice.choice(SERVICES)
    try:
        async with arena.shop.database(service) as db:
            ended = await db.fetchval(TERMINATE)
    except DATABASE_AWAY as error:
        raise Missed(f"{service}'s database: {error}") from error
    if not ended:
        raise Missed(f"{service} had no session")
    return f"{ended} sessions of {service} terminated"


async def kill_backend(arena: Arena, dice: Random) -> str:
    """kill -9 of one backend: PostgreSQL ends all others and recovers."""
    try:
        postmaster = psutil.Process(arena.shop.pid_of("postgres"))
        backends = [
            child for child in postmaster.children() if any(s in _title(child) for s in SERVICES)
        ]
        backend = dice.choice(backends)
        title = _title(backend)
        os.kill(backend.pid, signal.SIGKILL)
    except (psutil.Error, OSError, ValueError, IndexError) as error:
        raise Missed(f"backend: {error}") from error
    return f"kill -9 of {title}"


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


async def flush_valkey(arena: Arena, _dice: Random) -> str:
    """FLUSHALL: streams, groups and what nobody had read, gone between two commands."""
    await asyncio.to_thread(_flush, arena)
    return "FLUSHALL"


def _flush(arena: Arena) -> None:
    url = read_environment(arena.shop.data_dir)["FEIRA_BROKER_URL"]
    try:
        with Valkey.from_url(
            url,
            socket_timeout=FLUSH_TIMEOUT_SECONDS,
            socket_connect_timeout=FLUSH_TIMEOUT_SECONDS,
        ) as valkey:
            valkey.flushall()
    except (ValkeyError, OSError) as error:
        raise Missed(f"valkey: {error}") from error


async def wipe_broker(arena: Arena, _dice: Random) -> str:
    """Its data is deleted while it stands still, and it is killed before it can write again."""
    name = arena.broker
    try:
        pids = arena.shop.pids_of(name)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                os.kill(pid, number)
            if number is signal.SIGSTOP:
                shutil.rmtree((arena.shop.data_dir / name).resolve() / "data")
    except (psutil.Error, OSError, ValueError, IndexError) as error:
        raise Missed(f"{name}: {error}") from error
    return f"{name}'s data deleted, kill -9 of it ({pids[0]})"


def disk_of_database(_arena: Arena) -> str:
    return "postgres"


def disk_of_broker(arena: Arena) -> str:
    return arena.broker


def fill_disk(name_of: Callable[[Arena], str]) -> Strike:
    async def strike(arena: Arena, dice: Random) -> str:
        """ENOSPC for every write, for a while."""
        name = name_of(arena)
        disk = arena.disks[name]
        seconds = dice.uniform(*FULL_SECONDS)
        try:
            filled = await asyncio.to_thread(disk.fill)
            await asyncio.sleep(seconds)
        finally:
            disk.free()
        return f"{name}'s disk full for {seconds:.1f} s (the last {filled >> 20} MiB used up)"

    return strike
