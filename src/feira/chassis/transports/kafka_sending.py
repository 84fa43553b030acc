"""Messages that Kafka has, or has not: a producer that gave one up has nothing left to flush."""

from typing import Any

from confluent_kafka import KafkaError, Producer

from feira.kernel.errors import Unavailable


class Deliveries:
    """`note` is the `on_delivery` of every message of one sending."""

    def __init__(self) -> None:
        self._failures: list[KafkaError] = []

    def note(self, error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            self._failures.append(error)

    def complete(self, producer: Producer, wait_seconds: float) -> None:
        """Returns when all in-sync replicas have all of them. Raises `Unavailable`."""
        left = producer.flush(wait_seconds)
        if left or self._failures:
            failure = self._failures[0] if self._failures else "no answer"
            raise Unavailable(f"kafka: not stored: {failure}")
