"""See to it that a user exists in a role: how the first administrator comes to be (B1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from feira.contracts.message import Message
from feira.kernel.errors import Refused
from feira.services.identity.application.ports import IdentityUnitOfWork
from feira.services.identity.application.publishing import session_revoked, user_registered
from feira.services.identity.domain.session import Session, end_all
from feira.services.identity.domain.user import USER_ID_TAKEN, Role, User


@dataclass(frozen=True, slots=True)
class EnsureUser:
    """Given by operators only, never by a request.

    A user who has the role already keeps the password and the name they have. One with another role
    gets this role with this password, and their sessions end: whoever registered the address first
    does not become an administrator by it. `user_id` counts for a new user only.
    """

    email: str
    name: str
    role: Role
    password_hash: str = field(repr=False)
    user_id: int | None = None


async def ensure_users(
    commands: Sequence[EnsureUser], uow: IdentityUnitOfWork
) -> list[User | Refused]:
    by_email = await uow.users.by_email_for_update(c.email for c in commands)
    by_id = await uow.users.get_many_for_update(c.user_id for c in commands if c.user_id)
    known = [by_email[c.email].id for c in commands if c.email in by_email]
    sessions = await uow.sessions.of_users_for_update(known)
    outcomes: list[User | Refused] = []
    announcements: list[list[Message]] = []
    for command in commands:
        user = by_email.get(command.email)
        news: list[Message] = []
        if user is not None:
            ended = _promote(user, command, sessions.get(user.id, {}).values(), uow)
            news = [session_revoked(session) for session in ended]
        elif command.user_id not in by_id:
            user = _new_user(command, uow)
            news = [user_registered(user)]
        outcomes.append(user or USER_ID_TAKEN)
        announcements.append(news)
    uow.outbox.announce(announcements)
    return outcomes


def _promote(
    user: User, command: EnsureUser, sessions: Iterable[Session], uow: IdentityUnitOfWork
) -> list[Session]:
    """Returns the sessions that ended by it."""
    if user.role is command.role:
        return []
    user.role, user.password_hash = command.role, command.password_hash
    ended = end_all(sessions, uow.now)
    uow.users.save_many([user])
    uow.sessions.save_many(ended)
    return ended


def _new_user(command: EnsureUser, uow: IdentityUnitOfWork) -> User:
    user = User(
        id=command.user_id or uow.ids.number(),
        email=command.email,
        name=command.name,
        role=command.role,
        password_hash=command.password_hash,
        created_at=uow.now,
    )
    uow.users.add_many([user])
    return user
