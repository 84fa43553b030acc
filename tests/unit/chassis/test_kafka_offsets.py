"""Where a member of a Kafka group begins to read: offsets of its own epoch count, no others."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, Consumer, TopicPartition

from feira.chassis.transports.kafka_group import KafkaGroupSubscription
from feira.chassis.transports.kafka_settings import KafkaAddress, KafkaLimits
from feira.chassis.transports.kafka_topics import KafkaTopics


class Client:
    """A consumer of the library: it is given a partition of which this was committed."""

    def __init__(self, offset: int, epoch: str | None) -> None:
        self._known = (offset, epoch)
        self.begins_at: int | None = None

    def committed(self, parts: list[TopicPartition], **_: Any) -> list[TopicPartition]:
        offset, epoch = self._known
        told: dict[str, Any] = {} if epoch is None else {"metadata": epoch}
        return [TopicPartition(part.topic, part.partition, offset, **told) for part in parts]

    def incremental_assign(self, parts: list[TopicPartition]) -> None:
        self.begins_at = parts[0].offset


async def in_thread(call: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(call)


@pytest.mark.parametrize(
    ("offset", "epoch", "begins_at"),
    [
        (7, "now", 7),
        (7, "before", OFFSET_BEGINNING),  # the topic was lost and made anew since
        (7, None, OFFSET_BEGINNING),
        (OFFSET_INVALID, None, OFFSET_BEGINNING),
    ],
)
async def test_an_offset_counts_in_its_own_epoch(
    offset: int, epoch: str | None, begins_at: int
) -> None:
    address, limits = KafkaAddress(servers="127.0.0.1:1"), KafkaLimits()
    member = KafkaGroupSubscription(
        group="billing",
        topics=["jars"],
        member="m",
        address=address,
        limits=limits,
        known=KafkaTopics(address, limits, partitions=1),
        in_thread=in_thread,
    )
    member._epoch = "now"
    client = Client(offset, epoch)
    member._take(cast("Consumer", client), [TopicPartition("jars", 0)])
    assert client.begins_at == begins_at
