"""Exchange a refresh token for the next one; one that comes again ends its session (E6)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from feira.contracts.message import Message
from feira.kernel.errors import Refused
from feira.services.identity.application.ports import IdentityUnitOfWork
from feira.services.identity.application.publishing import session_revoked
from feira.services.identity.domain.session import NOT_REFRESHABLE, Reused, Session, rotate


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """SHA-256 hashes of the token that came, and of the one that goes out if it is good."""

    presented_hash: bytes = field(repr=False)
    next_hash: bytes = field(repr=False)


RefreshOutcome = Session | Reused | Refused


async def refresh_sessions(
    commands: Sequence[RefreshSession], uow: IdentityUnitOfWork
) -> list[RefreshOutcome]:
    sessions = await uow.sessions.by_refresh_hash_for_update(c.presented_hash for c in commands)
    outcomes: list[RefreshOutcome] = []
    announcements: list[list[Message]] = []
    for command in commands:
        session = sessions.get(command.presented_hash)
        if session is None:
            outcomes.append(NOT_REFRESHABLE)
            announcements.append([])
            continue
        outcome = rotate(session, command.presented_hash, command.next_hash, uow.now)
        uow.sessions.save_many([session])
        outcomes.append(outcome)
        announcements.append([session_revoked(session)] if isinstance(outcome, Reused) else [])
    uow.outbox.announce(announcements)
    return outcomes
