"""A broker that loses one topic, and keeps the ledger that says it was there."""

import pytest

from feira.chassis.transports.ledger import LEDGER
from tests.adapters.transports.kafka_broker import KafkaBroker
from tests.adapters.transports.rabbitmq_broker import RabbitMqBroker
from tests.adapters.transports.traffic import TOPIC, one_each, until_available

LedgerBroker = KafkaBroker | RabbitMqBroker

pytestmark = pytest.mark.parametrize("broker", ["kafka", "rabbitmq"], indirect=True)


async def test_a_topic_that_is_lost_alone_is_another_epoch(broker: LedgerBroker) -> None:
    transport = broker.open("publisher")
    await transport.publish(one_each())
    epoch = await transport.epoch()

    await broker.lose(TOPIC)
    await until_available(lambda: transport.publish(one_each()))

    assert await transport.epoch() != epoch


async def test_so_is_one_that_is_older_than_the_ledger(broker: LedgerBroker) -> None:
    await broker.open("publisher").publish(one_each())
    await broker.lose(LEDGER)
    transport = broker.open("another")
    await until_available(lambda: transport.publish(one_each()))
    epoch = await transport.epoch()

    await broker.lose(TOPIC)
    await until_available(lambda: transport.publish(one_each()))

    assert await transport.epoch() != epoch


async def test_and_one_that_is_lost_again(broker: LedgerBroker) -> None:
    transport = broker.open("publisher")
    await transport.publish(one_each())
    epochs = {await transport.epoch()}
    for losses in (1, 2):
        await broker.lose(TOPIC)
        await until_available(lambda: transport.publish(one_each()))
        epochs.add(await transport.epoch())
        assert len(epochs) == 1 + losses
