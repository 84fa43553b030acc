"""What PostgreSQL's errors mean: trouble to wait out, contention to try again, or a bug."""

import asyncpg
import pytest

from feira.chassis.postgres.errors import translated
from feira.chassis.store import Contention
from feira.kernel.errors import Unavailable


class CannotEncode(asyncpg.InterfaceError, ValueError):
    """As asyncpg says that an argument is none of its type."""


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("gone"),
        asyncpg.AdminShutdownError("shutting down"),
        asyncpg.DiskFullError("no space left"),
        asyncpg.ReadOnlySQLTransactionError("a failover"),
        asyncpg.InterfaceError("the connection is closed"),
        ConnectionRefusedError("nobody there"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_database_that_is_away_is_waited_for(error: Exception) -> None:
    with pytest.raises(Unavailable):
        async with translated():
            raise error


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.SerializationError("changed"),
        asyncpg.LockNotAvailableError("locked"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_contention_is_tried_again(error: Exception) -> None:
    with pytest.raises(Contention):
        async with translated():
            raise error


@pytest.mark.parametrize(
    "error",
    [
        CannotEncode("a text for a number"),
        asyncpg.UniqueViolationError("twice"),
        asyncpg.UndefinedTableError("no such table"),
        ZeroDivisionError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_bug_stays_a_bug(error: Exception) -> None:
    """Tried again for ever, it would hold up the lane."""
    with pytest.raises(type(error)):
        async with translated():
            raise error
