"""Messages that Kafka has, or has not: a producer that gave one up has nothing left to flush."""

from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, Producer

from feira.kernel.errors import Unavailable


def send_all(producer: Producer, messages: Iterable[dict[str, Any]], wait_seconds: float) -> None:
    """Returns when all in-sync replicas have them. Raises `Unavailable`.

    `messages` are arguments of `Producer.produce`.
    """
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            failures.append(error)

    for message in messages:
        producer.produce(**message, on_delivery=delivered)
    left = producer.flush(wait_seconds)
    if left or failures:
        raise Unavailable(f"kafka: not stored: {failures[0] if failures else 'no answer'}")
