"""Which revision a database is at, asked without loading the machinery that changes it."""

from pathlib import Path
from typing import Final

import asyncpg

from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.errors import translated

AT_REVISION: Final = "SELECT version_num FROM alembic_version"
REVISION_FILES: Final = "m[0-9][0-9][0-9][0-9]_*.py"


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
