"""The topics of one Kafka: made where they are missing, checked where they are not.

Everything here blocks, and is called from a thread (see `KafkaTransport`).
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from threading import Lock
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import TopicCollection as Topics
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._topic import TopicDescription
from confluent_kafka.cimpl import NewTopic

from feira.chassis.transports.kafka_sending import Deliveries
from feira.chassis.transports.kafka_settings import KafkaAddress, KafkaLimits
from feira.chassis.transports.ledger import LEDGER, Ledger, lost, made
from feira.kernel.errors import Misconfigured, Unavailable

_LINES_AT_ONCE_MAX: Final = 1000
_ASK_AGAIN_SECONDS: Final = 0.05
_NOT_YET: Final = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)
_FOR_EVER: Final = "-1"

Result = TypeVar("Result")


def unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"kafka: {error}")


class KafkaTopics:
    """Keeps the ledger of a namespace (see `Ledger`) in a topic of one partition."""

    def __init__(self, address: KafkaAddress, limits: KafkaLimits, partitions: int) -> None:
        self._address = address
        self._limits = limits
        self._partitions = partitions
        self._busy = Lock()
        self._admin: AdminClient | None = None
        self._reader: Consumer | None = None
        self._ledger: Ledger | None = None
        self._lines_read = 0
        self._read_at = float("-inf")
        self._ensured: set[str] = set()

    def name_of(self, topic: str) -> str:
        return f"{self._limits.namespace}{topic}"

    def topic_of(self, name: str) -> str:
        return name.removeprefix(self._limits.namespace)

    def epoch(self, *, age_seconds_max: float = 0.0) -> str:
        """The epoch; not asked for anew when it is young enough. Raises `Unavailable`."""
        with self._busy:
            if self._ledger is None or monotonic() - self._read_at > age_seconds_max:
                return self._answered(self._read_ledger).epoch
            return self._ledger.epoch

    def ensure(self, topics: Iterable[str]) -> None:
        """Make what is missing. Raises `Unavailable`, or `Misconfigured` for other partitions."""
        with self._busy:
            new = set(topics) - self._ensured
            if new:
                self._answered(lambda: self._ensure(sorted(new)))
                self._ensured |= new

    def doubt(self) -> None:
        """Something did not work: look again next time."""
        with self._busy:
            self._ensured.clear()

    def close(self) -> None:
        with self._busy:
            self._let_go()

    def _answered(self, ask: Callable[[], Result]) -> Result:
        """What failed is asked again with new clients: one that was once told that there is no
        broker (see `kafka_settings`) finds none for minutes."""
        try:
            return ask()
        except (KafkaException, RuntimeError, Unavailable) as error:  # a closed one: RuntimeError
            self._ensured.clear()
            self._let_go()
            if isinstance(error, Unavailable):
                raise
            raise unavailable(error) from error

    def _let_go(self) -> None:
        self._forget_ledger()
        self._admin = None

    # --- topics ----------------------------------------------------------------------------------

    def _ensure(self, topics: list[str]) -> None:
        ledger = self._read_ledger()
        for topic in topics:
            known, described = topic in ledger.topics, self._describe(topic)
            if described is None:
                if known:
                    self._write(lost(topic))  # first: nobody may hold a new topic for the old one
                self._make(topic, self._partitions, self._limits.retention_hours * 3_600_000)
            if described is None or not known:
                self._write(made(topic))
            if described is not None and len(described.partitions) != self._partitions:
                raise Misconfigured(
                    f"kafka: {self.name_of(topic)} has {len(described.partitions)} partitions, and "
                    f"the setting says {self._partitions}: keys would lose their order"
                )

    def _describe(self, topic: str) -> TopicDescription | None:
        """None when there is no such topic."""
        name = self.name_of(topic)
        seconds = self._limits.command_timeout_seconds
        future = self._admin_client().describe_topics(Topics([name]), request_timeout=seconds)[name]
        try:
            described: TopicDescription = self._awaited(future)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return None
            raise
        return described

    def _make(self, topic: str, partitions: int, retention_ms: int | str) -> TopicDescription:
        new = NewTopic(
            self.name_of(topic),
            num_partitions=partitions,
            replication_factor=self._limits.replicas,
            config={
                "cleanup.policy": "delete",
                "retention.ms": str(retention_ms),
                "max.message.bytes": str(self._limits.envelope_bytes_max),
            },
        )
        seconds = self._limits.command_timeout_seconds
        try:
            making = self._admin_client().create_topics(
                [new], operation_timeout=seconds, request_timeout=seconds
            )
            self._awaited(making[new.topic])
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        deadline = monotonic() + seconds
        while monotonic() < deadline:  # until those who answer us know of it
            described = self._describe(topic)
            if described is not None and all(each.leader for each in described.partitions):
                return described
            sleep(_ASK_AGAIN_SECONDS)
        raise Unavailable(f"kafka: {new.topic} was made, and is not there yet")

    def _awaited(self, future: "Future[Any]") -> Any:
        try:
            return future.result(self._limits.command_timeout_seconds * 2)
        except TimeoutError as error:
            raise Unavailable("kafka: no answer in time") from error

    def _admin_client(self) -> AdminClient:
        if self._admin is None:
            milliseconds = round(self._limits.command_timeout_seconds * 1000)
            self._admin = AdminClient(
                {**self._address.configuration(), "socket.timeout.ms": milliseconds}
            )
        return self._admin

    # --- ledger ----------------------------------------------------------------------------------

    def _read_ledger(self) -> Ledger:
        described = self._describe(LEDGER) or self._make(LEDGER, 1, _FOR_EVER)
        identity = str(described.topic_id)
        if self._ledger is None or self._ledger.identity != identity:
            self._forget_ledger()
            self._ensured.clear()
            self._ledger = Ledger(identity)
            self._reader = self._open_reader()
        losses = self._ledger.losses
        self._read_lines(self._ledger)
        if self._ledger.losses != losses:
            self._ensured.clear()
        self._read_at = monotonic()
        return self._ledger

    def _open_reader(self) -> Consumer:
        """Belongs to no group; Kafka's client wants a name all the same."""
        reader = Consumer(
            {
                **self._address.configuration(),
                "group.id": f"{self._limits.namespace}feira.no-group",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 100,
                "socket.timeout.ms": round(self._limits.command_timeout_seconds * 1000),
            }
        )
        reader.assign([TopicPartition(self.name_of(LEDGER), 0, 0)])
        return reader

    def _read_lines(self, ledger: Ledger) -> None:
        assert self._reader is not None, "opened with the ledger"
        place = TopicPartition(self.name_of(LEDGER), 0)
        seconds = self._limits.command_timeout_seconds
        deadline = monotonic() + seconds
        end = self._end_of(self._reader, place, deadline)
        while self._lines_read < end:
            for message in self._reader.consume(min(end, _LINES_AT_ONCE_MAX), timeout=0.05):
                if message.error() is not None:
                    raise KafkaException(message.error())
                ledger.read(message.value() or b"")
                self._lines_read += 1
            if monotonic() > deadline:
                raise Unavailable("kafka: the ledger cannot be read in time")

    def _end_of(self, reader: Consumer, place: TopicPartition, deadline: float) -> int:
        """A topic that was just made is led by nobody for a moment."""
        while True:
            try:
                _, end = reader.get_watermark_offsets(
                    place, timeout=self._limits.command_timeout_seconds
                )
            except KafkaException as error:
                if error.args[0].code() not in _NOT_YET or monotonic() > deadline:
                    raise
                sleep(_ASK_AGAIN_SECONDS)
            else:
                return end

    def _write(self, line: bytes) -> None:
        seconds = self._limits.command_timeout_seconds
        writer = Producer(
            {
                **self._address.configuration(),
                "acks": "all",
                "enable.idempotence": True,
                "message.timeout.ms": round(seconds * 1000),
            }
        )
        sent = Deliveries()
        writer.produce(self.name_of(LEDGER), value=line, partition=0, on_delivery=sent.note)
        sent.complete(writer, seconds * 2)

    def _forget_ledger(self) -> None:
        reader, self._reader = self._reader, None
        self._ledger, self._lines_read = None, 0
        self._read_at = float("-inf")
        if reader is not None:
            reader.close()
