"""One fsync for all that arrived together.

Writes handed in during one turn of the event loop, and all that reached the sockets while the last
commit was on its way to the disk, run in one transaction.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from feira.sandbox.books import Books

Answer = TypeVar("Answer")
LAZY_SECONDS: Final = 0.05


class TooManyWrites(Exception):
    """More writes wait than the bound allows."""


class GroupCommit:
    """Runs writes on the books. A write that raises fails its whole transaction: refusals are
    answers, so what raises here is the disk or a bug."""

    def __init__(self, books: Books, *, waiting_max: int, on_commit: Callable[[], None]) -> None:
        self._books = books
        self._waiting_max = waiting_max
        self._on_commit = on_commit
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._is_commit_next = False
        self._is_commit_planned = False

    def submit(self, write: Callable[[], Answer]) -> asyncio.Future[Answer]:
        """Run `write` in the next transaction; its answer comes once that is on the disk.

        Raises `TooManyWrites`.
        """
        future = self._enqueue(write)
        if not self._is_commit_next:
            self._is_commit_next = True
            asyncio.get_running_loop().call_soon(self.commit)
        return future

    def submit_lazily(self, write: Callable[[], Answer]) -> asyncio.Future[Answer]:
        """The same for a write nobody waits for: it travels with the next transaction, or makes one
        of its own after `LAZY_SECONDS`."""
        future = self._enqueue(write)
        if not (self._is_commit_next or self._is_commit_planned):
            self._is_commit_planned = True
            asyncio.get_running_loop().call_later(LAZY_SECONDS, self.commit)
        return future

    def commit(self) -> None:
        """Commit all that waits, now."""
        waiting, self._waiting = self._waiting, []
        self._is_commit_next = self._is_commit_planned = False
        if not waiting:
            return
        try:
            with self._books.transaction():
                answers = [write() for write, _ in waiting]
        except Exception as error:  # noqa: BLE001 - each waiting caller gets it
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(waiting, answers, strict=True):
            if not future.done():
                future.set_result(answer)
        self._on_commit()

    def _enqueue(self, write: Callable[[], Answer]) -> asyncio.Future[Answer]:
        if len(self._waiting) >= self._waiting_max:
            raise TooManyWrites
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, future))
        return future
