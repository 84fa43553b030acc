"""The consumer: brings envelopes from the broker to the lane, and acknowledges them when done.

It does not wait for one envelope before it fetches the next: the lane gets them in order, and
acknowledgements follow in order. What the lane could not do stays with the broker.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential

from feira.chassis.lane import Halted, Lane
from feira.chassis.telemetry.metrics import ConsumerMetrics
from feira.chassis.transports.port import Delivery, Subscription, Transport
from feira.chassis.work import Origin
from feira.contracts.cloudevents import ReceivedEvent, decode_batch
from feira.contracts.message import Message
from feira.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

IN_FLIGHT_ENVELOPES_MAX: Final = 64
HALTED_WAIT_SECONDS: Final = 10.0
LAG_MEASURED_EVERY_SECONDS: Final = 5.0
RETRY_WAIT_SECONDS_MAX: Final = 2.0
UNREADABLE_TYPE: Final = "unreadable"


class Unreadable(Message, frozen=True, kw_only=True):
    """A message that is not what its type promises: it goes to the dead letters as it came."""

    TYPE = UNREADABLE_TYPE
    TOPIC = UNREADABLE_TYPE
    KEY = "reason"
    reason: str


class Translator:
    """Turns envelopes into messages. Types that the service does not listen to are passed over."""

    def __init__(self, messages: Sequence[type[Message]], also_topics: Sequence[str] = ()) -> None:
        self._decoders = {m.TYPE: msgspec.json.Decoder(m) for m in messages}
        self.topics = tuple(sorted({m.TOPIC for m in messages} | set(also_topics)))

    def read(self, body: bytes) -> tuple[list[Message], list[Origin], list[bytes]]:
        """The messages, their origins, and each as it came."""
        try:
            events = decode_batch(body)
        except msgspec.DecodeError as error:
            return [Unreadable(reason=str(error))], [Origin(correlation_id="")], [body]
        known = [event for event in events if event.type in self._decoders]
        return (
            [self._message(event) for event in known],
            [_origin(event) for event in known],
            [bytes(event.data) for event in known],
        )

    def _message(self, event: ReceivedEvent) -> Message:
        try:
            message: Message = self._decoders[event.type].decode(event.data)
        except msgspec.DecodeError as error:
            return Unreadable(reason=f"{event.type}: {error}")
        return message


def _origin(event: ReceivedEvent) -> Origin:
    return Origin(event.correlationid or event.id, event.id, event.traceparent or None)


async def refuse_unreadable(messages: Sequence[Unreadable], _uow: Any) -> list[None]:
    """The use case of unreadable messages: there is none, so they end in the dead letters."""
    raise ValueError(messages[0].reason)


def _seen(done: asyncio.Future[list[Any]]) -> None:
    """After trouble nobody may wait for it any more: its failure is known to the lane."""
    if not done.cancelled():
        done.exception()


class Consumer:
    def __init__(
        self,
        name: str,
        lane: Lane[Any],
        transport: Transport,
        translator: Translator,
        metrics: ConsumerMetrics,
    ) -> None:
        self._name = name
        self._lane = lane
        self._transport = transport
        self._translator = translator
        self._metrics = metrics
        self.halted = False

    async def run(self) -> None:
        """Consume until cancelled; after trouble, go on from what was last acknowledged."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(Unavailable),
            wait=wait_exponential(multiplier=0.05, max=RETRY_WAIT_SECONDS_MAX),
        ):
            with attempt:
                subscription = await self._transport.subscribe(self._name, self._translator.topics)
                try:
                    await self._follow(subscription)
                finally:
                    await subscription.close()

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            in_flight: asyncio.Queue[tuple[Delivery, asyncio.Future[list[Any]]]] = asyncio.Queue(
                IN_FLIGHT_ENVELOPES_MAX
            )
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._fetch(subscription, in_flight))
                    both.create_task(self._acknowledge(subscription, in_flight))
                    both.create_task(self._measure(subscription))
            except* Halted:
                await self._wait_halted()
            except* Unavailable as group:
                raise group.exceptions[0] from None
            await subscription.rewind()

    async def _fetch(self, subscription: Subscription, in_flight: Any) -> None:
        while True:
            for delivery in await subscription.receive():
                await in_flight.put((delivery, await self._deliver(delivery)))

    async def _deliver(self, delivery: Delivery) -> asyncio.Future[list[Any]]:
        envelope = delivery.envelope
        messages, origins, bodies = self._translator.read(envelope.body)
        self._metrics.handled(len(messages))
        done = await self._lane.deliver(envelope.id, messages, origins, bodies)
        done.add_done_callback(_seen)
        return done

    async def _acknowledge(self, subscription: Subscription, in_flight: Any) -> None:
        while True:
            waiting = [await in_flight.get()]
            while not in_flight.empty():
                waiting.append(in_flight.get_nowait())
            for _, done in waiting:
                await done
            await subscription.acknowledge([delivery for delivery, _ in waiting])

    async def _measure(self, subscription: Subscription) -> None:
        while True:
            self._metrics.lag(await subscription.lag_envelopes())
            await asyncio.sleep(LAG_MEASURED_EVERY_SECONDS)

    async def _wait_halted(self) -> None:
        self.halted = True
        log.error("consumer_stopped", service=self._name, retry_in_seconds=HALTED_WAIT_SECONDS)
        await asyncio.sleep(HALTED_WAIT_SECONDS)
        self.halted = False
