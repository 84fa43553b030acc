"""`feira rebuild`: a read model is made anew from what its owner tells again, beside the real one.

Nothing stops meanwhile: the real table goes on hearing what the shadow hears. So a row counts as
wrong only when it differs after two rounds and has not changed in between.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from feira.chassis.consumer import Translator
from feira.chassis.postgres.read_models import (
    Copy,
    Difference,
    ReadModel,
    differences,
    fingerprint,
)
from feira.chassis.store import Store
from feira.chassis.transports.port import Delivery, Subscription, Transport
from feira.chassis.work import Origin
from feira.contracts.message import Message
from feira.kernel.clock import Clock
from feira.kernel.errors import Unavailable
from feira.kernel.ids import Ids

PAGE_TIMEOUT_SECONDS: Final = 30.0
ASK_AGAIN_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How the real table compares with the one that was made anew."""

    name: str
    rows: int
    found_hash: str
    rebuilt_hash: str
    wrong: tuple[Difference, ...]


class Rebuilding:
    """One read model: its real table, its shadow, and the broker between them and their owner."""

    def __init__(
        self,
        model: ReadModel,
        real: Copy,
        shadow: Copy,
        store: Store[Any],
        transport: Transport,
        clock: Clock,
    ) -> None:
        """`store` is the service's own: what it asks for goes out by its outbox."""
        self._model = model
        self._real = real
        self._shadow = shadow
        self._store = store
        self._transport = transport
        self._clock = clock
        self._translator = Translator([*model.use_cases, model.answered_by])
        self._told: dict[int, Message] = {}
        """What was said of each key last."""

    async def run(self, *, apply: bool) -> tuple[Rebuilt, Rebuilt | None]:
        """How the table was found, and how it is after it was mended (`apply`).

        Raises `Unavailable` when the owner does not answer.
        """
        topics = self._translator.topics
        subscription = await self._transport.subscribe_broadcast(topics, since_seconds=0)
        try:
            await self._shadow.become_shadow()
            found = await self._compared(subscription)
            if not (apply and found.wrong):
                return found, None
            await self._real.mend(found.wrong, self._told)
            return found, await self._compared(subscription)
        finally:
            await subscription.close()

    async def _compared(self, subscription: Subscription) -> Rebuilt:
        await self._hear_all(subscription)
        first = differences(await self._real.rows(), await self._shadow.rows())
        if first:
            await self._hear_all(subscription)
        found, rebuilt = await self._real.rows(), await self._shadow.rows()
        wrong = tuple(found_wrong(first, differences(found, rebuilt)))
        return Rebuilt(
            self._model.name, len(rebuilt), fingerprint(found), fingerprint(rebuilt), wrong
        )

    async def _hear_all(self, subscription: Subscription) -> None:
        """Have everything told again, a page at a time."""
        after: int | None = 0
        while after is not None:
            after = await self._hear_page(subscription, after)

    async def _hear_page(self, subscription: Subscription, after: int) -> int | None:
        """Until its answer is there, and as many keys of it as that names. Asks again if need be:
        either may have been lost."""
        page = _Page(str(Ids(self._clock).uuid7()), after)
        try:
            async with asyncio.timeout(PAGE_TIMEOUT_SECONDS):
                while not page.is_whole:
                    await self._ask(page)
                    await self._hear_for_a_while(subscription, page)
        except TimeoutError:
            answer = self._model.answered_by.TYPE
            raise Unavailable(f"no {answer} comes: do both services run?") from None
        return page.last_id

    async def _ask(self, page: "_Page") -> None:
        async with self._store.begin() as transaction:
            transaction.uow.outbox.speak_for([Origin(page.request_id)])
            command = self._model.wanted(page.request_id, page.after)
            await self._model.want([command], transaction.uow)
            await transaction.save()

    async def _hear_for_a_while(self, subscription: Subscription, page: "_Page") -> None:
        loop = asyncio.get_running_loop()
        patient_until = loop.time() + ASK_AGAIN_SECONDS
        while not page.is_whole and loop.time() < patient_until:
            messages = list(self._read(await subscription.receive()))
            page.hear(messages, self._model.answered_by)
            told = [m for m in messages if type(m) in self._model.use_cases]
            self._told.update({self._model.key_of(message): message for message in told})
            page.keys.update(map(self._model.key_of, told))
            await self._shadow.take(told)

    def _read(self, deliveries: Sequence[Delivery]) -> Iterator[Message]:
        for delivery in deliveries:
            messages, _, _ = self._translator.read(delivery.envelope.body)
            yield from messages


@dataclass(slots=True)
class _Page:
    request_id: str
    after: int
    keys: set[int] = field(default_factory=set)
    """All keys heard of since it was asked for."""
    told: int | None = None
    last_id: int | None = None

    @property
    def is_whole(self) -> bool:
        if self.told is None:
            return False
        of_page = (k for k in self.keys if k > self.after and k <= (self.last_id or k))
        return sum(1 for _ in of_page) >= self.told

    def hear(self, messages: Sequence[Message], answered_by: type[Any]) -> None:
        for message in messages:
            if isinstance(message, answered_by) and message.request_id == self.request_id:
                self.told, self.last_id = message.told, message.last_id


def found_wrong(first: Sequence[Difference], second: Sequence[Difference]) -> Iterator[Difference]:
    """Rows that differ in both rounds, and that nobody has changed in between."""
    found_first = {difference.key: difference.found for difference in first}
    for difference in second:
        if difference.key in found_first and found_first[difference.key] == difference.found:
            yield difference
