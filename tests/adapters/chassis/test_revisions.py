"""A service that starts waits until somebody has migrated its database."""

import asyncio
from pathlib import Path

import pytest

from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.revisions import revision_of, until_migrated
from feira.kernel.errors import Unavailable
from tests.eventually import eventually
from tests.postgres import PostgresServer

TOO_SHORT_SECONDS = 0.3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Migrations whose newest is 0002."""
    for name in ("m0001_first.py", "m0002_second.py"):
        (tmp_path / name).touch()
    return tmp_path


async def put_revision(dsn: str, revision: str) -> None:
    connection = await connect(dsn, "test")
    await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
    await connection.close()


async def test_a_database_as_new_as_the_code_or_newer_is_waited_for_no_longer(
    postgres_server: PostgresServer, folder: Path
) -> None:
    dsn = await postgres_server.fresh_database("orders")
    for revision in ("0002", "0003"):
        await put_revision(dsn, revision)
        await until_migrated(dsn, folder)


async def test_it_waits_until_another_has_migrated(
    postgres_server: PostgresServer, folder: Path
) -> None:
    dsn = await postgres_server.fresh_database("orders")
    await put_revision(dsn, "0001")
    waiting = asyncio.create_task(until_migrated(dsn, folder))
    assert await revision_of(dsn) == "0001"
    assert not waiting.done()
    await put_revision(dsn, "0002")

    async def has_seen_it() -> bool:
        return waiting.done()

    await eventually(has_seen_it)
    await waiting


async def test_a_database_that_was_never_migrated_has_no_revision(
    postgres_server: PostgresServer,
) -> None:
    dsn = await postgres_server.fresh_database("orders")
    connection = await connect(dsn, "test")
    await connection.execute("DROP TABLE alembic_version")
    await connection.close()
    assert await revision_of(dsn) is None


async def test_when_nobody_migrates_it_says_what_to_do(
    postgres_server: PostgresServer, folder: Path
) -> None:
    dsn = await postgres_server.fresh_database("orders")
    await put_revision(dsn, "0001")
    with pytest.raises(Unavailable, match="feira migrate"):
        await until_migrated(dsn, folder, timeout_seconds=TOO_SHORT_SECONDS)
