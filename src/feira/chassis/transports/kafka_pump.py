"""Brings what a Kafka consumer gets from its thread to the event loop, a bounded lot at a time.

Kafka's client wants to be asked all the time, or it neither hears of other members nor hands
partitions over: so a thread asks, whether or not anybody receives. When the buffer is full (by
`buffer_bytes_max` and one envelope at most) the partitions are paused, and the asking goes on.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

import structlog
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from feira.chassis.transports import wire
from feira.chassis.transports.kafka_holdings import Place
from feira.chassis.transports.ledger import position
from feira.chassis.transports.port import Delivery, Envelope
from feira.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

_POLL_SECONDS: Final = 0.05
_MESSAGES_AT_ONCE_MAX: Final = 64
_RESUME_BELOW_SHARE: Final = 0.5

Result = TypeVar("Result")


class KafkaPump:
    """One consumer and its thread, from `start` to `close`, in one epoch. `seen` is called in the
    thread, with each message's place and offset, before the message reaches the buffer.
    """

    def __init__(
        self,
        consumer: Consumer,
        topic_of: Callable[[str], str],
        epoch: str,
        seen: Callable[[Place, int], None],
        buffer_bytes_max: int,
    ) -> None:
        self._consumer = consumer
        self._topic_of = topic_of
        self._epoch = epoch
        self._seen = seen
        self._buffer_bytes_max = buffer_bytes_max
        self._loop = asyncio.get_running_loop()
        self._buffer: deque[tuple[Place, Delivery]] = deque()
        self._arrived: list[tuple[Place, Delivery]] = []
        self._arrived_bytes = 0
        """Since the beginning, counted in the thread; what was taken is counted in the loop."""
        self._taken_bytes = 0
        self._news = asyncio.Event()
        self._failure: Unavailable | None = None
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.closing = False
        self._paused = False
        self._ended = asyncio.Event()
        self._thread = Thread(target=self._run, name="kafka consumer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def take(self, wait_seconds: float) -> Sequence[Delivery]:
        """What has come, in order within each partition, then `Unavailable` once it failed."""
        if not self._buffer and self._failure is None:
            self._news.clear()
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._news.wait()
            except TimeoutError:
                return []
        if self._failure is not None and not self._buffer:
            raise Unavailable(str(self._failure)) from self._failure
        taken = list(self._buffer)
        self._buffer.clear()
        self._taken_bytes += _size_bytes(taken)
        return [delivery for _, delivery in taken]

    async def between_polls(self, command: Callable[[], Result]) -> Result:
        """Run something in the thread while it asks for nothing: from another one, a call of the
        client waits for ever. Raises what it raises, and `Unavailable` for Kafka's errors.
        """
        done: asyncio.Future[Result] = self._loop.create_future()

        def run() -> None:
            try:
                result = command()
            except (KafkaException, RuntimeError) as error:
                self._tell(_fail, done, Unavailable(f"kafka: {error}"))
            else:
                self._tell(_succeed, done, result)

        self._commands.put(run)
        ended = asyncio.create_task(self._ended.wait())
        either: set[asyncio.Future[Any]] = {done, ended}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        if not done.done():
            raise Unavailable("kafka: this consumer has ended")
        return await done

    def drop(self, places: Iterable[Place] | None = None) -> None:
        """Forget what has not been taken, of some places or of all. Called in the thread."""
        self._hand_over()
        self._tell(self._drop, None if places is None else frozenset(places))

    async def close(self, timeout_seconds: float) -> None:
        """Leave the group if the broker answers; the thread ends by itself if it does so later."""
        self.closing = True
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._ended.wait()
        except TimeoutError:
            log.warning("kafka_consumer_closes_slowly")

    # --- in the event loop -----------------------------------------------------------------------

    def _take_in(self, arrived: list[tuple[Place, Delivery]]) -> None:
        self._buffer += arrived
        self._news.set()

    def _drop(self, places: frozenset[Place] | None) -> None:
        had = list(self._buffer)
        kept = [each for each in had if places is not None and each[0] not in places]
        self._taken_bytes += _size_bytes(had) - _size_bytes(kept)
        self._buffer = deque(kept)

    def _break(self, failure: Unavailable) -> None:
        self._failure = failure
        self._news.set()

    # --- in the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self.closing:
                self._run_commands()
                self._keep_buffer_small()
                self._poll()
        except Exception as error:  # noqa: BLE001 - whatever it was: who receives must not go deaf
            self._hand_over()  # who reads on from what was seen does not get it again
            self._tell(self._break, Unavailable(f"kafka: {error}"))
        finally:
            try:
                self._consumer.close()
            except (KafkaException, RuntimeError) as error:
                log.warning("kafka_consumer_not_closed", error=str(error))
            self._tell(self._ended.set)

    def _run_commands(self) -> None:
        try:
            while True:
                self._commands.get_nowait()()
        except Empty:
            return

    def _poll(self) -> None:
        """Also hands partitions over: `drop` may be called meanwhile."""
        message = self._consumer.poll(_POLL_SECONDS)
        while message is not None:
            arrived = self._read(message)
            self._arrived.append(arrived)
            self._arrived_bytes += _size_bytes([arrived])
            if len(self._arrived) >= _MESSAGES_AT_ONCE_MAX or self._is_full():
                break
            message = self._consumer.poll(0)
        self._hand_over()

    def _hand_over(self) -> None:
        arrived, self._arrived = self._arrived, []
        if arrived:
            self._tell(self._take_in, arrived)

    def _waiting_bytes(self) -> int:
        return self._arrived_bytes - self._taken_bytes

    def _is_full(self) -> bool:
        return self._waiting_bytes() > self._buffer_bytes_max

    def _read(self, message: Message) -> tuple[Place, Delivery]:
        """Raises `KafkaException` for what is an error and no message."""
        error = message.error()
        if error is not None:
            raise KafkaException(error)
        place = Place(message.topic() or "", _given(message.partition()))
        offset = _given(message.offset())
        self._seen(place, offset)
        return place, Delivery(
            self._envelope(message, place, offset), position(self._epoch, offset)
        )

    def _envelope(self, message: Message, place: Place, offset: int) -> Envelope:
        headers: dict[str, str | bytes | None] = dict(message.headers() or [])
        told_id = _text(headers.get(wire.ENVELOPE_ID_HEADER))
        value = message.value() or b""
        identity = wire.envelope_id(told_id, value, *place, offset)
        content_type = _text(headers.get(wire.CONTENT_TYPE_HEADER))
        body = wire.whole_body(value, content_type, headers, ("ce_",))
        return Envelope(identity, self._topic_of(place.name), place.partition, body)

    def _keep_buffer_small(self) -> None:
        if self._is_full():
            self._consumer.pause(self._consumer.assignment())  # also those that came since
            self._paused = True
        elif self._paused and self._waiting_bytes() < self._buffer_bytes_max * _RESUME_BELOW_SHARE:
            self._consumer.resume(self._consumer.assignment())
            self._paused = False

    def _tell(self, what: Callable[..., object], *arguments: object) -> None:
        """Have the event loop do something; it may have ended, and then nobody is interested."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *arguments)


def seek(consumer: Consumer, places: dict[Place, int]) -> None:
    for place, offset in places.items():
        consumer.seek(TopicPartition(*place, offset))


def _size_bytes(deliveries: Iterable[tuple[Place, Delivery]]) -> int:
    return sum(len(delivery.envelope.body) for _, delivery in deliveries)


def _given(number: int | None) -> int:
    assert number is not None, "a message that is no error has a place"
    return number


def _text(value: str | bytes | None) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _succeed(done: "asyncio.Future[Any]", result: object) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: "asyncio.Future[Any]", error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
