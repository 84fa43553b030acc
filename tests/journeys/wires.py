"""Who is connected with whom on this machine, as Linux has it: TCP and Unix sockets."""

import socket
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import Any, Final, NamedTuple

import psutil

NETLINK_SOCK_DIAG: Final = 4
SOCK_DIAG_BY_FAMILY: Final = 20
DUMP_REQUEST: Final = 0x301
DONE, ERROR = 3, 2
SHOW_NAME, SHOW_PEER = 0x1, 0x4
PEER: Final = 2
ALL: Final = 0xFFFF_FFFF

HEADER: Final = Struct("=IHHII")
REQUEST: Final = Struct("=BBHIIIII")
MESSAGE: Final = Struct("=BBBBIII")
ATTRIBUTE: Final = Struct("=HH")


class Wire(NamedTuple):
    """One open connection: the process that opened it, and the one that listens (0: not here)."""

    client: int
    server: int
    place: str
    """The address of who listens."""


def wires() -> list[Wire]:
    """The connections between processes of this machine that are open now."""
    return [*_tcp_wires(), *_unix_wires()]


def _tcp_wires() -> Iterator[Wire]:
    found: list[Any] = [c for c in psutil.net_connections("tcp") if c.pid]
    listeners = {c.laddr.port: c.pid for c in found if c.status == psutil.CONN_LISTEN}
    owners = {c.laddr: c.pid for c in found if c.raddr}
    for end in found:
        if not end.raddr or end.laddr.port in listeners:
            continue
        server = owners.get(end.raddr) or listeners.get(end.raddr.port)
        yield Wire(end.pid, server or 0, f"{end.raddr.ip}:{end.raddr.port}")


def _unix_wires() -> Iterator[Wire]:
    """A socket that a server accepted has the listener's path; the client's has none."""
    peers = _unix_peers()
    pids = _pids_by_inode()
    paths = _unix_paths()
    for inode, peer in peers.items():
        if inode in pids and peer in paths and inode not in paths:
            yield Wire(pids[inode], pids.get(peer, 0), paths[peer])


def _unix_paths() -> dict[int, str]:
    lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    fields = (line.split(maxsplit=7) for line in lines)
    return {int(one[6]): one[7] for one in fields if len(one) == 8}


def _pids_by_inode() -> dict[int, int]:
    """Of processes with the same socket (before an exec, say) any one."""
    found: dict[int, int] = {}
    for pid in psutil.pids():
        try:
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                kind, _, inode = str(entry.readlink()).partition(":[")
                if kind == "socket":
                    found[int(inode.rstrip("]"))] = pid
        except OSError:  # it, or its socket, has just gone
            continue
    return found


def _unix_peers() -> dict[int, int]:
    """The other end of each connected Unix socket, by inode (`man 7 sock_diag`)."""
    body = REQUEST.pack(socket.AF_UNIX, 0, 0, ALL, 0, SHOW_NAME | SHOW_PEER, ALL, ALL)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as link:
        head = HEADER.pack(HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, DUMP_REQUEST, 1, 0)
        link.send(head + body)
        found: dict[int, int] = {}
        while True:
            answer = link.recv(1 << 20)
            for kind, message in _messages(answer):
                assert kind != ERROR, f"sock_diag: {message!r}"
                if kind == DONE:
                    return found
                inode, peer = MESSAGE.unpack_from(message)[4], _peer_in(message)
                if peer:
                    found[inode] = peer


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(answer):
        size, kind, *_ = HEADER.unpack_from(answer, at)
        yield kind, answer[at + HEADER.size : at + size]
        at += (size + 3) & ~3


def _peer_in(message: bytes) -> int:
    at = MESSAGE.size
    while at + ATTRIBUTE.size <= len(message):
        size, kind = ATTRIBUTE.unpack_from(message, at)
        if kind == PEER:
            return int.from_bytes(message[at + ATTRIBUTE.size : at + size], "little")
        at += max((size + 3) & ~3, ATTRIBUTE.size)
    return 0
