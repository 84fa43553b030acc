"""What PostgreSQL sends of its log: the messages of its output plugin `pgoutput`, version 1.

https://www.postgresql.org/docs/18/protocol-logicalrep-message-formats.html
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from feira.chassis.postgres.log_outbox import PREFIX, unpack
from feira.chassis.transports.port import Envelope

SECONDS_FROM_1970_TO_2000: Final = 946_684_800

_BEGIN: Final = Struct("!xQq")
_COMMIT: Final = Struct("!xxQQ")
_MESSAGE_PREFIX_AT: Final = 10
_LENGTH: Final = Struct("!I")


@dataclass(slots=True)
class LoggedEnvelope:
    """An envelope of a committed transaction.

    `confirms`: the position in the log up to which all is published with it; none for one that is
    not the last of its transaction.
    """

    envelope: Envelope
    committed_at: float
    """Unix seconds, by the database's clock."""
    confirms: int | None = None


class LogReader:
    """Puts transactions together: `read` each message, in order."""

    def __init__(self) -> None:
        self._open: list[LoggedEnvelope] = []
        self._committed_at = 0.0

    @property
    def is_between_transactions(self) -> bool:
        return not self._open

    def read(self, message: bytes) -> list[LoggedEnvelope]:
        """The envelopes of the transaction that ends with this message, if one does."""
        kind = message[:1]
        if kind == b"B":
            microseconds = _BEGIN.unpack_from(message)[1]
            self._committed_at = SECONDS_FROM_1970_TO_2000 + microseconds / 1_000_000
        elif kind == b"M":
            self._add(message)
        elif kind == b"C":
            return self._ended(_COMMIT.unpack_from(message)[1])
        return []

    def _add(self, message: bytes) -> None:
        prefix_end = message.index(b"\0", _MESSAGE_PREFIX_AT)
        if message[_MESSAGE_PREFIX_AT:prefix_end].decode() != PREFIX:
            return
        content = message[prefix_end + 1 + _LENGTH.size :]
        self._open.append(LoggedEnvelope(unpack(content), self._committed_at))

    def _ended(self, position: int) -> list[LoggedEnvelope]:
        ended, self._open = self._open, []
        if ended:
            ended[-1].confirms = position
        return ended
