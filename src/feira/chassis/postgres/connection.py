"""Connections: few, long-lived, reopened when they break."""

from typing import Final, NewType, TypeAlias

import asyncpg

from feira.chassis.postgres.errors import translated

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

ReadConnection = NewType("ReadConnection", asyncpg.Connection)
"""A connection whose transactions are read-only: what queries are given."""

CONNECT_TIMEOUT_SECONDS: Final = 5.0
COMMAND_TIMEOUT_SECONDS: Final = 30.0
READ_POOL_SIZE_MAX: Final = 3

# Whoever writes touches rows by their keys, a batch at a time. Its plans are made once, and go by
# index whatever the statistics say: those of a young table say that it is small, and a plan that
# reads all of it stays when it has grown.
_BY_INDEX: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_SETTINGS: Final = {
    "jit": "off",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "statement_timeout": "30s",
}


def count_of(status: str) -> int:
    """How many rows a statement touched, from its status such as `UPDATE 7`."""
    return int(status.rpartition(" ")[2])


async def connect(dsn: str, application_name: str) -> Connection:
    """A connection for one owner. Raises `Unavailable`."""
    async with translated():
        return await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=COMMAND_TIMEOUT_SECONDS,
            server_settings={**_SETTINGS, **_BY_INDEX, "application_name": application_name},
        )


async def open_read_pool(dsn: str, application_name: str) -> "asyncpg.Pool[asyncpg.Record]":
    """A small pool of read-only connections, opened as they are needed."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=READ_POOL_SIZE_MAX,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=COMMAND_TIMEOUT_SECONDS,
        max_inactive_connection_lifetime=60,
        server_settings={
            **_SETTINGS,
            "application_name": f"{application_name}-read",
            "default_transaction_read_only": "on",
        },
    )
