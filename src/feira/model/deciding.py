"""Running a service's own use cases as steps: at once, on a copy of its small database."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from feira.chassis.batch import UseCase
from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.outbox import NO_STORIES, Outbox
from feira.chassis.store import UnitOfWork
from feira.chassis.work import Origin
from feira.contracts.message import Message
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids

START: Final = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
HOLD: Final = timedelta(minutes=15)
HOLD_IS_OVER: Final = START + HOLD

T = TypeVar("T")


class Step(NamedTuple):
    """What became of a database, and what was said: messages, and calls to the provider."""

    after: Any
    said: tuple[Any, ...]


class Notebook(Outbox):
    """An outbox that keeps messages as they are."""

    def __init__(self) -> None:
        super().__init__("/feira/model", 1, Ids(ManualClock(START)), START)
        self.said: list[Message] = []
        self.speak_for([Origin("model")])

    def announce(
        self,
        messages_by_command: Iterable[Iterable[Message]],
        stories: Mapping[str, str] = NO_STORIES,
    ) -> None:
        self.said += (message for messages in messages_by_command for message in messages)

    def tell(self, messages: Iterable[Message]) -> None:
        self.said += messages


class CountingIds(Ids):
    """Ids that depend only on how many there are already."""

    def __init__(self, taken: int) -> None:
        super().__init__(ManualClock(START))
        self._taken = taken

    def number(self) -> int:
        self._taken += 1
        return self._taken


def decide(
    tables: Any, open_uow: Callable[[Any], UnitOfWork], use_case: UseCase[Any], command: Any
) -> None:
    """One transaction of the lane, which commits: `tables` are as it leaves them."""
    with MemoryDatabase(tables).transaction() as seen:
        uow = open_uow(seen)
        at_once(use_case([command], uow))
        at_once(uow.flush())
    uow.committed()


def at_once(work: Coroutine[Any, Any, T] | Any) -> T:
    """Run what never waits: use cases over stores in memory."""
    try:
        work.send(None)
    except StopIteration as end:
        outcome: T = end.value
        return outcome
    work.close()
    raise AssertionError("a use case waited for something")


def key_of(value: Any) -> Any:
    """A hashable stand-in that is equal for equal values."""
    if is_dataclass(value):
        names = (field.name for field in fields(value) if field.compare)
        return tuple(key_of(getattr(value, name)) for name in names)
    if isinstance(value, dict):
        return tuple((key, key_of(item)) for key, item in sorted(value.items()))
    if isinstance(value, set | frozenset):
        return tuple(sorted(value))
    if isinstance(value, list | tuple):
        return tuple(map(key_of, value))
    return value
