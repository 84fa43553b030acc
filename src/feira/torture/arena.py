"""A shop prepared to be tortured: proxies, disks and clocks stand where faults need them."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from feira.audit.evidence import Call
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Envelope, Transport
from feira.embedded.data_dir import DataDir
from feira.runtime.registry import SERVICES
from feira.runtime.shop import read_environment
from feira.torture.callers import ShopClient, clients_of
from feira.torture.disks import BROKER_BYTES, POSTGRES_BYTES, Disk
from feira.torture.proxy import Proxy
from feira.torture.running_shop import RunningShop
from feira.torture.skewed_clock import Clocks

HOLD_SECONDS: Final = 15
SETTINGS: Final = {
    # each service in a process of its own, to be killed by itself
    "FEIRA_PROCESSES": ";".join(SERVICES),
    "FEIRA_ORCHESTRATOR_HOLD_SECONDS": str(HOLD_SECONDS),
    "FEIRA_PAYMENTS_PROVIDER_TIMEOUT_SECONDS": "2",
    "FEIRA_RATE_LIMIT": "false",
    "FEIRA_SEED": "false",
}
PASSABLE: Final = 0o711
KAFKA_JARS: Final = ".cache/kafka"


class BrokerLink(NamedTuple):
    """How a broker is reached by way of a proxy."""

    port_setting: str
    url: str
    advertised: str | None = None
    """The setting by which the broker tells its clients of the proxy."""


BROKER_LINKS: Final = {
    "valkey": BrokerLink("FEIRA_VALKEY_PORT", "valkey://:{password}@127.0.0.1:{port}/0"),
    "kafka": BrokerLink(
        "FEIRA_BROKER_PORT", "kafka://127.0.0.1:{port}", "FEIRA_KAFKA_ADVERTISED_PORT"
    ),
    "rabbitmq": BrokerLink("FEIRA_BROKER_PORT", "amqp://feira:{password}@127.0.0.1:{port}/"),
}


@dataclass
class Arena:
    """The shop, everybody who meets it, and what can be done to it."""

    shop: RunningShop
    client: ShopClient
    broker: str
    database: Proxy
    broker_link: Proxy
    clocks: Clocks
    disks: dict[str, Disk]
    stands: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear while `feira up` itself is started again: then everybody else waits."""
    plants: dict[str, Envelope] = field(default_factory=dict)
    """What was put among the messages to be buried, by its name."""
    buried: set[str] = field(default_factory=set)
    """Those of them that have been seen among the dead letters."""
    clock_error_max_ms: int = 0
    next_killed: list[str] = field(default_factory=list)
    """Services whose turn to be killed is still to come."""

    @asynccontextmanager
    async def transport(self) -> AsyncIterator[Transport]:
        """The broker as a member of the shop sees it; without the proxy, unless it is Kafka."""
        url = read_environment(self.shop.data_dir)["FEIRA_BROKER_URL"]
        transport = open_transport(url, partitions=1, member="torture")
        try:
            yield transport
        finally:
            await transport.close()


@asynccontextmanager
async def open_arena(broker: str, relay: str, *, with_disks: bool) -> AsyncIterator[Arena]:
    """A shop that is open; it, its disks and its folder are gone afterwards, whatever happens."""
    async with AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="feira-torture-", ignore_cleanup_errors=True)
            )
        )
        folder.chmod(PASSABLE)  # noqa: ASYNC240 - nothing else runs yet
        shop = RunningShop(folder, {**SETTINGS, **_settings_of(broker, relay)})
        database = await stack.enter_async_context(
            Proxy(shop.ports["FEIRA_POSTGRES_PORT"]).listening()
        )
        link = await stack.enter_async_context(
            Proxy(shop.ports[BROKER_LINKS[broker].port_setting]).listening()
        )
        disks = _mount(stack, shop.data_dir, broker) if with_disks else {}
        clocks = Clocks(folder / "clocks")
        clocks.add(SERVICES)
        shop.add_settings({**clocks.settings(), **_addresses(shop, database, link, broker)})
        stack.callback(shop.kill_all)
        shop.launch()
        await shop.until_open()
        history: list[Call] = []
        client = await stack.enter_async_context(clients_of(shop, history))
        arena = Arena(shop, client, broker, database, link, clocks, disks)
        arena.stands.set()
        yield arena
        await asyncio.to_thread(shop.stop)


def _settings_of(broker: str, relay: str) -> dict[str, str]:
    jars = os.environ.get("FEIRA_KAFKA_JARS_DIR", KAFKA_JARS)  # from here: the shop works elsewhere
    return {
        "FEIRA_BROKER": broker,
        "FEIRA_KAFKA_JARS_DIR": str(Path(jars).absolute()),
        "FEIRA_RELAY": relay,
    }


def _mount(stack: AsyncExitStack, data_dir: Path, broker: str) -> dict[str, Disk]:
    sizes = {"postgres": POSTGRES_BYTES, broker: BROKER_BYTES}
    data_dir.mkdir(mode=PASSABLE, exist_ok=True)
    data_dir.chmod(PASSABLE)
    return {
        name: stack.enter_context(Disk(data_dir / name, size).mounted())
        for name, size in sizes.items()
    }


def _addresses(shop: RunningShop, database: Proxy, link: Proxy, broker: str) -> dict[str, str]:
    """The stores' addresses by way of the proxies, with the passwords that the shop will give."""
    data_dir = DataDir(shop.data_dir).create()
    addresses = {
        f"FEIRA_{service.upper()}_DATABASE_URL": (
            f"postgresql://{service}:{data_dir.secret(f'postgres:{service}')}"
            f"@127.0.0.1:{database.port}/{service}"
        )
        for service in SERVICES
    }
    _, url, advertised = BROKER_LINKS[broker]
    addresses["FEIRA_BROKER_URL"] = url.format(password=data_dir.secret(broker), port=link.port)
    if advertised is not None:
        addresses[advertised] = str(link.port)
    return addresses
