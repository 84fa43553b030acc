"""A throw-away PostgreSQL for tests: one server a level, a fresh migrated database a test."""

import asyncio
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from feira.chassis.postgres.migrations import migrate
from feira.embedded.data_dir import DataDir
from feira.embedded.postgres import EmbeddedPostgres
from feira.embedded.postgres_databases import SUPERUSER
from feira.runtime.registry import migrations_of

START_TIMEOUT_SECONDS = 60
DATABASES_MAX = 8
"""More than any test has at once: older ones are dropped, as they may lie in memory (`.ci/run`)."""
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",  # only a socket in a folder of its own: no port that may be taken
}
PORT = 5432  # the socket is named after it


class PostgresServer:
    """Databases are copies of a template that was migrated once a service."""

    def __init__(self, data_dir: DataDir) -> None:
        self._data_dir = data_dir
        self._made = 0
        self._kept: deque[str] = deque()
        self._templates: set[str] = set()
        spec = asyncio.run(EmbeddedPostgres(data_dir, PORT, settings=SETTINGS).prepare())
        self._log = (data_dir.log_dir / "postgres.log").open("wb")
        self.process = subprocess.Popen(
            list(spec.argv),
            cwd=spec.cwd,
            stdout=self._log,
            stderr=self._log,
            user=spec.user.uid if spec.user else None,
            group=spec.user.gid if spec.user else None,
        )
        asyncio.run(self._until_ready())

    async def fresh_database(self, service: str) -> str:
        """The address of a new database with the tables of a service."""
        if service not in self._templates:
            await self._run(f'CREATE DATABASE "template_{service}"')
            await migrate(self._dsn(f"template_{service}"), migrations_of(service))
            self._templates.add(service)
        self._made += 1
        name = f"{service}_{self._made}"
        await self._run(f'CREATE DATABASE "{name}" TEMPLATE "template_{service}"')
        self._kept.append(name)
        if len(self._kept) > DATABASES_MAX:
            await self._run(f'DROP DATABASE "{self._kept.popleft()}" WITH (FORCE)')
        return self._dsn(name)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._log.close()

    def _dsn(self, database: str) -> str:
        place = f"host={self._data_dir.sockets_dir()}&port={PORT}"
        return f"postgresql://{SUPERUSER}@/{database}?{place}"

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self._dsn("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                return await self._run("SELECT 1")
            except (OSError, asyncpg.PostgresError):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                await asyncio.sleep(0.05)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Imported by one `conftest.py` a level: each file that imports it has a server of its own."""
    # Not pytest's own folder, which is private: as root the server runs as another user.
    with tempfile.TemporaryDirectory(prefix="feira-test-") as folder:
        Path(folder).chmod(0o711)
        server = PostgresServer(DataDir(Path(folder) / "feira").create())
        yield server
        server.stop()
