"""Drop what can have no effect any more: sessions past their end, failures long forgiven."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from feira.services.identity.application.ports import IdentityUnitOfWork

KEPT_FOR: Final = timedelta(days=1)
"""Far longer than the last access token of a session that has ended lives."""


@dataclass(frozen=True, slots=True)
class ForgetExpired:
    rows_max: int = 10_000


async def forget_expired(commands: Sequence[ForgetExpired], uow: IdentityUnitOfWork) -> list[int]:
    """Returns how many rows were dropped, a command."""
    counts = []
    for command in commands:
        before = uow.now - KEPT_FOR
        sessions = await uow.sessions.forget(
            expired_before=before, ended_before=before, sessions_max=command.rows_max
        )
        attempts = await uow.attempts.forget(empty_before=uow.now, attempts_max=command.rows_max)
        counts.append(sessions + attempts)
    return counts
