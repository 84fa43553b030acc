"""What a broker is known to hold: so that lost topics are noticed, and not taken for new ones.

A small log of the broker's own, beside the topics, with a line for each topic that was made and for
each that was found missing although it had been made. Every process reads the same lines, so all
agree on the epoch: the log's own identity, and how often something was lost since it began.
"""

from dataclasses import dataclass, field
from typing import Final

LEDGER: Final = "feira.ledger"
_MADE: Final = "made "
_LOST: Final = "lost "


def made(topic: str) -> bytes:
    return f"{_MADE}{topic}".encode()


def lost(topic: str) -> bytes:
    return f"{_LOST}{topic}".encode()


def position(epoch: str, offset: int) -> str:
    """An offset as a delivery's mark: in another epoch it says nothing."""
    return f"{epoch} {offset}"


def offset_in(epoch: str, mark: str) -> int | None:
    """The offset that a mark stands for; None for a mark of another epoch, or for no mark."""
    marked, _, offset = mark.rpartition(" ")
    return int(offset) if marked == epoch and offset.isdecimal() else None


@dataclass(slots=True)
class Ledger:
    """The lines read so far of one log; another log means another `Ledger`."""

    identity: str
    topics: set[str] = field(default_factory=set)
    """Made, and not found missing since: a loss is written down once, however long it lasts."""
    losses: int = 0

    def read(self, line: bytes) -> None:
        """Lines of a kind that a later version may write are passed over."""
        text = line.decode(errors="replace")
        if text.startswith(_MADE):
            self.topics.add(text.removeprefix(_MADE))
        elif text.startswith(_LOST):
            self.topics.discard(text.removeprefix(_LOST))
            self.losses += 1

    @property
    def epoch(self) -> str:
        return f"{self.identity}.{self.losses}"
