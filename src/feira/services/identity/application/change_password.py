"""Change one's password, which ends all one's other sessions (E6)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from feira.contracts.message import Message
from feira.kernel.errors import Refused
from feira.services.identity.application.ports import IdentityUnitOfWork
from feira.services.identity.application.publishing import session_revoked
from feira.services.identity.domain.attempts import judge
from feira.services.identity.domain.session import Session, end_all
from feira.services.identity.domain.user import WRONG_PASSWORD, proved_user


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """`proved_hash` is the hash that the current password was found to match; None if none."""

    user_id: int
    email: str
    session_id: str
    proved_hash: str | None = field(repr=False)
    new_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    ended: tuple[Session, ...]


async def change_passwords(
    commands: Sequence[ChangePassword], uow: IdentityUnitOfWork
) -> list[PasswordChanged | Refused]:
    attempts = await uow.attempts.get_many_for_update(c.email for c in commands)
    users = await uow.users.get_many_for_update(c.user_id for c in commands)
    sessions = await uow.sessions.of_users_for_update(c.user_id for c in commands)
    outcomes: list[PasswordChanged | Refused] = []
    announcements: list[list[Message]] = []
    for command in commands:
        proved = proved_user(users, command.user_id, command.proved_hash)
        user = judge(attempts[command.email], proved, WRONG_PASSWORD, uow.now)
        if isinstance(user, Refused):
            outcomes.append(user)
            announcements.append([])
            continue
        user.password_hash = command.new_hash
        others = [s for s in sessions[user.id].values() if s.id != command.session_id]
        ended = end_all(others, uow.now)
        uow.users.save_many([user])
        uow.sessions.save_many(ended)
        outcomes.append(PasswordChanged(tuple(ended)))
        announcements.append([session_revoked(session) for session in ended])
    uow.attempts.save_many(attempts[c.email] for c in commands)
    uow.outbox.announce(announcements)
    return outcomes
