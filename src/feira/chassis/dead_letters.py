"""Dead letters: seen by people, and sent again by them once the cause is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import msgspec

from feira.contracts.cloudevents import CloudEvent, encode_batch
from feira.kernel.clock import Clock
from feira.kernel.errors import Category, Refused
from feira.kernel.ids import Ids

BODY_SHOWN_BYTES_MAX: Final = 2000


@dataclass(frozen=True, slots=True)
class BuriedLetter:
    id: int
    message_id: str
    topic: str
    type: str
    error: str
    buried_at: datetime
    redriven_at: datetime | None
    body: str
    """Its first 2,000 bytes."""


class DeadLetters(Protocol):
    """The dead letters of one service."""

    async def newest(self, *, letters_max: int, also_redriven: bool) -> Sequence[BuriedLetter]:
        """The newest first. Raises `Unavailable`."""
        ...

    async def redrive(self, letter_id: int) -> Refused | None:
        """Send one to its service once more. Raises `Unavailable`."""
        ...


def redrive_topic(service: str) -> str:
    """Where a service listens for its own dead letters."""
    return f"{service}.redrive"


def no_letter(letter_id: int) -> Refused:
    return Refused(Category.NOT_FOUND, "dead_letter_not_found", f"No dead letter {letter_id}.")


def sent_again(
    service: str, message_id: str, message_type: str, body: bytes, ids: Ids, clock: Clock
) -> bytes:
    """The letter as an event of its own, caused by the message that was buried."""
    event_id = str(ids.uuid7())
    return encode_batch(
        [
            CloudEvent(
                id=event_id,
                source=f"/feira/{service}/redrive",
                type=message_type,
                subject=message_id,
                time=clock.now(),
                data=msgspec.Raw(body),
                partitionkey=message_id,
                correlationid=event_id,
                causationid=message_id or msgspec.UNSET,
            )
        ]
    )
