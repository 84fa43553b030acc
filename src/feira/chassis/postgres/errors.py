"""What PostgreSQL's errors mean to the lane: trouble to wait out, contention to retry, or a bug."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from feira.chassis.store import Contention
from feira.kernel.errors import Unavailable

_AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # met when the server is killed in the middle of an answer
    asyncpg.OperatorInterventionError,  # shutdown, crash of a neighbour, starting up
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.PostgresIOError,
    asyncpg.ReadOnlySQLTransactionError,  # a failover is under way
    OSError,
    TimeoutError,
)
_CONTENTION: Final = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Raise `Unavailable` and `Contention` for what is not the fault of the block."""
    try:
        yield
    except _CONTENTION as error:
        raise Contention(str(error)) from error
    except _AWAY as error:
        if isinstance(error, ValueError):  # asyncpg's word for an argument it cannot encode: a bug
            raise
        raise Unavailable(f"the database is away: {error!r}") from error
