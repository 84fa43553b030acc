"""A throw-away Valkey for each test that wants one, and the brokers of the behavioural suite.

Kafka and RabbitMQ start slowly: one node of each serves all tests, each in its own namespace.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.adapters.transports.brokers import Broker, HonestSimulatedBroker, ValkeyBroker
from tests.adapters.transports.kafka_broker import KafkaBroker
from tests.adapters.transports.rabbitmq_broker import RabbitMqBroker
from tests.adapters.transports.valkey_server import ValkeyServer
from tests.broker_node import BrokerNode, broker_node


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test on both loops: a transport sits directly on them, and they differ."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def valkey_server(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    server = ValkeyServer(tmp_path / "valkey")
    await server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def kafka_node() -> Iterator[BrokerNode]:
    with broker_node("kafka") as node:
        yield node


@pytest.fixture(scope="session")
def rabbitmq_node() -> Iterator[BrokerNode]:
    with broker_node("rabbitmq") as node:
        yield node


@pytest.fixture(params=["valkey", "sim", "kafka", "rabbitmq"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    broker: Broker
    if request.param == "valkey":
        server = ValkeyServer(tmp_path / "valkey")
        await server.start()
        broker = ValkeyBroker(server)
    elif request.param == "kafka":
        node: BrokerNode = request.getfixturevalue("kafka_node")
        await node.start()
        broker = KafkaBroker(node)
    elif request.param == "rabbitmq":
        node = request.getfixturevalue("rabbitmq_node")
        await node.start()
        broker = RabbitMqBroker(node)
    else:
        broker = HonestSimulatedBroker()
    yield broker
    await broker.close()


@pytest.fixture(params=["valkey", "sim"])
async def trimmed_broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    """Those that drop envelopes when they are told to; the others do so by age, on their own."""
    broker: Broker = HonestSimulatedBroker()
    if request.param == "valkey":
        server = ValkeyServer(tmp_path / "valkey")
        await server.start()
        broker = ValkeyBroker(server)
    yield broker
    await broker.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What starts slowly is tested on one of the loops, and by one worker where there are more."""
    twice = [
        item for item in items if item.name.endswith(("[asyncio-kafka]", "[asyncio-rabbitmq]"))
    ]
    config.hook.pytest_deselected(items=twice)
    items[:] = [item for item in items if item not in set(twice)]
    for item in items:
        for kind in ("kafka", "rabbitmq"):
            if item.name.endswith(f"-{kind}]"):
                item.add_marker(pytest.mark.xdist_group(kind))
