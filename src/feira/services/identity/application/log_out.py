"""Log out: the session ends, and with it its refresh and access tokens (E6, E7)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.contracts.message import Message
from feira.services.identity.application.ports import IdentityUnitOfWork
from feira.services.identity.application.publishing import session_revoked
from feira.services.identity.domain.session import Session, end


@dataclass(frozen=True, slots=True)
class LogOut:
    session_id: str


async def log_out(commands: Sequence[LogOut], uow: IdentityUnitOfWork) -> list[Session | None]:
    """The ended sessions; None for one that is not known any more."""
    sessions = await uow.sessions.get_many_for_update(c.session_id for c in commands)
    outcomes: list[Session | None] = []
    announcements: list[list[Message]] = []
    for command in commands:
        session = sessions.get(command.session_id)
        news = session is not None and end(session, uow.now)
        outcomes.append(session)
        announcements.append([session_revoked(session)] if session and news else [])
    uow.sessions.save_many(session for session in outcomes if session is not None)
    uow.outbox.announce(announcements)
    return outcomes
