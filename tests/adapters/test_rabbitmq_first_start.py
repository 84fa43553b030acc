"""RabbitMQ makes its user and enables its streams in its first start alone: that one is killed."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from feira.chassis.transports.opening import open_transport
from feira.embedded.errors import StartFailed
from feira.embedded.local_broker import LocalBroker
from feira.embedded.rabbitmq import NAME, TABLES
from tests.adapters.transports.brokers import PARTITIONS
from tests.adapters.transports.traffic import one_each
from tests.eventually import eventually

STARTS_SECONDS_MAX = 120.0
TRIES_MAX = 5


class Server:
    def __init__(self, folder: Path) -> None:
        self.broker = LocalBroker("rabbitmq", folder)
        self.tables = folder / NAME / "data" / TABLES

    async def dies_in_its_first_start(self, pattern: str) -> None:
        """kill -9 as soon as it has made a file of that name, and before it serves."""
        for _ in range(TRIES_MAX):
            if await self._is_killed_where(pattern):
                return
            shutil.rmtree(self.tables)
        raise AssertionError(f"it served before it was killed, {TRIES_MAX} times")

    async def _is_killed_where(self, pattern: str) -> bool:
        """False where it was quicker than we were."""

        async def has_made_it() -> bool:
            return any(self.tables.glob(pattern))

        starting = asyncio.create_task(self.broker.start())
        await eventually(has_made_it, STARTS_SECONDS_MAX)
        await self.broker.kill()
        try:
            await starting
        except StartFailed:
            return True
        return False


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own, which is private: as root the parts run as another user."""
    with tempfile.TemporaryDirectory(prefix="feira-rabbitmq-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[Server]:
    server = Server(folder)
    yield server
    await server.broker.stop()


async def test_killed_in_its_first_start_it_serves_after_the_next(server: Server) -> None:
    """Found by a torture: no stream could be declared, no user could log in, or it hung."""
    for moment in ("*/schema.DAT", "*/msg_stores"):
        await server.dies_in_its_first_start(moment)
    await server.broker.start()
    transport = open_transport(server.broker.url, partitions=PARTITIONS, member="first")
    try:
        await transport.publish(one_each())
    finally:
        await transport.close()
