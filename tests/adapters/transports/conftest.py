"""A throw-away Valkey for each test that wants one, and the brokers of the behavioural suite."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.adapters.transports.brokers import Broker, HonestSimulatedBroker, ValkeyBroker
from tests.adapters.transports.valkey_server import ValkeyServer


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test on both loops: a transport sits directly on them, and they differ."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def valkey_server(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    server = ValkeyServer(tmp_path / "valkey")
    await server.start()
    yield server
    server.kill()


@pytest.fixture(params=["valkey", "sim"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    broker: Broker
    if request.param == "valkey":
        server = ValkeyServer(tmp_path / "valkey")
        await server.start()
        broker = ValkeyBroker(server)
    else:
        broker = HonestSimulatedBroker()
    yield broker
    await broker.close()
