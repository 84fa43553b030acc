"""A service's lane without its queue: batches of commands, decided by the real `BatchRunner`.

Two runs are the same when their tables are and when each key was told the same in the same order,
for the same reasons.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar

import msgspec

from feira.chassis.batch import BatchRunner, Piece, UseCase
from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.memory.store import MakeUnitOfWork, MemoryStore
from feira.chassis.store import Store
from feira.chassis.transports.port import Envelope
from feira.chassis.work import Origin, Work
from feira.contracts import catalog, flashsale, identity, inventory, orchestrator, orders, payments
from feira.contracts.cloudevents import decode_batch
from feira.contracts.message import Message
from feira.kernel.clock import Clock
from feira.kernel.ids import Ids

PARTITIONS: Final = 4
BATCH_TIMEOUT_SECONDS: Final = 60
MESSAGES: Final[Mapping[str, type[Message]]] = {
    kind.TYPE: kind
    for module in (catalog, flashsale, identity, inventory, orchestrator, orders, payments)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Message) and kind is not Message
}

T = TypeVar("T")


@dataclass(frozen=True)
class Told:
    """A message as it left, and the message it was caused by."""

    message: Message
    cause: str


def told_in(envelopes: Iterable[Envelope]) -> list[Told]:
    return [
        Told(msgspec.json.decode(event.data, type=MESSAGES[event.type]), event.causationid)
        for envelope in envelopes
        for event in decode_batch(envelope.body)
    ]


def by_key(told: Iterable[Told]) -> dict[tuple[str, str], list[Told]]:
    """What each topic was told about each key, in order."""
    found: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for one in told:
        found[one.message.TOPIC, one.message.key].append(one)
    return dict(found)


class Batches:
    """Batches of commands over a store. `after_each`: what is done after each batch."""

    def __init__(
        self,
        store: Store[Any],
        use_cases: Mapping[type, UseCase[Any]],
        ids: Ids,
        after_each: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._runner = BatchRunner(store, use_cases, ids)
        self._after_each = after_each

    async def do(self, *commands: Any) -> list[Any]:
        """Decide the commands in one transaction: their outcomes."""
        done = asyncio.get_running_loop().create_future()
        pieces = [Piece.whole(Work([command], [origin_of(command)], done)) for command in commands]
        async with asyncio.timeout(BATCH_TIMEOUT_SECONDS):
            results = await self._runner.run(pieces)
        if self._after_each:
            await self._after_each()
        outcomes = []
        for _, result in results:
            assert isinstance(result, list), result
            outcomes += result
        return outcomes

    async def do_one(self, command: Any) -> Any:
        (outcome,) = await self.do(command)
        return outcome

    async def do_in_batches(self, batches: Iterable[Sequence[Any]]) -> list[Any]:
        return [outcome for batch in batches for outcome in await self.do(*batch)]


def origin_of(command: Any) -> Origin:
    """The same for the same command, however it is batched."""
    about = getattr(command, "order_id", "")
    return Origin("a-story", f"{type(command).__name__} {about}")


def in_memory(
    database: MemoryDatabase[T],
    make_uow: MakeUnitOfWork[T, Any],
    use_cases: Mapping[type, UseCase[Any]],
    *,
    ids: Ids,
    clock: Clock,
) -> Batches:
    store = MemoryStore(database, "test", make_uow, ids=ids, clock=clock, partitions=PARTITIONS)
    return Batches(store, use_cases, ids, after_each=store.close)  # to share a worker number


def told_by(database: MemoryDatabase[Any]) -> list[Told]:
    return told_in(database.chassis.outbox.values())


def random_split(chance: Random, commands: Sequence[T]) -> list[Sequence[T]]:
    cuts = sorted(chance.sample(range(len(commands) + 1), chance.randint(0, len(commands))))
    return [commands[a:b] for a, b in zip([0, *cuts], [*cuts, len(commands)], strict=True) if b > a]
