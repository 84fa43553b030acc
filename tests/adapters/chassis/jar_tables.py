"""One table of jars in memory and in PostgreSQL, for what transactions that overlap may do.

Its statements are written as those of the services are: in memory rows are locked before they are
read or written, in SQL by the statement.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg

from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.memory.outbox_reader import MemoryOutboxReader
from feira.chassis.memory.rows import Rows
from feira.chassis.memory.store import MemoryStore
from feira.chassis.memory.weather import Fate, Weather
from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection, connect
from feira.chassis.postgres.outbox_reader import PostgresOutboxReader
from feira.chassis.postgres.store import PostgresStore
from feira.chassis.relay import OutboxReader
from feira.chassis.store import Contention, Store
from feira.kernel.clock import SystemClock
from feira.kernel.ids import Ids
from tests.adapters.chassis.stores import BareUnitOfWork
from tests.unit.chassis.jars import PARTITIONS

CREATE = "CREATE TABLE jar (id bigint PRIMARY KEY, sweets integer NOT NULL)"
READ = "SELECT id, sweets FROM jar WHERE id = ANY($1::bigint[])"
LOCK = "SELECT id, sweets FROM jar WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"
LOCK_FULL = """
SELECT id, sweets FROM jar WHERE sweets > 0 ORDER BY sweets LIMIT $1 FOR UPDATE SKIP LOCKED
"""
INSERT = "INSERT INTO jar (id, sweets) VALUES ($1, $2)"
UPDATE = "UPDATE jar SET sweets = $2 WHERE id = $1"
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


class Jars(Protocol):
    async def read(self, *ids: int) -> Mapping[int, int]:
        """How many sweets are in each, without a lock."""
        ...

    async def lock(self, *ids: int) -> Mapping[int, int]: ...

    async def lock_full(self, jars_max: int) -> Mapping[int, int]:
        """Those that are not empty, the emptiest first, but for those that others hold."""
        ...

    async def insert(self, jar_id: int, sweets: int) -> None:
        """Raises `Contention` when it is there."""
        ...

    async def update(self, jar_id: int, sweets: int) -> None: ...


class JarUnitOfWork(BareUnitOfWork):
    def __init__(self, tables: Any, outbox: Outbox, ids: Ids, now: datetime) -> None:
        super().__init__(tables, outbox, ids, now)
        is_memory = isinstance(tables, MemoryTables)
        self.jars: Jars = MemoryJars(tables.jars) if is_memory else PostgresJars(tables)


@dataclass
class World:
    """A database, and how processes come to it."""

    store: Callable[[], Store[JarUnitOfWork]]
    """A new process's."""
    reader: Callable[[], OutboxReader]
    somebody_waits: Callable[[], Awaitable[bool]]
    """For a lock."""
    commits: Callable[[Fate], None]
    """What becomes of the next commit, and what is heard of it."""


# --- in memory -----------------------------------------------------------------------------------


@dataclass
class MemoryTables:
    jars: Any = field(default_factory=dict)


class MemoryJars:
    def __init__(self, rows: Rows[int, int]) -> None:
        self._rows = rows

    async def read(self, *ids: int) -> Mapping[int, int]:
        return {key: self._rows[key] for key in ids if key in self._rows}

    async def lock(self, *ids: int) -> Mapping[int, int]:
        await self._rows.lock(key for key in ids if key in self._rows)
        return await self.read(*ids)

    async def lock_full(self, jars_max: int) -> Mapping[int, int]:
        locked = await self._rows.lock_free(self._full, jars_max)
        return {key: self._rows[key] for key in locked}

    async def insert(self, jar_id: int, sweets: int) -> None:
        await self._rows.lock([jar_id])
        if jar_id in self._rows:
            raise Contention("it is there already")
        self._rows[jar_id] = sweets

    async def update(self, jar_id: int, sweets: int) -> None:
        await self._rows.lock([jar_id])
        self._rows[jar_id] = sweets

    def _full(self) -> list[int]:
        return [key for sweets, key in sorted((v, k) for k, v in self._rows.items()) if sweets]


class OneFate(Weather):
    """Fair, but for one commit."""

    def __init__(self) -> None:
        self.next = Fate.DONE

    async def committing(self) -> Fate:
        fate, self.next = self.next, Fate.DONE
        return fate


