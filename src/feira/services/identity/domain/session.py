"""A session: what a login opens, a refresh token carries on, and a logout ends (E6, E7).

Refresh tokens rotate (RFC 9700, section 4.14.2): each is good once and brings its successor. One
that comes a second time was stolen, or its successor was: the session ends, for the thief and for
the owner, without any grace.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from feira.kernel.errors import Category, Refused
from feira.services.identity.domain.user import Role, User

ACCESS_TOKEN_LIFE: Final = timedelta(minutes=15)
SESSION_LIFE: Final = timedelta(days=30)
CLOCK_MARGIN: Final = timedelta(minutes=1)
"""How far the clocks of the machines that check tokens may be apart."""
SESSIONS_A_USER_MAX: Final = 1_000
ROTATIONS_MAX: Final = 10_000

NOT_REFRESHABLE: Final = Refused(
    Category.UNAUTHENTICATED, "invalid_refresh_token", "The refresh token is not valid; log in."
)


@dataclass(slots=True)
class Session:
    """`refresh_hash` is the SHA-256 of the only refresh token that is good."""

    id: str
    user_id: int
    role: Role
    refresh_hash: bytes
    created_at: datetime
    expires_at: datetime
    rotations: int = 0
    ended_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Reused:
    """A refresh token came a second time: its session has ended."""

    session: Session


def open_session(session_id: str, user: User, refresh_hash: bytes, now: datetime) -> Session:
    return Session(
        id=session_id,
        user_id=user.id,
        role=user.role,
        refresh_hash=refresh_hash,
        created_at=now,
        expires_at=now + SESSION_LIFE,
    )


def rotate(
    session: Session, presented_hash: bytes, next_hash: bytes, now: datetime
) -> Session | Reused | Refused:
    """Exchange a token of this session for the next one."""
    if not session.is_live(now) or session.rotations >= ROTATIONS_MAX:
        return NOT_REFRESHABLE
    if presented_hash != session.refresh_hash:
        end(session, now)
        return Reused(session)
    session.refresh_hash = next_hash
    session.rotations += 1
    return session


def end(session: Session, now: datetime) -> bool:
    """End a session. False: it had ended before."""
    if session.ended_at is not None:
        return False
    session.ended_at = now
    return True


def end_all(sessions: Iterable[Session], now: datetime) -> list[Session]:
    """End the live ones among them, and return those."""
    return [session for session in sessions if session.is_live(now) and end(session, now)]


def end_surplus(sessions: Iterable[Session], now: datetime) -> list[Session]:
    """End a user's oldest sessions, so that a new one fits; returns those that ended."""
    live = sorted(
        (session for session in sessions if session.is_live(now)),
        key=lambda session: (session.created_at, session.id),
    )
    surplus = len(live) + 1 - SESSIONS_A_USER_MAX
    return end_all(live[:surplus], now) if surplus > 0 else []


def tokens_dead_at(session: Session) -> datetime:
    """When the last access token of an ended session has expired by any machine's clock."""
    assert session.ended_at is not None
    return session.ended_at + ACCESS_TOKEN_LIFE + CLOCK_MARGIN
