"""How long a transport keeps what it need not deliver any more."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What `Transport.trim` leaves in place besides the envelopes that a group has yet to take.

    A topic that was ever read by broadcast keeps its last `broadcast_window_seconds`: history for
    the next subscriber. A topic that no group has ever read keeps `unread_seconds`, so that a
    service installed later finds what it missed, and of them no more than
    `unread_envelopes_max` a partition: a topic nobody wants must not fill the memory.
    """

    broadcast_window_seconds: float = 20 * 60
    unread_seconds: float = 24 * 60 * 60
    unread_envelopes_max: int = 2_000
