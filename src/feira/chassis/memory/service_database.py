"""A service's database in memory, as the chassis asks for it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from feira.chassis.dead_letters import (
    BODY_SHOWN_BYTES_MAX,
    BuriedLetter,
    no_letter,
    redrive_topic,
    sent_again,
)
from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.memory.outbox_reader import MemoryOutboxReader
from feira.chassis.memory.store import MakeUnitOfWork, MemoryStore
from feira.chassis.sweeping import IDEMPOTENCY_KEPT_DAYS, INBOX_KEPT_DAYS, ROWS_AT_ONCE_MAX
from feira.chassis.transports.port import Envelope
from feira.kernel.clock import Clock
from feira.kernel.errors import Refused
from feira.kernel.ids import Ids


@dataclass(frozen=True, slots=True)
class MemoryServiceDatabase:
    """One process's way to a database that others use too."""

    database: MemoryDatabase[Any]

    def store(
        self,
        name: str,
        make_uow: MakeUnitOfWork[Any, Any],
        *,
        ids: Ids,
        clock: Clock,
        partitions: int,
    ) -> MemoryStore[Any, Any]:
        return MemoryStore(
            self.database, name, make_uow, ids=ids, clock=clock, partitions=partitions
        )

    def outbox_reader(self, name: str) -> MemoryOutboxReader:
        return MemoryOutboxReader(self.database)

    def reader(self, name: str) -> "MemoryReader":
        return MemoryReader(self.database)

    def dead_letters(
        self, name: str, ids: Ids, clock: Clock, reader: "MemoryReader"
    ) -> "MemoryDeadLetters":
        return MemoryDeadLetters(self.database, name, ids, clock)

    async def sweep(self, name: str) -> None:
        await self.database.weather.connecting()
        tables, now = self.database.chassis, self.database.clock.now()
        _forget(tables.inbox, lambda at: at < now - timedelta(days=INBOX_KEPT_DAYS))
        old = timedelta(days=IDEMPOTENCY_KEPT_DAYS)
        for place in _forget(tables.answered_at, lambda at: at < now - old):
            del tables.answers[place]


class MemoryReader:
    """The read side: whatever is asked of the tables goes over the network first."""

    def __init__(self, database: MemoryDatabase[Any]) -> None:
        self._database = database

    async def ping(self) -> None:
        await self._database.weather.connecting()

    async def close(self) -> None:
        """Nothing is open."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        query = getattr(self._database.tables, name)

        async def ask(*arguments: Any, **options: Any) -> Any:
            await self._database.weather.connecting()
            return await query(*arguments, **options)

        return ask


def asking(reader: MemoryReader) -> Any:
    """Queries over a reader in memory: the tables themselves answer them."""
    return reader


class MemoryDeadLetters:
    def __init__(self, database: MemoryDatabase[Any], service: str, ids: Ids, clock: Clock) -> None:
        self._database = database
        self._service = service
        self._ids = ids
        self._clock = clock

    async def newest(self, *, letters_max: int, also_redriven: bool) -> Sequence[BuriedLetter]:
        await self._database.weather.connecting()
        found = (
            BuriedLetter(
                *(letter_id, buried.letter.message_id, buried.letter.topic, buried.letter.type),
                error=buried.letter.error,
                buried_at=buried.buried_at,
                redriven_at=buried.redriven_at,
                body=buried.letter.body[:BODY_SHOWN_BYTES_MAX].decode(errors="replace"),
            )
            for letter_id, buried in sorted(self._database.chassis.dead_letters.items())[::-1]
            if also_redriven or buried.redriven_at is None
        )
        return list(islice(found, letters_max))

    async def redrive(self, letter_id: int) -> Refused | None:
        await self._database.weather.connecting()
        database, tables = self._database, self._database.chassis
        buried = tables.dead_letters.get(letter_id)
        if buried is None:
            return no_letter(letter_id)
        letter = buried.letter
        body = sent_again(
            self._service, letter.message_id, letter.type, letter.body, self._ids, self._clock
        )
        envelope = Envelope(self._ids.uuid7(), redrive_topic(self._service), 0, body, 1)
        tables.outbox[database.new_row_id()] = envelope
        tables.dead_letters[letter_id] = buried._replace(redriven_at=database.clock.now())
        return None


def _forget(rows: dict[Any, Any], is_old: Callable[[Any], bool]) -> list[Any]:
    """Rows are in the order of their time, more or less: the first that is young ends it."""
    gone = []
    for key, at in islice(rows.items(), ROWS_AT_ONCE_MAX):
        if not is_old(at):
            break
        gone.append(key)
    for key in gone:
        del rows[key]
    return gone
