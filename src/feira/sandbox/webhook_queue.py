"""Webhooks that wait to be sent: a part of the books.

A row is one delivery: the very bytes of its body, with as many events as one transaction made.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from feira.sandbox import schema
from feira.sandbox.messages import EVENTS_A_WEBHOOK_MAX, Event, EventBatch, encode

COPY_INTERVAL_MS: Final = 100


class DueWebhook(NamedTuple):
    number: int
    attempts: int


class WebhookQueue:
    """Writes happen inside a transaction of the books only."""

    def __init__(self, connection: sqlite3.Connection, tag: str, *, is_kept: bool) -> None:
        self._sql = connection
        self._tag = tag
        self._is_kept = is_kept
        self._unsaved: defaultdict[int, list[Event]] = defaultdict(list)

    def announce(self, event: Event, *, due_ms: int, copies: int = 1) -> None:
        """Send `event` from `due_ms` (since 1970) on, if the transaction is committed; further
        copies of it in later deliveries."""
        if self._is_kept:
            for due_copy_ms in range(due_ms, due_ms + copies * COPY_INTERVAL_MS, COPY_INTERVAL_MS):
                self._unsaved[due_copy_ms].append(event)

    def save(self) -> None:
        """Write what the transaction announced, the events due together in one delivery."""
        if not self._unsaved:
            return
        rows = [
            (encode(EventBatch(events=lot)), len(lot), due_ms)
            for due_ms, events in self._unsaved.items()
            for lot in lots(events)
        ]
        self._sql.executemany(schema.INSERT_WEBHOOK, rows)

    def forget_unsaved(self) -> None:
        self._unsaved.clear()

    def due(self, now_ms: int, *, limit: int) -> list[DueWebhook]:
        rows = self._sql.execute(schema.SELECT_DUE_WEBHOOKS, (now_ms, limit))
        return [DueWebhook(*row) for row in rows]

    def next_due_ms(self, after_ms: int) -> int | None:
        """When the next webhook that is not due yet will be, in milliseconds since 1970."""
        (due_ms,) = self._sql.execute(schema.SELECT_NEXT_DUE, (after_ms,)).fetchone()
        return due_ms if due_ms is None else int(due_ms)

    def id_of(self, number: int) -> str:
        """The webhook-id: the same each time this delivery is tried."""
        return f"msg_{self._tag}_{number}"

    def body_of(self, number: int) -> bytes:
        (body,) = self._sql.execute(schema.SELECT_WEBHOOK_BODY, (number,)).fetchone()
        return bytes(body)

    def drop_delivered(self, number: int) -> None:
        self._sql.execute(schema.DELETE_WEBHOOK, (number,))

    def postpone(self, number: int, *, due_ms: int) -> None:
        self._sql.execute(schema.POSTPONE_WEBHOOK, (due_ms, number))

    def give_up(self, number: int) -> None:
        self._sql.execute(schema.EXHAUST_WEBHOOK, (number,))


def lots(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    for start in range(0, len(events), EVENTS_A_WEBHOOK_MAX):
        yield events[start : start + EVENTS_A_WEBHOOK_MAX]
