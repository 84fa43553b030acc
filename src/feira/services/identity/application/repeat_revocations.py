"""Say again which sessions have ended: the broker is a hint, this database is the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from feira.contracts.message import Message
from feira.services.identity.application.ports import IdentityUnitOfWork
from feira.services.identity.application.publishing import session_revoked
from feira.services.identity.domain.session import ACCESS_TOKEN_LIFE, CLOCK_MARGIN

SESSIONS_MAX: Final = 5_000


@dataclass(frozen=True, slots=True)
class RepeatRevocations:
    """Of the sessions that may have an access token left, the `sessions_max` that ended last."""

    sessions_max: int = SESSIONS_MAX


async def repeat_revocations(
    commands: Sequence[RepeatRevocations], uow: IdentityUnitOfWork
) -> list[int]:
    """Returns how many were spoken of, a command."""
    since = uow.now - ACCESS_TOKEN_LIFE - CLOCK_MARGIN
    announcements: list[list[Message]] = []
    for command in commands:
        sessions = await uow.sessions.ended_since(since, command.sessions_max)
        announcements.append([session_revoked(session) for session in sessions])
    uow.outbox.announce(announcements)
    return [len(messages) for messages in announcements]
