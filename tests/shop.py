"""The whole shop as a person starts it, for tests as for `feira torture`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from feira.torture import running_shop
from feira.torture.running_shop import DATABASE_AWAY, RunningShop
from feira.torture.shop_ports import PORT_SETTINGS, ports_for_a_shop

__all__ = [
    "BROKER",
    "DATABASE_AWAY",
    "PORT_SETTINGS",
    "RunningShop",
    "open_shop",
    "ports_for_a_shop",
]

BROKER = os.environ.get("FEIRA_TEST_BROKER", "valkey")
"""What the shops of journeys and faults run on: valkey, kafka or rabbitmq."""


@contextmanager
def open_shop(**settings: str) -> Iterator[RunningShop]:
    """A shop from its first start to its clean end, for a fixture."""
    with running_shop.open_shop(**{"FEIRA_BROKER": BROKER, **settings}) as shop:
        yield shop
