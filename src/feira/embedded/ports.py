"""Ports are checked before anything starts: a taken one is named, not left to be found in a log."""

from __future__ import annotations

import errno
import secrets
import socket
from contextlib import suppress
from itertools import count, islice

import psutil

from feira.embedded.errors import PortTaken

HOST = "127.0.0.1"
FREE_FROM, FREE_TO = 10_000, 20_000
"""Below the ports that systems give to outgoing connections: a free one of those may be gone before
its server listens, or while it is started again."""
ATTEMPTS_MAX = 100
_offsets = count(secrets.randbelow(FREE_TO - FREE_FROM))
"""From one drawn by lot each process goes on to the next: a port that it gave out, and on which
nobody listens yet, is not given out again."""


def ensure_port_free(port: int, wanted_by: str, setting: str) -> None:
    """Raise `PortTaken` unless a server could listen on 127.0.0.1:`port` now.

    `wanted_by` is the part in words ("the gateway"); `setting` the variable that moves it.
    """
    try:
        _bind(port)
    except OSError as error:
        raise PortTaken(_refusal(error, port, wanted_by, setting)) from error


def free_port() -> int:
    """A port that is free now, and new to this process: for whoever cannot agree on a fixed one."""
    for offset in islice(_offsets, ATTEMPTS_MAX):
        with suppress(OSError):
            return _bind(FREE_FROM + offset % (FREE_TO - FREE_FROM))
    return _bind(0)


def _bind(port: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a connection that is still closing does not make the port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        bound: int = probe.getsockname()[1]
        return bound


def _refusal(error: OSError, port: int, wanted_by: str, setting: str) -> str:
    if error.errno == errno.EACCES:
        return (
            f"Port {port}, wanted by {wanted_by}, needs more rights than this user has. "
            f"Choose one of 1024 or above: {setting}=<port>."
        )
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {HOST}, wanted by {wanted_by}, is taken{_listener(port)}. "
            f"Stop that program, or choose another port: {setting}=<port>."
        )
    return f"Port {port}, wanted by {wanted_by}, cannot be used: {error}. Set {setting}=<port>."


def _listener(port: int) -> str:
    """` by nginx (pid 7)`, or nothing where the system does not tell whose it is."""
    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        return ""
    for connection in connections:
        address = connection.laddr
        if connection.status == psutil.CONN_LISTEN and address and address.port == port:
            return _described(connection.pid)
    return ""


def _described(pid: int | None) -> str:
    if pid is None:
        return ""
    try:
        return f" by {psutil.Process(pid).name()} (pid {pid})"
    except psutil.Error:
        return f" by pid {pid}"
