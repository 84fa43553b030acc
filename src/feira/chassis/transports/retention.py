"""How long a transport keeps what it need not deliver any more."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What `Transport.trim` leaves in place besides the envelopes that a group has yet to take.

    A topic that was ever read by broadcast keeps its last `broadcast_window_seconds`: history for
    the next subscriber. A topic that no group has ever read keeps `unread_seconds`, so that a
    service installed later finds what it missed, and a topic nobody wants does not grow for ever.
    """

    broadcast_window_seconds: float = 20 * 60
    unread_seconds: float = 24 * 60 * 60
