"""Sessions that ended before their tokens do."""

from datetime import datetime
from typing import Final

REVOKED_SESSIONS_MAX: Final = 100_000


class RevokedSessions:
    """Session ids whose tokens are refused until the last of them has expired.

    Bounded: when full, the session that ended longest ago is forgotten, whose tokens are the first
    to expire where all tokens live equally long.
    """

    def __init__(self, sessions_max: int = REVOKED_SESSIONS_MAX) -> None:
        self._until: dict[str, datetime] = {}
        self._sessions_max = sessions_max

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._until

    def revoke(self, session_id: str, until: datetime) -> None:
        """Refuse the session's tokens; `until` is when the last of them expires (UTC)."""
        known = self._until.pop(session_id, until)
        self._until[session_id] = max(known, until)
        if len(self._until) > self._sessions_max:
            del self._until[next(iter(self._until))]

    def purge(self, now: datetime) -> int:
        """Forget the sessions whose tokens have all expired; returns how many."""
        ended = [session_id for session_id, until in self._until.items() if until <= now]
        for session_id in ended:
            del self._until[session_id]
        return len(ended)
