"""What asks a Kafka about its topics fails, and goes on failing: it is thrown away."""

from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from feira.chassis.transports import kafka_topics
from feira.kernel.errors import Unavailable
from tests.adapters.transports.kafka_broker import KafkaBroker
from tests.adapters.transports.traffic import one_each

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
