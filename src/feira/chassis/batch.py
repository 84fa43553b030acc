"""One transaction of the lane: claim, load, decide, save, and remember the answers.

A batch is a list of pieces. A piece is a whole work (a request, or the messages of an envelope)
until a bisection has to split one to find the message that breaks it.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Generic, TypeVar

import msgspec
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential

from feira.chassis.outbox import Outbox
from feira.chassis.store import CommitUnknown, Contention, Inbox, Store, UnitOfWork
from feira.chassis.work import Answer, IdempotencyKey, Origin, Work
from feira.kernel.errors import Category, FeiraError, Refused, Rejected, Unavailable
from feira.kernel.ids import Ids

U = TypeVar("U", bound=UnitOfWork)

UseCase = Callable[[Sequence[Any], U], Awaitable[Sequence[Any]]]
"""Takes commands of its types, in order, and returns one outcome a command, in the same order."""

Preload = Callable[[Sequence[Any], U], Awaitable[None]]
"""Loads at once what a batch will touch, so that use cases find it in their repositories."""

RETRY_WAIT_SECONDS_MAX = 1.0

KEY_REUSED = Refused(
    Category.INVALID,
    "idempotency_key_reused",
    "This Idempotency-Key was used before with another request.",
)


def retrying() -> AsyncRetrying:
    """Try again while the database is away or another transaction is in the way: for ever."""
    return AsyncRetrying(
        retry=retry_if_exception_type((Unavailable, Contention)),
        wait=wait_exponential(multiplier=0.01, max=RETRY_WAIT_SECONDS_MAX),
        reraise=True,
    )


class Piece(msgspec.Struct, frozen=True, eq=False):
    """The commands `start` to `stop` of a work."""

    work: Work
    start: int
    stop: int

    @classmethod
    def whole(cls, work: Work) -> "Piece":
        return cls(work, 0, len(work.commands))

    def __len__(self) -> int:
        return self.stop - self.start


Results = list[tuple[Piece, list[Any] | FeiraError]]
"""What became of each piece: its outcomes (an `Answer` for keyed work), or why it is refused."""


class _Step(msgspec.Struct, frozen=True, eq=False):
    """One command to decide, and the piece its outcome belongs to."""

    command: Any
    origin: Origin
    piece: Piece


class BatchRunner(Generic[U]):
    """Runs pieces in one transaction of the store."""

    def __init__(
        self,
        store: Store[U],
        use_cases: Mapping[type, UseCase[U]],
        ids: Ids,
        preload: Preload[U] | None = None,
    ) -> None:
        self._store = store
        self._use_cases = use_cases
        self._ids = ids
        self._preload = preload

    async def run(self, pieces: Sequence[Piece], *, by_parts: bool = False) -> Results:
        """Do the pieces wholly or not at all, once, however often the database goes away.

        Raises what a use case raised (a bug), after which nothing of it has happened.
        """
        async for attempt in retrying():
            with attempt:
                return await self._run_once(pieces, by_parts)
        raise AssertionError("retrying() does not end without an outcome")

    async def _run_once(self, pieces: Sequence[Piece], by_parts: bool) -> Results:
        marker = self._ids.uuid7()
        results: Results = []
        try:
            async with self._store.begin() as transaction:
                inbox, uow = transaction.inbox, transaction.uow
                claim = _claim_parts if by_parts else _claim_whole
                steps = await claim(inbox, marker, pieces)
                replay = await Replay.of(inbox, pieces)
                steps = [step for step in steps if replay.leads(step.piece)]
                outcomes = await self._decide(steps, uow)
                results = replay.results(pieces, steps, outcomes)
                await transaction.save()
                await inbox.remember(replay.first_answers)
        except CommitUnknown:
            if not await self._committed(marker):
                raise
        return results

    async def _committed(self, marker: Any) -> bool:
        async for attempt in retrying():
            with attempt:
                return await self._store.committed(marker)
        raise AssertionError("retrying() does not end without an outcome")

    async def _decide(self, steps: Sequence[_Step], uow: U) -> list[Any]:
        if self._preload and steps:
            await self._preload([step.command for step in steps], uow)
        outcomes: list[Any] = []
        for use_case, run in groupby(steps, key=self._use_case_of):
            outcomes.extend(await self._decide_run(use_case, list(run), uow))
        return outcomes

    def _use_case_of(self, step: _Step) -> UseCase[U]:
        return self._use_cases[type(step.command)]

    async def _decide_run(self, use_case: UseCase[U], run: list[_Step], uow: U) -> Sequence[Any]:
        outbox: Outbox = uow.outbox
        outbox.speak_for([step.origin for step in run])
        outcomes = await use_case([step.command for step in run], uow)
        if len(outcomes) != len(run):
            raise AssertionError(f"{use_case} answered {len(outcomes)} of {len(run)} commands")
        return outcomes


async def _claim_whole(inbox: Inbox, marker: Any, pieces: Sequence[Piece]) -> list[_Step]:
    envelope_ids = [p.work.envelope_id for p in pieces if p.work.envelope_id]
    handled = dict(await inbox.claim(marker, envelope_ids))
    steps: list[_Step] = []
    for piece in pieces:
        envelope_id = piece.work.envelope_id
        if envelope_id is None:
            steps += _steps(piece, skip=())
        elif envelope_id in handled:
            steps += _steps(piece, skip=handled.pop(envelope_id))
    return steps


async def _claim_parts(inbox: Inbox, marker: Any, pieces: Sequence[Piece]) -> list[_Step]:
    parts = [
        (piece.work.envelope_id, position)
        for piece in pieces
        if piece.work.envelope_id
        for position in range(piece.start, piece.stop)
    ]
    new = set(await inbox.claim_parts(marker, parts))
    steps: list[_Step] = []
    for piece in pieces:
        envelope_id = piece.work.envelope_id
        old = {
            position
            for position in range(piece.start, piece.stop)
            if envelope_id and (envelope_id, position) not in new
        }
        new -= {(envelope_id, position) for position in range(piece.start, piece.stop)}
        steps += _steps(piece, skip=old)
    return steps


def _steps(piece: Piece, skip: Any) -> Iterator[_Step]:
    work = piece.work
    for position in range(piece.start, piece.stop):
        if position not in skip:
            yield _Step(work.commands[position], work.origins[position], piece)


class Replay:
    """Who speaks first under an idempotency key, and what those who repeat it are answered."""

    def __init__(self, known: dict[tuple[str, str], tuple[bytes, Answer | None]]) -> None:
        self._known = known
        self._leaders: dict[tuple[str, str], Piece] = {}
        self.first_answers: list[tuple[IdempotencyKey, Answer]] = []

    @classmethod
    async def of(cls, inbox: Inbox, pieces: Sequence[Piece]) -> "Replay":
        keys = [p.work.idempotency for p in pieces if p.work.idempotency]
        stored = await inbox.answers(keys) if keys else {}
        replay = cls({place: (s.fingerprint, s.answer) for place, s in stored.items()})
        for piece in pieces:
            key = piece.work.idempotency
            if key and (key.caller, key.key) not in replay._known:
                replay._leaders[key.caller, key.key] = piece
                replay._known[key.caller, key.key] = (key.fingerprint, None)
        return replay

    def leads(self, piece: Piece) -> bool:
        """Whether the piece is to be decided: it has no key, or is the first with it."""
        key = piece.work.idempotency
        return key is None or self._leaders.get((key.caller, key.key)) is piece

    def results(
        self, pieces: Sequence[Piece], steps: Sequence[_Step], outcomes: Sequence[Any]
    ) -> Results:
        by_piece: dict[int, list[Any]] = {id(piece): [] for piece in pieces}
        for step, outcome in zip(steps, outcomes, strict=True):
            by_piece[id(step.piece)].append(self._noted(step.piece.work, outcome))
        return [(piece, self._result(piece, by_piece[id(piece)])) for piece in pieces]

    def _noted(self, work: Work, outcome: Any) -> Any:
        if work.answer_with is None:
            return outcome
        answer = work.answer_with(outcome)
        if key := work.idempotency:
            self._known[key.caller, key.key] = (key.fingerprint, answer)
            self.first_answers.append((key, answer))
        return answer

    def _result(self, piece: Piece, outcomes: list[Any]) -> list[Any] | FeiraError:
        key = piece.work.idempotency
        if key is None:
            return outcomes
        fingerprint, answer = self._known[key.caller, key.key]
        return [answer] if fingerprint == key.fingerprint else Rejected(KEY_REUSED)
