"""Following a topic in every process: for what is kept in memory, such as revoked sessions."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential

from feira.chassis.transports.port import Transport
from feira.contracts.cloudevents import decode_batch
from feira.contracts.message import Message
from feira.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

RETRY_WAIT_SECONDS_MAX: Final = 2.0

M = TypeVar("M", bound=Message)


async def follow(
    transport: Transport, kind: type[M], take: Callable[[M], Any], since_seconds: int
) -> None:
    """Hand every message of a kind to `take`, from `since_seconds` ago on. Runs until cancelled."""
    decoder = msgspec.json.Decoder(kind)
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_exponential(multiplier=0.05, max=RETRY_WAIT_SECONDS_MAX),
    ):
        with attempt:
            subscription = await transport.subscribe_broadcast([kind.TOPIC], since_seconds)
            try:
                while True:
                    for delivery in await subscription.receive():
                        _take_all(delivery.envelope.body, kind, decoder, take)
            finally:
                await subscription.close()


def _take_all(
    body: bytes, kind: type[M], decoder: "msgspec.json.Decoder[M]", take: Callable[[M], Any]
) -> None:
    try:
        for event in decode_batch(body):
            if event.type == kind.TYPE:
                take(decoder.decode(event.data))
    except msgspec.DecodeError as error:
        log.error("unreadable_broadcast", topic=kind.TOPIC, error=str(error))
