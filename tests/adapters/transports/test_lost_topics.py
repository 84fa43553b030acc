"""A broker that loses one topic, and keeps the ledger that says it was there."""

from collections.abc import AsyncIterator

import pytest

from feira.chassis.transports.ledger import LEDGER
from tests.adapters.transports.kafka_broker import KafkaBroker
from tests.adapters.transports.rabbitmq_broker import RabbitMqBroker
from tests.adapters.transports.traffic import TOPIC, one_each, until_available
from tests.broker_node import BrokerNode

LedgerBroker = KafkaBroker | RabbitMqBroker


@pytest.fixture(params=["kafka", "rabbitmq"])
async def ledger_broker(request: pytest.FixtureRequest) -> AsyncIterator[LedgerBroker]:
    node: BrokerNode = request.getfixturevalue(f"{request.param}_node")
    await node.start()
    broker = KafkaBroker(node) if request.param == "kafka" else RabbitMqBroker(node)
    yield broker
    await broker.close()


async def test_a_topic_that_is_lost_alone_is_another_epoch(ledger_broker: LedgerBroker) -> None:
    transport = ledger_broker.open("publisher")
    await transport.publish(one_each())
    epoch = await transport.epoch()

    await ledger_broker.lose(TOPIC)
    await until_available(lambda: transport.publish(one_each()))

    assert await transport.epoch() != epoch


async def test_so_is_one_that_is_older_than_the_ledger(ledger_broker: LedgerBroker) -> None:
    await ledger_broker.open("publisher").publish(one_each())
    await ledger_broker.lose(LEDGER)
    transport = ledger_broker.open("another")
    await until_available(lambda: transport.publish(one_each()))
    epoch = await transport.epoch()

    await ledger_broker.lose(TOPIC)
    await until_available(lambda: transport.publish(one_each()))

    assert await transport.epoch() != epoch


async def test_and_one_that_is_lost_again(ledger_broker: LedgerBroker) -> None:
    transport = ledger_broker.open("publisher")
    await transport.publish(one_each())
    epochs = {await transport.epoch()}
    for losses in (1, 2):
        await ledger_broker.lose(TOPIC)
        await until_available(lambda: transport.publish(one_each()))
        epochs.add(await transport.epoch())
        assert len(epochs) == 1 + losses
