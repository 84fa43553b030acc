"""Log in: open a session for a password that was right (B1, E6)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from feira.contracts.message import Message
from feira.kernel.errors import Category, Refused
from feira.services.identity.application.ports import IdentityUnitOfWork
from feira.services.identity.application.publishing import session_revoked
from feira.services.identity.domain.attempts import judge
from feira.services.identity.domain.session import Session, end_surplus, open_session
from feira.services.identity.domain.user import proved_user

INVALID_CREDENTIALS: Final = Refused(
    Category.UNAUTHENTICATED, "invalid_credentials", "The e-mail or the password is wrong."
)


@dataclass(frozen=True, slots=True)
class LogIn:
    """`proved_hash` is the hash that the password was found to match; None when it did not."""

    email: str
    user_id: int | None
    proved_hash: str | None = field(repr=False)
    refresh_hash: bytes = field(repr=False)


async def log_in(commands: Sequence[LogIn], uow: IdentityUnitOfWork) -> list[Session | Refused]:
    attempts = await uow.attempts.get_many_for_update(c.email for c in commands)
    user_ids = {c.user_id for c in commands if c.user_id is not None and c.proved_hash is not None}
    users = await uow.users.get_many_for_update(user_ids)
    sessions = await uow.sessions.of_users_for_update(user_ids)
    outcomes: list[Session | Refused] = []
    announcements: list[list[Message]] = []
    for command in commands:
        user = proved_user(users, command.user_id, command.proved_hash)
        judged = judge(attempts[command.email], user, INVALID_CREDENTIALS, uow.now)
        if isinstance(judged, Refused):
            outcomes.append(judged)
            announcements.append([])
            continue
        ended = end_surplus(sessions[judged.id].values(), uow.now)
        opened = open_session(str(uow.ids.uuid7()), judged, command.refresh_hash, uow.now)
        uow.sessions.save_many(ended)
        uow.sessions.add_many([opened])
        outcomes.append(opened)
        announcements.append([session_revoked(session) for session in ended])
    uow.attempts.save_many(attempts[c.email] for c in commands)
    uow.outbox.announce(announcements)
    return outcomes
