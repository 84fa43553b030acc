"""Kafka's client in trouble: it fails, falls silent or is closed, and the caller is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from threading import Event
from time import monotonic
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from structlog.testing import capture_logs

from feira.chassis.transports import kafka_broadcast, kafka_group
from feira.chassis.transports.kafka_broadcast import KafkaBroadcastSubscription
from feira.chassis.transports.kafka_group import KafkaGroupSubscription
from feira.chassis.transports.kafka_holdings import Place
from feira.chassis.transports.kafka_pump import KafkaPump
from feira.chassis.transports.kafka_settings import KafkaAddress, KafkaLimits
from feira.chassis.transports.kafka_topics import KafkaTopics
from feira.chassis.transports.ledger import position
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Delivery, Envelope
from feira.kernel.errors import Unavailable
from feira.kernel.ids import uuid7

ADDRESS = KafkaAddress(servers="127.0.0.1:1")
LIMITS = KafkaLimits(command_timeout_seconds=0.2, receive_wait_seconds=0.05)
AWAY = KafkaException(KafkaError(KafkaError._TRANSPORT))
NOT_YET = KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))


@dataclass
class Client:
    """A consumer of the library that nothing comes to, and that fails as it is told to."""

    polling: Exception | None = None
    closing: Exception | None = None
    seeking: Exception | None = None
    refusing: KafkaError | None = None
    asking: list[Exception] = field(default_factory=list)
    may_poll: Event = field(default_factory=Event)
    """Until it is set, a poll does not return."""
    is_closed: bool = False
    committed_offsets: list[Any] = field(default_factory=list)
    on_assign: Callable[..., None] | None = None
    on_commit: Callable[..., None] = lambda *_: None
    hands_over: bool = True
    """Whether the group gives this member its partition."""

    def __post_init__(self) -> None:
        self.may_poll.set()

    def subscribe(self, topics: list[str], *, on_assign: Callable[..., None], **_: Any) -> None:
        self.on_assign = on_assign
        self._topics = topics

    def assign(self, _parts: Any) -> None:
        pass

    incremental_assign = assign

    def poll(self, _seconds: float) -> None:
        self.may_poll.wait(0.001)
        while not self.may_poll.wait(0.001):
            pass
        on_assign, self.on_assign = self.on_assign, None
        if on_assign is not None and self.hands_over:
            on_assign(self, [TopicPartition(topic, 0) for topic in self._topics])
        if self.polling is not None:
            raise self.polling

    def committed(self, parts: list[TopicPartition], **_: Any) -> list[TopicPartition]:
        return parts

    def commit(self, *, offsets: list[TopicPartition], **_: Any) -> None:
        """It is never answered, or refused for each partition and not as a whole."""
        self.committed_offsets += offsets
        if self.refusing is not None:
            self.on_commit(
                None,
                [
                    SimpleNamespace(
                        topic=each.topic,
                        partition=each.partition,
                        offset=each.offset,
                        error=self.refusing,
                    )
                    for each in offsets
                ],
            )

    def seek(self, _part: TopicPartition) -> None:
        if self.seeking is not None:
            raise self.seeking

    def offsets_for_times(self, parts: list[TopicPartition], **_: Any) -> list[TopicPartition]:
        if self.asking:
            raise self.asking.pop()
        return parts

    def get_watermark_offsets(self, _part: TopicPartition, **_: Any) -> tuple[int, int]:
        if self.asking:
            raise self.asking.pop()
        return 0, 7

    def close(self) -> None:
        self.is_closed = True
        if self.closing is not None:
            raise self.closing


class Topics:
    """Topics that are all there."""

    doubts = 0

    def epoch(self, **_: Any) -> str:
        return "epoch"

    def ensure(self, _topics: Any) -> None:
        pass

    def doubt(self) -> None:
        self.doubts += 1

    def name_of(self, topic: str) -> str:
        return topic

    topic_of = name_of


async def in_thread(call: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(call)


@dataclass
class Member:
    """A member of a group and a reader of a broadcast, on a client of their own."""

    client: Client = field(default_factory=Client)
    topics: Topics = field(default_factory=Topics)
    limits: KafkaLimits = LIMITS

    @property
    def common(self) -> dict[str, Any]:
        known = cast("KafkaTopics", self.topics)
        return {"address": ADDRESS, "limits": self.limits, "known": known, "in_thread": in_thread}

    def group(self) -> KafkaGroupSubscription:
        return KafkaGroupSubscription(group="g", topics=["jars"], member="m", **self.common)

    def broadcast(self) -> KafkaBroadcastSubscription:
        return KafkaBroadcastSubscription(
            topics=["jars"], since_seconds=0, partitions=1, **self.common
        )


@pytest.fixture
async def member(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Member]:
    member = Member()

    def made(configuration: dict[str, Any]) -> Client:
        member.client.on_commit = configuration.get("on_commit", member.client.on_commit)
        return member.client

    for module in (kafka_group, kafka_broadcast):
        monkeypatch.setattr(module, "Consumer", made)
    yield member
    member.client.may_poll.set()


def delivery(offset: int, epoch: str = "epoch") -> Delivery:
    return Delivery(Envelope(uuid7(), "jars", 0, b"[]"), position(epoch, offset))


@pytest.mark.parametrize("failure", [AWAY, ValueError("a bug")])
@pytest.mark.parametrize("kind", ["group", "broadcast"])
async def test_a_consumer_that_fails_is_told_of_and_another_takes_its_place(
    member: Member, kind: str, failure: Exception
) -> None:
    """Whatever ended its thread: who receives would else hear nothing any more, and not know."""
    subscription = member.group() if kind == "group" else member.broadcast()
    member.client.polling = failure
    with pytest.raises(Unavailable):
        await subscription.receive()
    assert member.client.is_closed
    assert member.topics.doubts == 1
    member.client = Client()
    assert await subscription.receive() == []
    await subscription.close()
    assert member.client.is_closed


async def test_where_a_broadcast_begins_is_asked_again_when_nobody_answers(member: Member) -> None:
    reader = member.broadcast()
    member.client.asking = [AWAY]
    with pytest.raises(Unavailable):
        await reader.receive()
    assert await reader.receive() == []
    await reader.close()


async def test_a_member_that_is_given_nothing_in_time_receives_nothing_yet(member: Member) -> None:
    member.client.hands_over = False
    group = member.group()
    assert await group.receive() == []
    await group.close()


async def test_an_acknowledgement_without_an_answer_is_trouble_and_is_sent_again(
    member: Member,
) -> None:
    group = member.group()
    assert await group.receive() == []
    group._pump._seen(Place("jars", 0), 0)  # type: ignore[union-attr]
    for _ in range(2):
        with pytest.raises(Unavailable, match="not answered in time"):
            await group.acknowledge([delivery(0)])
    assert [part.offset for part in member.client.committed_offsets] == [1, 1]
    await group.close()


async def test_an_acknowledgement_that_a_partition_refuses_is_trouble(member: Member) -> None:
    member.limits = replace(LIMITS, command_timeout_seconds=60)
    group = member.group()
    assert await group.receive() == []
    group._pump._seen(Place("jars", 0), 0)  # type: ignore[union-attr]
    member.client.refusing = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    for _ in range(2):
        with pytest.raises(Unavailable, match="UNKNOWN_TOPIC_OR_PART"):
            await group.acknowledge([delivery(0)])
    await group.close()


async def test_an_acknowledgement_from_another_epoch_moves_nothing(member: Member) -> None:
    group = member.group()
    assert await group.receive() == []
    group._pump._seen(Place("jars", 0), 0)  # type: ignore[union-attr]
    await group.acknowledge([delivery(4, epoch="before")])
    assert member.client.committed_offsets == []
    await group.close()


async def test_who_cannot_go_back_leaves_and_joins_anew(member: Member) -> None:
    """Which begins at what was acknowledged, too."""
    group = member.group()
    assert await group.receive() == []
    group._pump._seen(Place("jars", 0), 0)  # type: ignore[union-attr]
    member.client.seeking = AWAY
    await group.rewind()
    assert member.client.is_closed
    member.client = Client()
    assert await group.receive() == []
    await group.close()


async def test_a_consumer_that_does_not_end_is_not_waited_for() -> None:
    client = Client()
    pump = KafkaPump(cast("Consumer", client), str, "epoch", lambda _place, _offset: None, 1_000)
    client.may_poll.clear()
    pump.start()
    with capture_logs() as logs:
        await pump.close(timeout_seconds=0.01)
    assert [log["event"] for log in logs] == ["kafka_consumer_closes_slowly"]
    client.may_poll.set()
    async with asyncio.timeout(60):
        await pump._ended.wait()
    assert client.is_closed


async def test_a_consumer_that_cannot_be_closed_has_ended_all_the_same() -> None:
    client = Client(closing=AWAY)
    pump = KafkaPump(cast("Consumer", client), str, "epoch", lambda _place, _offset: None, 1_000)
    pump.start()
    with capture_logs() as logs:
        await pump.close(timeout_seconds=5)
    assert [log["event"] for log in logs] == ["kafka_consumer_not_closed"]
    with pytest.raises(Unavailable, match="has ended"):
        await pump.between_polls(lambda: None)


def test_a_topic_that_has_no_leader_yet_is_asked_again() -> None:
    topics = KafkaTopics(ADDRESS, LIMITS, partitions=1)
    reader = cast("Consumer", Client(asking=[NOT_YET, NOT_YET]))
    place = TopicPartition("ledger", 0)
    assert topics._end_of(reader, place, monotonic() + 5) == 7
    for patient_until, error in ((monotonic() + 5, AWAY), (0.0, NOT_YET)):
        failing = cast("Consumer", Client(asking=[error]))
        with pytest.raises(KafkaException):
            topics._end_of(failing, place, patient_until)


def test_an_answer_that_does_not_come_is_not_waited_for_any_longer() -> None:
    topics = KafkaTopics(ADDRESS, KafkaLimits(command_timeout_seconds=0.01), partitions=1)
    with pytest.raises(Unavailable, match="no answer in time"):
        topics._awaited(Future())


async def test_a_transport_that_is_closed_says_so() -> None:
    transport = open_transport("kafka://127.0.0.1:1", partitions=1, member="m")
    await transport.close()
    with pytest.raises(Unavailable, match="closed"):
        await transport.publish([delivery(0).envelope])
