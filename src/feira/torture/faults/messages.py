"""Messages that nobody can read, and messages that come again."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from feira.chassis.lane import LaneLimits
from feira.chassis.transports.port import Envelope
from feira.contracts.cloudevents import CloudEvent, encode_batch
from feira.contracts.inventory import StockReserved
from feira.contracts.orders import OrderCreated
from feira.contracts.payments import PaymentConfirmed
from feira.kernel.errors import Unavailable
from feira.kernel.ids import uuid7
from feira.torture.arena import Arena
from feira.torture.faults.fault import Missed
from feira.torture.gathering import plants_buried
from feira.torture.running_shop import DATABASE_AWAY

TOPICS: Final = (
    "orders.events",
    "inventory.events",
    "payments.events",
    "inventory.commands",
    "payments.commands",
    "orders.commands",
)
POISONED: Final = (OrderCreated, StockReserved, PaymentConfirmed)
"""Messages of which somebody is sure to wait."""
TIMEOUT_SECONDS: Final = 10.0
LOOK_SECONDS_MAX: Final = 2.0
REPEATED_SECONDS: Final = 30
REPEATED_ENVELOPES_MAX: Final = 300
PLANTS_WAITING_MAX: Final = LaneLimits().failed_messages_halting_min - 1
"""More bad messages at once, and a consumer takes itself for the culprit and stops: rightly so."""
LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)


async def poison(arena: Arena, dice: Random) -> str:
    """No JSON at all, or a type whose data are not what it promises."""
    with suppress(*DATABASE_AWAY):
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            await waiting_plants(arena)
    if len(arena.plants) - len(arena.buried) >= PLANTS_WAITING_MAX:
        raise Missed("enough is waiting to be buried")
    kind = dice.choice(POISONED)
    name = f"torture-plant-{dice.randrange(10**12)}"
    unreadable = dice.random() < 0.5
    body = f"[{{{name}".encode() if unreadable else _wrong(kind.TYPE, name)
    envelope = Envelope(uuid7(), kind.TOPIC, 0, body, 1)
    arena.plants[name] = envelope
    await publish(arena, [envelope])
    return f"{'no JSON' if unreadable else 'a wrong ' + kind.__name__} on {kind.TOPIC}: {name}"


def _wrong(message_type: str, name: str) -> bytes:
    data: dict[str, Any] = {"order_id": name}
    event = CloudEvent(
        id=str(uuid7()),
        source="/torture",
        type=message_type,
        subject=name,
        time=LONG_AGO,
        data=data,
        partitionkey=name,
        correlationid=name,
    )
    return encode_batch([event])


async def waiting_plants(arena: Arena) -> list[str]:
    """Those that nobody has buried so far. Raises `DATABASE_AWAY`."""
    buried = await plants_buried(arena.shop)
    arena.buried |= buried
    return sorted(arena.plants.keys() - arena.buried)


async def duplicate(arena: Arena, dice: Random) -> str:
    """What was published in the last half minute, published again as it was."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS), arena.transport() as transport:
            subscription = await transport.subscribe_broadcast(TOPICS, REPEATED_SECONDS)
            try:
                envelopes = [delivery.envelope for delivery in await subscription.receive()]
            finally:
                await subscription.close()
            again = dice.sample(envelopes, min(len(envelopes), REPEATED_ENVELOPES_MAX))
            if not again:
                raise Missed("nothing was published lately")
            await transport.publish(again)
    except (Unavailable, TimeoutError, OSError) as error:
        raise Missed(f"broker: {error}") from error
    return f"{len(again)} envelopes published again, in another order"


async def publish(arena: Arena, envelopes: Sequence[Envelope]) -> None:
    """Raises `Missed` when it is not known to be done."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS), arena.transport() as transport:
            await transport.publish(envelopes)
    except (Unavailable, TimeoutError, OSError) as error:
        raise Missed(f"broker: {error}") from error
