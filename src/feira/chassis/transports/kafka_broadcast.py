"""Every envelope of some topics, for one process alone, on Kafka."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

from feira.chassis.transports.kafka_holdings import Place
from feira.chassis.transports.kafka_pump import KafkaPump
from feira.chassis.transports.kafka_settings import KafkaAddress, KafkaLimits
from feira.chassis.transports.kafka_topics import KafkaTopics, unavailable
from feira.chassis.transports.port import Delivery
from feira.kernel.clock import SystemClock
from feira.kernel.errors import Unavailable

LAG_ENVELOPES_MAX: Final = 10_000

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


class KafkaBroadcastSubscription:
    """Reads all partitions, in no group. `since_seconds` counts back from the making of the
    subscription, by this machine's clock; Kafka has its producers' clocks in the messages.
    """

    def __init__(
        self,
        *,
        topics: Sequence[str],
        since_seconds: int,
        partitions: int,
        address: KafkaAddress,
        limits: KafkaLimits,
        known: KafkaTopics,
        in_thread: InThread,
    ) -> None:
        self._topics = tuple(topics)
        self._partitions = partitions
        self._address = address
        self._limits = limits
        self._known = known
        self._in_thread = in_thread
        self._since = SystemClock().now() - timedelta(seconds=since_seconds)
        self._consumer: Consumer | None = None
        self._pump: KafkaPump | None = None
        self._reached: dict[Place, int] = {}
        self._epoch = ""
        self.closed = False

    async def receive(self) -> Sequence[Delivery]:
        self._check_open()
        await self._keep_epoch()
        pump = self._pump or await self._begin()
        try:
            return await pump.take(self._limits.receive_wait_seconds)
        except Unavailable:
            self._known.doubt()
            await self._end()
            raise

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing: nobody waits for a broadcast's reader."""

    async def rewind(self) -> None:
        """Nothing: what was received and not acknowledged is as good as acknowledged."""

    async def lag_envelopes(self) -> int:
        pump, consumer = self._pump, self._consumer
        if pump is None or consumer is None:
            return 0
        lag = await pump.between_polls(lambda: self._count_lag(consumer))
        return min(lag, LAG_ENVELOPES_MAX)

    async def close(self) -> None:
        self.closed = True
        await self._end()

    async def _keep_epoch(self) -> None:
        """In another epoch all is new, and nothing of it was read: begin with the oldest."""
        age_seconds_max = self._limits.epoch_age_seconds_max
        epoch = await self._in_thread(lambda: self._known.epoch(age_seconds_max=age_seconds_max))
        if epoch != self._epoch:
            await self._end()
            self._reached = dict.fromkeys(self._places(), OFFSET_BEGINNING) if self._epoch else {}
            self._epoch = epoch

    async def _begin(self) -> KafkaPump:
        await self._in_thread(lambda: self._known.ensure(self._topics))
        consumer = Consumer(
            {
                **self._address.configuration(),
                "group.id": f"{self._limits.namespace}feira.no-group",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 500,
                "fetch.message.max.bytes": self._limits.envelope_bytes_max,
                "queued.max.messages.kbytes": self._limits.buffer_bytes_max // 1024,
                "socket.timeout.ms": round(self._limits.command_timeout_seconds * 1000),
            }
        )
        starts = await self._in_thread(lambda: self._starts(consumer))
        self._check_open()
        consumer.assign(starts)
        self._consumer = consumer
        pump = self._pump = KafkaPump(
            consumer,
            self._known.topic_of,
            self._epoch,
            self._note,
            self._limits.buffer_bytes_max,
        )
        pump.start()
        return pump

    async def _end(self) -> None:
        pump, self._pump, self._consumer = self._pump, None, None
        if pump is not None:
            await pump.close(self._limits.command_timeout_seconds)

    def _check_open(self) -> None:
        if self.closed:
            raise Unavailable("this reader of a broadcast is closed")

    def _starts(self, consumer: Consumer) -> list[TopicPartition]:
        """Where reading stands; at first, the first message that is young enough."""
        if not self._reached:
            since_ms = round(self._since.timestamp() * 1000)
            asked = [TopicPartition(*place, since_ms) for place in self._places()]
            try:
                found = consumer.offsets_for_times(
                    asked, timeout=self._limits.command_timeout_seconds
                )
            except KafkaException as error:
                raise unavailable(error) from error
            self._reached = {Place(each.topic, each.partition): each.offset for each in found}
        return [TopicPartition(*place, offset) for place, offset in self._reached.items()]

    def _places(self) -> list[Place]:
        names = [self._known.name_of(topic) for topic in self._topics]
        return [Place(name, partition) for name in names for partition in range(self._partitions)]

    def _note(self, place: Place, offset: int) -> None:
        self._reached[place] = offset + 1

    def _count_lag(self, consumer: Consumer) -> int:
        lag = 0
        for place, reached in list(self._reached.items()):
            oldest, end = consumer.get_watermark_offsets(
                TopicPartition(*place), timeout=self._limits.command_timeout_seconds
            )
            lag += 0 if reached == OFFSET_END else max(0, end - max(oldest, reached))
        return lag
