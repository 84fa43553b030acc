"""What can go wrong with the embedded parts; every message is written for a person at a terminal.

EmbeddedError
├── DataDirUnusable   the data directory cannot be used as it is
├── AlreadyRunning    another Feira works on the same data directory
├── PortTaken         a port is in use, or not ours to use
├── PartUnavailable   a part's program is missing or cannot prepare its data
├── ConfigRefused     NGINX does not accept its configuration
├── StartFailed       a process ended, or was not ready in time, on its first start
├── StillRunning      a leftover process does not end, even when killed
└── GaveUp            a process died too often to be started again
"""


class EmbeddedError(Exception):
    """The root of the tree: catch it to print `str(error)` and exit."""


class DataDirUnusable(EmbeddedError):
    pass


class AlreadyRunning(EmbeddedError):
    """`address` and `pid` are of the Feira that holds the data directory (None when unreadable)."""

    def __init__(self, message: str, *, address: str | None, pid: int | None) -> None:
        super().__init__(message)
        self.address = address
        self.pid = pid


class PortTaken(EmbeddedError):
    pass


class PartUnavailable(EmbeddedError):
    pass


class ConfigRefused(EmbeddedError):
    pass


class StartFailed(EmbeddedError):
    pass


class StillRunning(EmbeddedError):
    pass


class GaveUp(EmbeddedError):
    pass
