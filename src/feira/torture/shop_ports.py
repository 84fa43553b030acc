"""Ports for a shop of one's own."""

import os
import socket
from typing import Final

from feira.embedded.errors import PortTaken
from feira.embedded.ports import HOST, ensure_port_free

# Below the ports that systems give to outgoing connections: a thousand customers use many of those.
PORTS_FROM: Final = 20_000
PORTS_TO: Final = 32_000
PORTS_A_SHOP: Final = 20
PORT_SETTINGS: Final = (
    "FEIRA_PORT",
    "FEIRA_POSTGRES_PORT",
    "FEIRA_VALKEY_PORT",
    "FEIRA_SANDBOX_PORT",
    "FEIRA_BROKER_PORT",
    "FEIRA_SERVICES_PORT",  # and those after it
)


def ports_for_a_shop() -> dict[str, int]:
    """Ports that are free now, by the variables that choose them; nobody else who asks is given
    them before this process ends, whether the shop runs at that moment or not."""
    span = PORTS_TO - PORTS_FROM
    for step in range(0, span, PORTS_A_SHOP):
        first = PORTS_FROM + (os.getpid() * PORTS_A_SHOP + step) % span
        last = first + PORTS_A_SHOP - 1
        if all(is_free(port) for port in range(first, last)) and is_kept(last):
            return {name: first + at for at, name in enumerate(PORT_SETTINGS)}
    raise AssertionError("no free ports")


def is_kept(port: int) -> bool:
    """Nobody listens there, and nobody else can from now on; False when somebody was before us."""
    keeper = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        keeper.bind((HOST, port))
    except OSError:
        keeper.close()
        return False
    keeper.detach()  # open until the process ends
    return True


def is_free(port: int) -> bool:
    try:
        ensure_port_free(port, "a test", "none")
    except PortTaken:
        return False
    return True
