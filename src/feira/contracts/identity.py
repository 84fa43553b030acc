"""What `identity` tells the world. Topic `identity.events`, keyed by the user."""

from typing import ClassVar

from feira.contracts.message import Message
from feira.contracts.units import UnixSeconds

TOPIC = "identity.events"


class UserRegistered(Message, frozen=True, kw_only=True):
    """Somebody has made an account."""

    TYPE: ClassVar[str] = "feira.identity.user_registered.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "user_id"

    user_id: int
    email: str
    name: str


class SessionRevoked(Message, frozen=True, kw_only=True):
    """Access tokens of this session count no more; after `until` (Unix seconds) none is alive."""

    TYPE: ClassVar[str] = "feira.identity.session_revoked.v1"
    TOPIC: ClassVar[str] = "identity.sessions"
    KEY: ClassVar[str] = "session_id"

    session_id: str
    until: UnixSeconds
