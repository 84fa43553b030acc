"""Row locks: held until the transaction ends, waited for in line, with deadlocks found."""

import asyncio
from collections import deque
from collections.abc import Hashable, Iterable
from itertools import islice
from typing import Any

from feira.chassis.store import Contention

Row = tuple[str, Hashable]
"""A table and a key."""


class Holder:
    """A transaction, as far as locks go."""

    def __init__(self) -> None:
        self.held: dict[Row, None] = {}
        """In the order they were taken."""
        self.waits_for: Row | None = None


class Locks:
    """Who holds which rows of a database, and who waits for them."""

    def __init__(self) -> None:
        self._holders: dict[Row, Holder] = {}
        self._waiting: dict[Row, deque[tuple[Holder, asyncio.Future[None]]]] = {}

    async def take(self, holder: Holder, table: str, keys: Iterable[Any]) -> None:
        """Lock rows, in the order given, waiting for whoever has them.

        Raises `Contention` when that would be for ever: another waits for what this one holds.
        """
        for key in keys:
            row = (table, key)
            if row in holder.held:
                continue
            if row in self._holders:
                await self._wait(holder, row)
            self._holders[row] = holder
            holder.held[row] = None

    @property
    def somebody_waits(self) -> bool:
        return bool(self._waiting)

    def take_free(
        self, holder: Holder, table: str, keys: Iterable[Any], rows_max: int
    ) -> list[Any]:
        """Lock the first of those that nobody else holds (SKIP LOCKED). Returns them."""
        free = (key for key in keys if self._holders.get((table, key), holder) is holder)
        taken = list(islice(free, rows_max))
        for key in taken:
            self._holders[table, key] = holder
            holder.held[table, key] = None
        return taken

    def release(self, holder: Holder) -> None:
        """The transaction has ended: the next in line have its rows."""
        for row in holder.held:
            self._hand_on(row)
        holder.held.clear()

    async def _wait(self, holder: Holder, row: Row) -> None:
        self._check_deadlock(holder, row)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(row, deque()).append((holder, turn))
        holder.waits_for = row
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._hand_on(row)  # it was our turn just now
            raise
        finally:
            holder.waits_for = None

    def _hand_on(self, row: Row) -> None:
        waiting = self._waiting.get(row)
        while waiting:
            holder, turn = waiting.popleft()
            if not turn.done():
                self._holders[row] = holder
                turn.set_result(None)
                return
        self._waiting.pop(row, None)
        del self._holders[row]

    def _check_deadlock(self, holder: Holder, row: Row | None) -> None:
        while row is not None:
            owner = self._holders.get(row)
            if owner is holder:
                raise Contention("deadlock")
            row = owner.waits_for if owner is not None else None
