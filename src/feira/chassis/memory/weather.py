"""What goes wrong between a process and its database in memory; by itself nothing does."""

from enum import Enum, auto


class Fate(Enum):
    """What becomes of a commit, and what its client hears of it."""

    DONE = auto()
    LOST = auto()
    """The connection broke before the server had committed: the client does not know."""
    UNHEARD = auto()
    """It is committed, and the connection broke before the answer: the client does not know."""


class Weather:
    """Fair weather. Others wait, and raise `Unavailable` or `Contention`, as a network does."""

    async def connecting(self) -> None:
        """Before a transaction or a query begins."""

    async def statement(self) -> None:
        """Before a statement of a transaction."""

    async def committing(self) -> Fate:
        """A commit is under way. When this is cancelled, `dies_committed` decides."""
        return Fate.DONE

    def dies_committed(self) -> bool:
        """Whether the commit of a process that died meanwhile happened all the same."""
        return False


FAIR = Weather()
