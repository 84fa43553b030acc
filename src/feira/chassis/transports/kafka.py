"""Apache Kafka as a broker: `kafka://host:9092`, several hosts by commas, `kafkas://` with TLS.

Durable means acknowledged by all in-sync replicas. The client is librdkafka, whose calls block:
they run in threads, of which each transport has a few of its own (ADR 0012).
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from feira.chassis.transports.kafka_broadcast import KafkaBroadcastSubscription
from feira.chassis.transports.kafka_group import KafkaGroupSubscription
from feira.chassis.transports.kafka_publisher import KafkaPublisher
from feira.chassis.transports.kafka_settings import KafkaAddress, KafkaLimits
from feira.chassis.transports.kafka_topics import KafkaTopics
from feira.chassis.transports.open_subscriptions import OpenSubscriptions
from feira.chassis.transports.port import Envelope
from feira.kernel.errors import Unavailable

COMMAND_THREADS_MAX: Final = 4

Result = TypeVar("Result")


class KafkaTransport:
    """The port's semantics are in `port.Transport`. A call waits a few times
    `command_timeout_seconds` at most.
    """

    def __init__(
        self,
        address: KafkaAddress,
        limits: KafkaLimits,
        *,
        partitions: int,
        member: str,
        single_event_topics: Collection[str] = (),
    ) -> None:
        self._address = address
        self._limits = limits
        self._partitions = partitions
        self._member = member
        self._topics = KafkaTopics(address, limits, partitions)
        self._publisher = KafkaPublisher(address, limits, self._topics, single_event_topics)
        self._publishing = ThreadPoolExecutor(1, "kafka publisher")
        self._commands = ThreadPoolExecutor(COMMAND_THREADS_MAX, "kafka commands")
        self._subscriptions = OpenSubscriptions()

    @property
    def partitions(self) -> int:
        return self._partitions

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        if envelopes:
            await self._in(self._publishing, lambda: self._publisher.publish(envelopes))

    async def subscribe(self, group: str, topics: Sequence[str]) -> KafkaGroupSubscription:
        """Asks nothing of the brokers yet: `receive` joins, so a service starts without them."""
        return self._subscriptions.add(
            f"group {group}",
            lambda number: KafkaGroupSubscription(
                group=group,
                topics=topics,
                member=f"{self._member}.{number}",
                address=self._address,
                limits=self._limits,
                known=self._topics,
                in_thread=self._command,
            ),
        )

    async def subscribe_broadcast(
        self, topics: Sequence[str], since_seconds: int
    ) -> KafkaBroadcastSubscription:
        """Asks nothing of the brokers yet. History reaches back to `retention_hours` at most."""
        return self._subscriptions.add(
            "broadcast",
            lambda _: KafkaBroadcastSubscription(
                topics=topics,
                since_seconds=since_seconds,
                partitions=self._partitions,
                address=self._address,
                limits=self._limits,
                known=self._topics,
                in_thread=self._command,
            ),
        )

    async def epoch(self) -> str:
        return await self._command(self._topics.epoch)

    async def trim(self) -> None:
        """Kafka drops what is older than `retention_hours` by itself: only ask if it is there."""
        await self._command(
            lambda: self._topics.epoch(age_seconds_max=self._limits.epoch_age_seconds_max)
        )

    async def close(self) -> None:
        """Closes the subscriptions too."""
        await self._subscriptions.close()
        self._publishing.shutdown(wait=False, cancel_futures=True)
        self._commands.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._release)

    def _release(self) -> None:
        self._publisher.close()
        self._topics.close()

    async def _command(self, call: Callable[[], Result]) -> Result:
        return await self._in(self._commands, call)

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[[], Result]) -> Result:
        try:
            future = asyncio.get_running_loop().run_in_executor(threads, call)
        except RuntimeError as error:
            raise Unavailable("kafka: this transport is closed") from error
        return await future