@asynccontextmanager
async def in_memory() -> AsyncIterator[World]:
    weather = OneFate()
    database = MemoryDatabase(MemoryTables(), weather=weather)

    def store() -> Store[JarUnitOfWork]:
        return MemoryStore(
            database, "jars", JarUnitOfWork, ids=Ids(), clock=SystemClock(), partitions=PARTITIONS
        )

    async def somebody_waits() -> bool:
        return database.locks.somebody_waits

    def commits(fate: Fate) -> None:
        weather.next = fate

    yield World(store, lambda: MemoryOutboxReader(database), somebody_waits, commits)


# --- in PostgreSQL -------------------------------------------------------------------------------


class PostgresJars:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read(self, *ids: int) -> Mapping[int, int]:
        return dict(map(tuple, await self._connection.fetch(READ, ids)))

    async def lock(self, *ids: int) -> Mapping[int, int]:
        return dict(map(tuple, await self._connection.fetch(LOCK, ids)))

    async def lock_full(self, jars_max: int) -> Mapping[int, int]:
        return dict(map(tuple, await self._connection.fetch(LOCK_FULL, jars_max)))

    async def insert(self, jar_id: int, sweets: int) -> None:
        try:
            await self._connection.execute(INSERT, jar_id, sweets)
        except asyncpg.UniqueViolationError as error:
            raise Contention("it is there already") from error

    async def update(self, jar_id: int, sweets: int) -> None:
        await self._connection.execute(UPDATE, jar_id, sweets)


class Wire:
    """Between processes and the server: it may break at a commit, before or after it happened."""

    def __init__(self, folder: Path, server_socket: str) -> None:
        self.next = Fate.DONE
        self._server_socket = server_socket
        self._socket = folder / Path(server_socket).name
        self._flows: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[None]:
        server = await asyncio.start_unix_server(self._accept, str(self._socket))
        try:
            yield
        finally:
            server.close()
            for flow in self._flows:
                flow.cancel()
            await asyncio.gather(*self._flows, return_exceptions=True)

    def _accept(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        flow = asyncio.create_task(self._lead(near, back))
        self._flows.add(flow)
        flow.add_done_callback(self._flows.discard)

    async def _lead(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, on = await asyncio.open_unix_connection(self._server_socket)
        answers = asyncio.create_task(_copy(far, back))
        try:
            while asked := await near.read(65536):
                fate = Fate.DONE
                if b"COMMIT" in asked:
                    fate, self.next = self.next, Fate.DONE
                if fate is Fate.LOST:
                    return
                if fate is Fate.UNHEARD:
                    answers.cancel()
                    await asyncio.wait([answers])
                    on.write(asked)
                    await far.read(65536)
                    return
                on.write(asked)
        finally:
            answers.cancel()
            back.transport.abort()
            on.transport.abort()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await source.read(65536):
            target.write(chunk)
    target.close()


@asynccontextmanager
async def in_postgres(dsn: str) -> AsyncIterator[World]:
    watcher = await connect(dsn, "test")
    await watcher.execute(CREATE)
    place = dict(parse_qsl(urlsplit(dsn).query))
    opened: list[Any] = []

    with tempfile.TemporaryDirectory(prefix="feira-wire-") as folder:
        wire = Wire(Path(folder), f"{place['host']}/.s.PGSQL.{place['port']}")
        wired = urlsplit(dsn)._replace(query=urlencode({**place, "host": folder})).geturl()

        def store() -> Store[JarUnitOfWork]:
            opened.append(
                PostgresStore(
                    wired,
                    "jars",
                    JarUnitOfWork,
                    ids=Ids(),
                    clock=SystemClock(),
                    partitions=PARTITIONS,
                )
            )
            found: Store[JarUnitOfWork] = opened[-1]
            return found

        def reader() -> OutboxReader:
            opened.append(PostgresOutboxReader(dsn, "jars"))
            found: OutboxReader = opened[-1]
            return found

        async def somebody_waits() -> bool:
            return bool(await watcher.fetchval(WAITING))

        def commits(fate: Fate) -> None:
            wire.next = fate

        async with wire.laid():
            yield World(store, reader, somebody_waits, commits)
            for one in opened:
                await one.close()
    await watcher.close()
