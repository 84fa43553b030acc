"""A client of Kafka that fails: it is not believed, and not asked again."""

from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from feira.chassis.transports import kafka_topics
from feira.embedded.ports import HOST, free_port
from feira.kernel.errors import Unavailable
from tests.adapters.transports.kafka_broker import KafkaBroker
from tests.adapters.transports.traffic import TOPIC, one_each, until_available
from tests.eventually import eventually

pytestmark = pytest.mark.parametrize("broker", ["kafka"], indirect=True)

NO_CONTROLLER = KafkaException(KafkaError(KafkaError._TIMED_OUT))


class Lost:
    """A client that was told once that there is no broker (`failure`), or is never answered."""

    def __init__(self, failure: Exception | None) -> None:
        self._failure = failure

    def describe_topics(self, topics: Any, **_limits: object) -> dict[str, "Future[Any]"]:
        answers: dict[str, Future[Any]] = {name: Future() for name in topics.topic_names}
        for answer in answers.values() if self._failure else ():
            answer.set_exception(self._failure)
        return answers


async def test_a_client_that_finds_no_broker_is_not_asked_again(
    broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = [Lost(NO_CONTROLLER), Lost(None)]

    def opened(configuration: dict[str, Any]) -> AdminClient | Lost:
        return lost.pop() if lost else AdminClient(configuration)

    monkeypatch.setattr(kafka_topics, "AdminClient", opened)
    transport = broker.open("publisher")
    for _ in lost.copy():
        with pytest.raises(Unavailable):
            await transport.publish(one_each())
    await transport.publish(one_each())
    assert await transport.epoch()


async def test_a_loss_that_could_not_be_written_down_is_still_a_loss(
    broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A producer that gave a line up has nothing left to send, either."""
    transport = broker.open("publisher")
    await transport.publish(one_each())
    epoch = await transport.epoch()
    await broker.lose(TOPIC)
    unheard: list[Producer] = []

    def opened(configuration: dict[str, Any]) -> Producer:
        nobody = {"bootstrap.servers": f"{HOST}:{free_port()}"}
        unheard.append(Producer({**configuration, **nobody}))
        return unheard[-1]

    async def is_written_in_vain() -> bool:
        with pytest.raises(Unavailable):
            await transport.publish(one_each())
        return bool(unheard)

    with monkeypatch.context() as patched:
        patched.setattr(kafka_topics, "Producer", opened)
        await eventually(is_written_in_vain)
    await until_available(lambda: transport.publish(one_each()))
    assert await transport.epoch() != epoch
