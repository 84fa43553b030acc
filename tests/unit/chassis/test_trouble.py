"""The lane in a database's bad weather: commits of which nobody knows, contention, outages."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from feira.chassis.memory.weather import Fate, Weather
from feira.chassis.store import Contention
from feira.kernel.errors import FeiraError, Unavailable
from tests.eventually import eventually
from tests.unit.chassis.jars import Process, PutSweets, running


@dataclass
class Trouble(Weather):
    """Each list is used up from its front; then the weather is fair."""

    fates: list[Fate] = field(default_factory=list)
    statements: list[FeiraError] = field(default_factory=list)
    connections: list[FeiraError] = field(default_factory=list)
    commits: int = 0
    is_stuck: bool = False
    """A commit is not answered."""
    is_heard: bool = False
    """It happens all the same when its process dies meanwhile."""

    async def connecting(self) -> None:
        if self.connections:
            raise self.connections.pop(0)

    async def statement(self) -> None:
        if self.statements:
            raise self.statements.pop(0)

    async def committing(self) -> Fate:
        self.commits += 1
        if self.is_stuck:
            await asyncio.Event().wait()
        return self.fates.pop(0) if self.fates else Fate.DONE

    def dies_committed(self) -> bool:
        return self.is_heard


def in_trouble(trouble: Trouble) -> Process:
    process = Process()
    process.database.weather = trouble
    return process


@pytest.mark.parametrize(
    ("fate", "commits"), [(Fate.UNHEARD, 1), (Fate.LOST, 2)], ids=["committed", "lost"]
)
async def test_an_unknown_commit_is_looked_up(fate: Fate, commits: int) -> None:
    """What the service asks of itself has no key: only the marker tells whether it happened."""
    trouble = Trouble(fates=[fate])
    process = in_trouble(trouble)
    async with running(process.lane.run()):
        assert await process.ask(PutSweets(jar_id=1)) == 1
    assert process.sweets == {1: 1}
    assert trouble.commits == commits
    assert len(process.outbox) == 1


@pytest.mark.parametrize("is_heard", [True, False])
async def test_a_process_dies_while_it_commits(is_heard: bool) -> None:
    """All of it happened or nothing, its message included."""
    trouble = Trouble(is_stuck=True, is_heard=is_heard)
    process = in_trouble(trouble)

    async def commits() -> bool:
        return trouble.commits == 1

    async with running(process.lane.run()):
        asked = asyncio.ensure_future(process.ask(PutSweets(jar_id=1)))
        await eventually(commits)
    asked.cancel()
    assert process.sweets == ({1: 1} if is_heard else {})
    assert len(process.outbox) == (1 if is_heard else 0)


async def test_looking_up_an_unknown_commit_outlasts_an_outage() -> None:
    trouble = Trouble(fates=[Fate.UNHEARD])
    process = in_trouble(trouble)
    away: list[FeiraError] = [Unavailable("the database is away")] * 3

    async def commit_and_vanish() -> Fate:
        trouble.connections = away
        return Fate.UNHEARD if not trouble.commits else Fate.DONE

    trouble.committing = commit_and_vanish  # type: ignore[method-assign]
    async with running(process.lane.run()):
        assert await process.ask(PutSweets(jar_id=1)) == 1
    assert process.sweets == {1: 1}


@pytest.mark.parametrize("error", [Contention, Unavailable])
async def test_trouble_in_the_middle_is_tried_again(error: Callable[[str], FeiraError]) -> None:
    """It is nobody's bug: nothing is buried, and the messages of the batch happen once."""
    process = in_trouble(Trouble(statements=[error("in the way")] * 2))
    async with running(process.lane.run()):
        assert await process.deliver(PutSweets(jar_id=1), PutSweets(jar_id=1)) == [1, 2]
    assert process.sweets == {1: 2}
    assert process.dead_letters == []


async def test_a_burial_in_trouble_happens_once() -> None:
    """The culprit is found, and the database goes away as it is being buried."""
    trouble = Trouble()
    process = in_trouble(trouble)
    async with running(process.lane.run()):
        trouble.fates = [Fate.DONE, Fate.UNHEARD, Fate.UNHEARD, Fate.UNHEARD]
        await process.deliver(PutSweets(jar_id=1), PutSweets(jar_id=1, sweets=666))
    assert process.sweets == {1: 1}
    assert len(process.dead_letters) == 1
