"""A table that holds nothing but what others have told, and a shadow of it that is made anew.

The shadow is a temporary table of the same name: on its connection the service's own statements
find it instead of the real one, so that the service's own use cases fill it. Rows are compared as
they are, and the real table is mended only where a row still is as it was found (ADR 0010).
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from feira.chassis.batch import UseCase
from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection
from feira.chassis.postgres.errors import translated
from feira.chassis.postgres.store import MakeUnitOfWork
from feira.chassis.work import Origin
from feira.contracts.message import Message
from feira.kernel.clock import Clock
from feira.kernel.ids import Ids

Row = tuple[Any, ...]
"""The key, then the other columns."""


@dataclass(frozen=True, slots=True)
class ReadModel:
    """`rows` selects key first and in its order; `drop` deletes rows that are as given, one array a
    column; `make_shadow` creates the temporary table."""

    name: str
    make_shadow: str
    rows: str
    drop: str
    use_cases: Mapping[type[Message], UseCase[Any]]
    make_uow: Callable[[], MakeUnitOfWork[Any]]
    wanted: Callable[[str, int], Any]
    """The command, from (request id, after which key), by which the service asks for a page."""
    want: UseCase[Any]
    answered_by: type[Message]

    def key_of(self, message: Message) -> int:
        return int(message.key)


class Difference(NamedTuple):
    """How a row is, and how it should be; None: not at all."""

    key: int
    found: Row | None
    rebuilt: Row | None


class Copy:
    """The table on one connection: the real one, or its shadow."""

    def __init__(self, model: ReadModel, connection: Connection, clock: Clock) -> None:
        self._model = model
        self._connection = connection
        self._clock = clock

    async def become_shadow(self) -> None:
        """From now on this connection sees an empty table of its own."""
        async with translated():
            await self._connection.execute(self._model.make_shadow)

    async def take(self, messages: Sequence[Message]) -> None:
        """As the service's lane would; what the use case announces is told by the lane alone."""
        async with translated(), self._connection.transaction():
            await self._take(messages)

    async def rows(self) -> dict[int, Row]:
        async with translated():
            found = await self._connection.fetch(self._model.rows)
        return {row[0]: tuple(row) for row in found}

    async def mend(self, differences: Collection[Difference], told: Mapping[int, Message]) -> None:
        """Drop the rows that still are as they were found, and take what was told of them."""
        wrong = [difference.found for difference in differences if difference.found]
        right = [told[d.key] for d in differences if d.rebuilt and d.key in told]
        async with translated(), self._connection.transaction():
            if wrong:
                columns = map(list, zip(*wrong, strict=True))
                await self._connection.execute(self._model.drop, *columns)
            await self._take(right)

    async def _take(self, messages: Sequence[Message]) -> None:
        ids, now = Ids(self._clock), self._clock.now()
        outbox = Outbox("/feira/rebuild", 1, ids, now)
        uow = self._model.make_uow()(self._connection, outbox, ids, now)
        for message in messages:
            outbox.speak_for([Origin("rebuild")])
            await self._model.use_cases[type(message)]([message], uow)
        await uow.flush()


def differences(found: Mapping[int, Row], rebuilt: Mapping[int, Row]) -> list[Difference]:
    keys = sorted(found.keys() | rebuilt.keys())
    return [
        Difference(key, found.get(key), rebuilt.get(key))
        for key in keys
        if found.get(key) != rebuilt.get(key)
    ]


def fingerprint(rows: Mapping[int, Row]) -> str:
    """SHA-256 over the rows in the order of their keys: equal for equal tables, on any machine."""
    digest = hashlib.sha256()
    for key in sorted(rows):
        digest.update(repr(rows[key]).encode() + b"\n")
    return digest.hexdigest()
