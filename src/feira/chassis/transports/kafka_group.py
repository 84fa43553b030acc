"""A member of a consumer group on Kafka: rebalancing is cooperative, offsets follow the effects.

Each committed offset carries the epoch that it belongs to. When the topic was lost and made anew,
an offset of the old one says nothing, and reading starts with the oldest envelope.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING as BEGINNING
from confluent_kafka import Consumer, KafkaError, TopicPartition

from feira.chassis.transports.kafka_holdings import Holdings, Place
from feira.chassis.transports.kafka_pump import KafkaPump, seek
from feira.chassis.transports.kafka_settings import KafkaAddress, KafkaLimits
from feira.chassis.transports.kafka_topics import KafkaTopics
from feira.chassis.transports.ledger import offset_in
from feira.chassis.transports.port import Delivery
from feira.kernel.errors import Unavailable

LAG_ENVELOPES_MAX: Final = 10_000
_HEARTBEATS_PER_TTL: Final = 6
_HEARTBEAT_SECONDS_MAX: Final = 1.0
_MEMBERSHIP_UNSETTLED: Final = (
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
)

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


class KafkaGroupSubscription:
    """Joins with the first `receive`; joins anew when the topics were lost."""

    def __init__(
        self,
        *,
        group: str,
        topics: Sequence[str],
        member: str,
        address: KafkaAddress,
        limits: KafkaLimits,
        known: KafkaTopics,
        in_thread: InThread,
    ) -> None:
        self._group = f"{limits.namespace}{group}"
        self._topics = tuple(topics)
        self._member = member
        self._address = address
        self._limits = limits
        self._known = known
        self._in_thread = in_thread
        self._holdings = Holdings()
        self._consumer: Consumer | None = None
        self._pump: KafkaPump | None = None
        self._assigned = asyncio.Event()
        self._committing = asyncio.Lock()
        self._answer: tuple[dict[Place, int], asyncio.Future[KafkaError | None]] | None = None
        self._epoch = ""
        self._loop = asyncio.get_running_loop()
        self.closed = False

    async def receive(self) -> Sequence[Delivery]:
        self._check_open()
        await self._keep_epoch()
        pump = self._pump or await self._join()
        try:
            return await pump.take(self._limits.receive_wait_seconds)
        except Unavailable:
            self._known.doubt()
            await self._leave()
            raise

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self._holdings.advance(
            (self._place_of(delivery), offset)
            for delivery in deliveries
            if (offset := offset_in(self._epoch, delivery.position)) is not None
        )
        async with self._committing:
            await self._commit()

    async def rewind(self) -> None:
        pump, consumer = self._pump, self._consumer
        if pump is None or consumer is None:
            return

        def go_back() -> None:
            seek(consumer, self._holdings.starts())
            pump.drop()

        try:
            await pump.between_polls(go_back)
        except Unavailable:
            await self._leave()  # to join anew begins at what was acknowledged, too

    async def lag_envelopes(self) -> int:
        pump, consumer = self._pump, self._consumer
        if pump is None or consumer is None:
            return 0
        lag = await pump.between_polls(lambda: self._count_lag(consumer))
        return min(lag, LAG_ENVELOPES_MAX)

    async def close(self) -> None:
        self.closed = True
        await self._leave()

    # --- membership ------------------------------------------------------------------------------

    async def _keep_epoch(self) -> None:
        """Another epoch: what we hold, and where we stand, is of topics that are no more."""
        age_seconds_max = self._limits.epoch_age_seconds_max
        epoch = await self._in_thread(lambda: self._known.epoch(age_seconds_max=age_seconds_max))
        if epoch != self._epoch:
            await self._leave()
            self._holdings.forget()
            self._epoch = epoch

    async def _join(self) -> KafkaPump:
        await self._in_thread(lambda: self._known.ensure(self._topics))
        self._check_open()
        self._assigned.clear()
        consumer = self._consumer = Consumer(self._configuration())
        pump = self._pump = KafkaPump(
            consumer,
            self._known.topic_of,
            self._epoch,
            self._holdings.begin,
            self._limits.buffer_bytes_max,
        )
        consumer.subscribe(
            [self._known.name_of(topic) for topic in self._topics],
            on_assign=self._take,
            on_revoke=lambda _, parts: self._give_up(pump, parts),
            on_lost=lambda _, parts: self._lose(pump, parts),
        )
        pump.start()
        try:
            async with asyncio.timeout(self._limits.command_timeout_seconds):
                await self._assigned.wait()
        except TimeoutError:
            pass  # the others take their time to hand over: a later `receive` has the envelopes
        return pump

    async def _leave(self) -> None:
        pump, self._pump, self._consumer = self._pump, None, None
        if pump is not None:
            await pump.close(self._limits.command_timeout_seconds)
        self._holdings.lose(self._holdings.places)

    def _check_open(self) -> None:
        if self.closed:
            raise Unavailable(f"this member has left the group {self._group}")

    def _configuration(self) -> dict[str, Any]:
        lease_ms = round(self._limits.lease_ttl_seconds * 1000)
        beat_ms = round(min(_HEARTBEAT_SECONDS_MAX * 1000, lease_ms / _HEARTBEATS_PER_TTL))
        return {
            **self._address.configuration(),
            "group.id": self._group,
            "client.id": self._member,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": lease_ms,
            "heartbeat.interval.ms": beat_ms,
            "on_commit": self._answered,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "allow.auto.create.topics": False,
            "fetch.wait.max.ms": 500,
            "fetch.message.max.bytes": self._limits.envelope_bytes_max,
            "queued.max.messages.kbytes": self._limits.buffer_bytes_max // 1024,
            "socket.timeout.ms": max(10, round(self._limits.command_timeout_seconds * 1000)),
        }

    # --- in the consumer's thread ----------------------------------------------------------------

    def _take(self, consumer: Consumer, parts: list[TopicPartition]) -> None:
        if parts:
            committed = consumer.committed(parts, timeout=self._limits.command_timeout_seconds)
            consumer.incremental_assign([self._take_one(each) for each in committed])
        self._loop.call_soon_threadsafe(self._assigned.set)

    def _take_one(self, committed: TopicPartition) -> TopicPartition:
        place = Place(committed.topic, committed.partition)
        start = self._holdings.take(place, self._offset_of(committed))
        return TopicPartition(*place, BEGINNING if start is None else start)

    def _offset_of(self, committed: TopicPartition) -> int | None:
        """None when nothing was committed, or only in another epoch."""
        valid = committed.offset >= 0 and committed.metadata == self._epoch
        return committed.offset if valid else None

    def _give_up(self, pump: KafkaPump, parts: list[TopicPartition]) -> None:
        """The client takes them away itself when this returns."""
        if pump.closing:  # we go, and may come back
            self._lose(pump, parts)
            return
        places = [Place(each.topic, each.partition) for each in parts]
        self._holdings.give_up(places)
        pump.drop(places)

    def _lose(self, pump: KafkaPump, parts: list[TopicPartition]) -> None:
        places = [Place(each.topic, each.partition) for each in parts]
        self._holdings.lose(places)
        pump.drop(places)

    def _answered(self, error: KafkaError | None, parts: list[TopicPartition]) -> None:
        offsets = {Place(each.topic, each.partition): each.offset for each in parts}
        failed = error or next((each.error for each in parts if each.error is not None), None)
        self._loop.call_soon_threadsafe(self._take_answer, failed, offsets)

    def _count_lag(self, consumer: Consumer) -> int:
        seconds = self._limits.command_timeout_seconds
        parts = [TopicPartition(*place) for place in self._holdings.places]
        lag = 0
        for part in consumer.committed(parts, timeout=seconds) if parts else ():
            oldest, end = consumer.get_watermark_offsets(part, timeout=seconds)
            lag += max(0, end - max(oldest, self._offset_of(part) or 0))
        return lag

    # --- committing ------------------------------------------------------------------------------

    async def _commit(self) -> None:
        """What the group, which is changing, does not take now is committed next time."""
        pump, consumer, due = self._pump, self._consumer, self._holdings.due()
        if pump is None or consumer is None or not due:
            age_seconds_max = self._limits.epoch_age_seconds_max
            await self._in_thread(lambda: self._known.epoch(age_seconds_max=age_seconds_max))
            return
        done: asyncio.Future[KafkaError | None] = self._loop.create_future()
        try:
            async with asyncio.timeout(self._limits.command_timeout_seconds):
                offsets = await pump.between_polls(lambda: self._send(consumer, done))
                error = await done if offsets else None
        except TimeoutError:
            raise Unavailable("kafka: an acknowledgement was not answered in time") from None
        finally:
            self._answer = None
        if error is None:
            self._holdings.settle(offsets)
        elif error.code() not in _MEMBERSHIP_UNSETTLED:
            raise Unavailable(f"kafka: {error}")

    def _send(
        self, consumer: Consumer, done: "asyncio.Future[KafkaError | None]"
    ) -> dict[Place, int]:
        """In the consumer's thread, which is also the one that hands partitions over."""
        due = self._holdings.due()
        if due:
            self._answer = (due, done)
            parts = [
                TopicPartition(*at, offset, metadata=self._epoch) for at, offset in due.items()
            ]
            consumer.commit(offsets=parts, asynchronous=True)
        return due

    def _take_answer(self, error: KafkaError | None, offsets: dict[Place, int]) -> None:
        if self._answer is None or self._answer[0] != offsets or self._answer[1].done():
            return  # of a commit that nobody waits for any more
        self._answer[1].set_result(error)

    def _place_of(self, delivery: Delivery) -> Place:
        return Place(self._known.name_of(delivery.envelope.topic), delivery.envelope.partition)
