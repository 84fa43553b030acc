"""PostgreSQL's log as it is written: the replication protocol, by psycopg2, on asyncio's loop.

asyncpg does not speak that protocol; psycopg2 does, and its connection is only read when there is
something to read.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import psycopg2
from psycopg2.extras import LogicalReplicationConnection, ReplicationCursor

from feira.chassis.postgres.connection import CONNECT_TIMEOUT_SECONDS
from feira.chassis.postgres.log_messages import LoggedEnvelope, LogReader
from feira.kernel.errors import Unavailable

PUBLICATION: Final = "feira_outbox"
"""It publishes no table: `pgoutput` wants one, and messages belong to none."""
WAITING_ENVELOPES_MAX: Final = 1_000
"""More stay with PostgreSQL, whose log has them anyway."""
STATUS_SECONDS: Final = 10


class LogStream:
    """One slot's stream. `on_more` is called when envelopes have come."""

    def __init__(
        self,
        connection: LogicalReplicationConnection,
        cursor: ReplicationCursor,
        on_more: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._cursor = cursor
        self._socket = int(cursor.fileno())  # type: ignore[no-untyped-call]
        self._on_more = on_more
        self._reader = LogReader()
        self._waiting: deque[LoggedEnvelope] = deque()
        self._confirmed = 0
        self._lost: Exception | None = None
        self._reads = False
        self._read_on()

    @classmethod
    async def open(cls, dsn: str, name: str, slot: str, on_more: Callable[[], None]) -> "LogStream":
        """Raises `Unavailable`, also when another has the slot."""
        try:
            connection, cursor = await asyncio.to_thread(_connect, dsn, name, slot)
        except psycopg2.Error as error:
            raise Unavailable(f"the log cannot be read: {error}") from error
        return cls(connection, cursor, on_more)

    def waiting(self, envelopes_max: int) -> list[LoggedEnvelope]:
        """The oldest unconfirmed envelopes. Raises `Unavailable` when the connection is lost."""
        if self._lost is not None:
            raise Unavailable(f"the log cannot be read: {self._lost}")
        return [self._waiting[n] for n in range(min(envelopes_max, len(self._waiting)))]

    def confirm(self, envelopes: int) -> None:
        """So many of the oldest are with the broker: the log may forget them."""
        for _ in range(envelopes):
            position = self._waiting.popleft().confirms
            self._confirmed = position or self._confirmed
        self.report()
        self._read_on()

    def report(self) -> None:
        """Tell PostgreSQL how far we are; to be called at least every few seconds.

        What others wrote into the log need not be kept for us once nothing of ours lies before it.
        What came is read, too: the client library may have taken it off the socket already (an
        error right after the start, such as a full disk), and then the socket wakes nobody.
        """
        if not self._waiting and self._reader.is_between_transactions:
            self._confirmed = max(self._confirmed, self._cursor.wal_end)
        try:
            self._cursor.send_feedback(  # type: ignore[no-untyped-call]
                flush_lsn=self._confirmed, force=True
            )
        except psycopg2.Error as error:
            self._lose(error)
        if self._lost is None:
            self._read()

    def close(self) -> None:
        self._pause()
        self._connection.close()

    def _read_on(self) -> None:
        if not self._reads and self._lost is None and len(self._waiting) < WAITING_ENVELOPES_MAX:
            asyncio.get_running_loop().add_reader(self._socket, self._read)
            self._reads = True

    def _pause(self) -> None:
        if self._reads:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._reads = False

    def _read(self) -> None:
        came = False
        try:
            while len(self._waiting) < WAITING_ENVELOPES_MAX:
                message = self._cursor.read_message()
                if message is None:
                    break
                ended = self._reader.read(message.payload)
                self._waiting += ended
                came = came or bool(ended)
            else:
                self._pause()
        except (psycopg2.Error, ValueError) as error:
            self._lose(error)
        if came or self._lost:
            self._on_more()

    def _lose(self, error: Exception) -> None:
        self._pause()
        self._lost = error


def _connect(
    dsn: str, name: str, slot: str
) -> tuple[LogicalReplicationConnection, ReplicationCursor]:
    connection = psycopg2.connect(
        dsn,
        connection_factory=LogicalReplicationConnection,
        connect_timeout=int(CONNECT_TIMEOUT_SECONDS),
        application_name=f"feira-{name}-log",
    )
    try:
        cursor = connection.cursor()
        options = {"proto_version": "1", "publication_names": PUBLICATION, "messages": "true"}
        cursor.start_replication(
            slot_name=slot, decode=False, options=options, status_interval=STATUS_SECONDS
        )
    except BaseException:
        connection.close()
        raise
    return connection, cursor
