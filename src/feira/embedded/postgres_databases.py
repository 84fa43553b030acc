"""A database and a role a service (K4), closed to every other role."""

from __future__ import annotations

import re
from collections.abc import Mapping

from feira.chassis.postgres.connection import Connection, connect

SUPERUSER = "postgres"
SERVICE_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")

# Identifiers and literals cannot be parameters here: names match SERVICE_NAME, passwords are
# URL-safe base64, so neither can leave its quotes.
EXISTING_ROLES = "SELECT rolname FROM pg_roles WHERE rolname = ANY($1::text[])"
EXISTING_DATABASES = "SELECT datname FROM pg_database WHERE datname = ANY($1::text[])"
CREATE_ROLE = "CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
SET_ROLE_PASSWORD = "ALTER ROLE {name} PASSWORD '{password}'"  # noqa: S105
ALLOW_LOG = "ALTER ROLE {name} REPLICATION"
CREATE_DATABASE = "CREATE DATABASE {name} OWNER {name} TEMPLATE template0"
CLOSE_DATABASE = "REVOKE ALL ON DATABASE {name} FROM PUBLIC"
SHARED_DATABASES = ("postgres", "template1")


async def create_databases(
    dsn: str, passwords: Mapping[str, str], *, may_read_log: bool = False
) -> None:
    """Make what is missing, set the passwords, and close every database to PUBLIC.

    `dsn` is the superuser's; `passwords` by service; `may_read_log`: the services follow their own
    database's log (`FEIRA_RELAY=cdc`). PostgreSQL decodes no other database's for them, and
    `pg_hba.conf` lets nobody copy the server. Everything is safe to repeat, so the next run
    completes one that was interrupted.
    """
    assert all(SERVICE_NAME.fullmatch(name) and name != SUPERUSER for name in passwords)
    connection = await connect(dsn, "feira-embedded")
    try:
        for name in SHARED_DATABASES:
            await connection.execute(CLOSE_DATABASE.format(name=name))
        await _ensure_roles(connection, passwords)
        if may_read_log:
            await connection.execute(";".join(ALLOW_LOG.format(name=name) for name in passwords))
        await _ensure_databases(connection, list(passwords))
    finally:
        await connection.close()


async def _ensure_roles(connection: Connection, passwords: Mapping[str, str]) -> None:
    existing = {row[0] for row in await connection.fetch(EXISTING_ROLES, list(passwords))}
    statements = [CREATE_ROLE.format(name=name) for name in passwords if name not in existing]
    statements += [
        SET_ROLE_PASSWORD.format(name=name, password=password)
        for name, password in passwords.items()
    ]
    await connection.execute(";".join(statements))


async def _ensure_databases(connection: Connection, names: list[str]) -> None:
    existing = {row[0] for row in await connection.fetch(EXISTING_DATABASES, names)}
    for name in names:
        if name not in existing:
            await connection.execute(CREATE_DATABASE.format(name=name))
        await connection.execute(CLOSE_DATABASE.format(name=name))
