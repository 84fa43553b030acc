"""Migrations by Alembic, a service at a time: `services/<service>/migrations/NNNN_*.py`.

There is no `env.py`: this module is it. Several processes may migrate at once; one of them does it.
"""

from pathlib import Path
from typing import Any, Final

import asyncpg
from alembic import op
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from feira.chassis.postgres.errors import translated

MIGRATION_LOCK: Final = 0x0FE3


def run_sql(script: str) -> None:
    """Execute the statements of a script, each ended by a semicolon at the end of a line."""
    for statement in script.split(";\n"):
        if statement.strip():
            op.execute(text(statement.replace(":", "\\:")))


async def migrate(dsn: str, folder: Path) -> str | None:
    """Bring a database to the newest revision of a folder, and return that revision.

    Raises `Unavailable` when the database does not answer; a failed migration changes nothing.
    """
    script = _scripts(folder)
    async with translated():
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
            await _upgrade(dsn, script)
        finally:
            await connection.close()
    return script.get_current_head()


async def _upgrade(dsn: str, script: ScriptDirectory) -> None:
    async def connect() -> Any:
        return await asyncpg.connect(dsn)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(_run, script)
    await engine.dispose()


def _run(connection: Connection, script: ScriptDirectory) -> None:
    def steps(revision: Any, _context: Any) -> Any:
        return script._upgrade_revs("head", revision)  # noqa: SLF001 - what env.py's `upgrade` calls

    with EnvironmentContext(Config(), script, fn=steps, destination_rev="head") as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


def _scripts(folder: Path) -> ScriptDirectory:
    return ScriptDirectory(str(folder), version_locations=[str(folder)])
