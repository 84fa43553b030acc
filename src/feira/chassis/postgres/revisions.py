"""Which revision a database is at, asked without loading the machinery that changes it."""

import asyncio
from pathlib import Path
from typing import Final

import asyncpg

from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.errors import translated
from feira.kernel.errors import Unavailable

AT_REVISION: Final = "SELECT version_num FROM alembic_version"
REVISION_FILES: Final = "m[0-9][0-9][0-9][0-9]_*.py"
MIGRATION_TIMEOUT_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.1


def newest_revision(folder: Path) -> str:
    """The newest of a folder of migrations `mNNNN_what.py`, whose revisions are their numbers."""
    return max(file.name[1:5] for file in folder.glob(REVISION_FILES))


async def revision_of(dsn: str) -> str | None:
    """The revision a database is at; None when it has never been migrated."""
    connection = await connect(dsn, "feira-revision")
    try:
        async with translated():
            revision: str | None = await connection.fetchval(AT_REVISION)
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return revision


async def until_migrated(
    dsn: str, folder: Path, timeout_seconds: float = MIGRATION_TIMEOUT_SECONDS
) -> None:
    """Wait until a database is as new as the code: whoever migrates may do it meanwhile.

    A newer one will do: migrations are additive, and in an upgrade the old code runs on for a
    while. Raises `Unavailable` when nobody has migrated in time, or the database does not answer.
    """
    newest = newest_revision(folder)
    try:
        async with asyncio.timeout(timeout_seconds):
            while True:
                if (await revision_of(dsn) or "") >= newest:
                    return
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise Unavailable(
            f"the database has not reached revision {newest}: has `feira migrate` been run?"
        ) from None
