"""The lane: a service's single writer in a process, for requests and messages alike.

While one transaction is in flight the next commands pile up and become the next batch (natural
batching: no timer, no delay when idle, large batches under load). DESIGN, section 1; ADR 0001.

    request ──┐                     one transaction (batch.py)
              ├─► bounded queue ─► claim ─► load ─► decide ─► save + outbox ─► commit ─► answer
    envelope ─┘                                                  │
                                                                 └─ a bug: bisection.py
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic
from uuid import UUID

import structlog

from feira.chassis.batch import BatchRunner, Piece, Preload, Results, U, UseCase
from feira.chassis.bisection import Burial, Findings, bisect
from feira.chassis.store import Store
from feira.chassis.telemetry.metrics import LaneMetrics
from feira.chassis.work import Answer, IdempotencyKey, Origin, Work
from feira.kernel.errors import FeiraError, Overloaded, Unavailable
from feira.kernel.ids import Ids

log = structlog.get_logger(__name__)


WAITING_CHECK_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """Requests are refused first, so that a crowd cannot keep the messages out."""

    batch_commands_max: int = 500
    batch_bytes_max: int = 1024 * 1024
    queue_commands_max: int = 20_000
    queue_requests_max: int = 8_000
    answer_timeout_seconds: float = 20.0
    failed_messages_halting_min: int = 5
    """Fewer bad messages in a batch are always buried: two of three prove nothing about us."""
    poisoned_batches_max: int = 10
    """After so many batches in a row that only made dead letters, the consumer stops."""


class Halted(FeiraError):
    """Most messages of a batch fail: they stay with the broker until the cause is gone."""


class Lane(Generic[U]):
    def __init__(
        self,
        name: str,
        store: Store[U],
        use_cases: Mapping[type, UseCase[U]],
        *,
        ids: Ids,
        metrics: LaneMetrics,
        limits: LaneLimits = LaneLimits(),
        preload: Preload[U] | None = None,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._limits = limits
        self._metrics = metrics
        self._runner = BatchRunner(store, use_cases, ids, preload)
        self._burial = Burial(store, ids)
        self._on_commit = on_commit
        self._queue: deque[Work] = deque()
        self._waiting: deque[Work] = deque()
        self._queued_commands = 0
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._poisoned_batches = 0

    async def submit(
        self,
        command: Any,
        *,
        origin: Origin,
        idempotency: IdempotencyKey | None = None,
        answer_with: Callable[[Any], Answer],
    ) -> Answer:
        """Do a request's command and return its answer, the first one's if it is a repeat.

        Raises `Overloaded` when the queue is full, `Rejected` when the key was used for another
        request, `Unavailable` when there is no answer in time (it may still be done).
        """
        work = self._work([command], [origin])
        work.idempotency, work.answer_with = idempotency, answer_with
        answer: Answer = (await self._request(work))[0]
        return answer

    async def ask(self, command: Any, *, origin: Origin) -> Any:
        """Do a command of the service itself (a schedule, a provider's answer): its outcome."""
        return (await self._request(self._work([command], [origin])))[0]

    async def ask_all(self, commands: Sequence[Any], *, origin: Origin) -> list[Any]:
        """Do several commands at once: their outcomes, in order.

        When one of them breaks, its error is raised; the others are done all the same.
        """
        return await self._request(self._work(commands, [origin] * len(commands)))

    async def deliver(
        self,
        envelope_id: UUID,
        commands: Sequence[Any],
        origins: Sequence[Origin],
        bodies: Sequence[bytes],
    ) -> asyncio.Future[list[Any]]:
        """Queue the messages of an envelope, waiting for room. The future ends when they are done.

        It raises `Halted` when they must come again later.
        """
        work = self._work(commands, origins)
        work.envelope_id, work.bodies = envelope_id, bodies
        work.size_bytes = sum(map(len, bodies))
        while self._queued_commands >= self._limits.queue_commands_max:
            self._room.clear()
            await self._room.wait()
        self._enqueue(work)
        return work.done

    @property
    def depth_commands(self) -> int:
        return self._queued_commands

    async def run(self) -> None:
        """Work off the queue until cancelled, which rolls back what is in flight."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell_who_waits_too_long())
            while True:
                await self._arrived.wait()
                batch = self._take()
                if batch:
                    await self._do(batch)

    async def _tell_who_waits_too_long(self) -> None:
        """One timer for all requests: a timer each would cost more than the request."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(WAITING_CHECK_SECONDS)
            waiting, now = self._waiting, loop.time()
            while waiting and (waiting[0].done.done() or waiting[0].give_up_at <= now):
                work = waiting.popleft()
                if not work.done.done():
                    work.done.set_exception(
                        Unavailable(f"the {self._name} lane did not answer in time")
                    )

    def _work(self, commands: Sequence[Any], origins: Sequence[Origin]) -> Work:
        return Work(commands, origins, asyncio.get_running_loop().create_future())

    async def _request(self, work: Work) -> list[Any]:
        if self._queued_commands >= self._limits.queue_requests_max:
            self._metrics.refused()
            raise Overloaded(f"the {self._name} lane")
        work.give_up_at = asyncio.get_running_loop().time() + self._limits.answer_timeout_seconds
        self._waiting.append(work)
        self._enqueue(work)
        return await work.done

    def _enqueue(self, work: Work) -> None:
        self._queue.append(work)
        self._queued_commands += len(work.commands)
        self._arrived.set()

    def _take(self) -> list[Work]:
        """The next batch: as many whole works as the limits allow, and at least one."""
        batch: list[Work] = []
        commands = size_bytes = 0
        while self._queue:
            work = self._queue[0]
            commands += len(work.commands)
            size_bytes += work.size_bytes
            if batch and (
                commands > self._limits.batch_commands_max
                or size_bytes > self._limits.batch_bytes_max
            ):
                break
            batch.append(self._queue.popleft())
            self._queued_commands -= len(work.commands)
        if not self._queue:
            self._arrived.clear()
        self._room.set()
        self._metrics.queued(self._queued_commands)
        return batch

    async def _do(self, batch: list[Work]) -> None:
        pieces = [Piece.whole(work) for work in batch]
        started = asyncio.get_running_loop().time()
        try:
            _settle(await self._runner.run(pieces))
            self._poisoned_batches = 0
        except Exception as error:  # a bug in one command must not stop the lane
            log.exception("batch_broke", lane=self._name, error=repr(error))
            await self._bisect(batch, pieces)
        elapsed_seconds = asyncio.get_running_loop().time() - started
        self._metrics.batch(sum(map(len, pieces)), elapsed_seconds)
        self._on_commit()

    async def _bisect(self, batch: list[Work], pieces: list[Piece]) -> None:
        once = _without_copies(pieces)
        findings = await bisect(self._runner, once)
        _settle(findings.results)
        if self._must_halt(once, findings):
            log.error("lane_halted", lane=self._name, failed=len(findings.message_culprits))
            _fail(batch, Halted(f"most messages of a batch failed in the {self._name} lane"))
            return
        await self._burial.end(batch, findings.message_culprits)
        self._metrics.dead_lettered(len(findings.message_culprits))
        for piece, error in findings.culprits:
            if piece.work.envelope_id is None and not piece.work.done.done():
                piece.work.done.set_exception(error)
        _settle([(piece, []) for piece in pieces])

    def _must_halt(self, pieces: Sequence[Piece], findings: Findings) -> bool:
        messages = sum(len(piece) for piece in pieces if piece.work.envelope_id)
        failed = len(findings.message_culprits)
        if failed and failed == messages:
            self._poisoned_batches += 1
        many_failed = failed >= self._limits.failed_messages_halting_min
        most_failed = many_failed and failed * 2 > messages
        return most_failed or self._poisoned_batches > self._limits.poisoned_batches_max


def _without_copies(pieces: Sequence[Piece]) -> list[Piece]:
    """An envelope may come several times in one batch: its bad message is one bad message."""
    seen: set[UUID | None] = set()
    first: list[Piece] = []
    for piece in pieces:
        envelope_id = piece.work.envelope_id
        if envelope_id is None or envelope_id not in seen:
            first.append(piece)
        seen.add(envelope_id)
    return first


def _settle(results: Results) -> None:
    """Tell those who wait. Someone who has given up waiting is passed over."""
    for piece, result in results:
        whole = len(piece) == len(piece.work.commands)
        if piece.work.done.done() or not whole:
            continue
        if isinstance(result, FeiraError):
            piece.work.done.set_exception(result)
        else:
            piece.work.done.set_result(result)


def _fail(batch: list[Work], error: FeiraError) -> None:
    for work in batch:
        if not work.done.done():
            work.done.set_exception(error)
