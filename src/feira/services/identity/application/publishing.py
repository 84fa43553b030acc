"""What identity tells the world: from its aggregates to their contracts."""

from math import ceil

from feira.contracts import identity as contracts
from feira.services.identity.domain.session import Session, tokens_dead_at
from feira.services.identity.domain.user import User


def user_registered(user: User) -> contracts.UserRegistered:
    return contracts.UserRegistered(user_id=user.id, email=user.email, name=user.name)


def session_revoked(session: Session) -> contracts.SessionRevoked:
    until = ceil(tokens_dead_at(session).timestamp())
    return contracts.SessionRevoked(session_id=session.id, until=until)
