"""Finding the command that breaks a batch, without letting it break its neighbours.

The batch is split in halves, each in a transaction of its own, until the culprits stand alone. A
request that is a culprit is told so; a message goes to the dead letters. When most messages of a
batch fail, the fault is ours and not theirs: they are left with the broker and the consumer stops.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from feira.chassis.batch import BatchRunner, Piece, Results, U, retrying
from feira.chassis.store import DeadLetter, Store
from feira.chassis.work import Work
from feira.kernel.ids import Ids

ERROR_TEXT_CHARACTERS_MAX = 2000


@dataclass(slots=True)
class Findings:
    """What a bisection found: results of the good pieces, and the culprits with their errors."""

    results: Results = field(default_factory=list)
    culprits: list[tuple[Piece, Exception]] = field(default_factory=list)

    @property
    def message_culprits(self) -> list[tuple[Piece, Exception]]:
        return [(piece, e) for piece, e in self.culprits if piece.work.envelope_id]


async def bisect(runner: BatchRunner[Any], pieces: Sequence[Piece]) -> Findings:
    """Run the pieces, splitting where they break. Order among the pieces is kept."""
    findings = Findings()
    waiting = [list(pieces)]
    while waiting:
        part = waiting.pop()
        try:
            findings.results.extend(await runner.run(part, by_parts=True))
        except Exception as error:  # noqa: BLE001 - any bug of a use case: that is what we look for
            if len(part) == 1 and len(part[0]) == 1:
                findings.culprits.append((part[0], error))
            else:
                first, second = _halves(part)
                waiting += [second, first]
    return findings


def _halves(pieces: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    if len(pieces) > 1:
        middle = len(pieces) // 2
        return pieces[:middle], pieces[middle:]
    (piece,) = pieces
    middle = piece.start + len(piece) // 2
    return [Piece(piece.work, piece.start, middle)], [Piece(piece.work, middle, piece.stop)]


class Burial(Generic[U]):
    """Ends a bisection: the envelopes count as handled, their culprits are dead letters."""

    def __init__(self, store: Store[U], ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def end(self, works: Sequence[Work], culprits: Sequence[tuple[Piece, Exception]]) -> None:
        envelope_ids = [work.envelope_id for work in works if work.envelope_id]
        letters = list(dead_letters(culprits))
        async for attempt in retrying():
            with attempt:
                async with self._store.begin() as transaction:
                    new = await transaction.inbox.claim(self._ids.uuid7(), envelope_ids)
                    if envelope_ids and not new:
                        return  # an earlier attempt, whose answer was lost, has done it
                    await transaction.inbox.bury(letters)
                    await transaction.save()


def dead_letters(culprits: Sequence[tuple[Piece, Exception]]) -> Iterator[DeadLetter]:
    for piece, error in culprits:
        work, position = piece.work, piece.start
        command = work.commands[position]
        yield DeadLetter(
            message_id=work.origins[position].message_id or "",
            topic=getattr(command, "TOPIC", ""),
            type=getattr(command, "TYPE", type(command).__name__),
            body=work.bodies[position],
            error=f"{type(error).__name__}: {error}"[:ERROR_TEXT_CHARACTERS_MAX],
        )
