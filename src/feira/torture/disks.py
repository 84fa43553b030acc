"""Small disks of their own for the stores, so that one can be full while the machine's is not."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

POSTGRES_BYTES: Final = 1024**3
BROKER_BYTES: Final = 512 * 1024**2
PROBE_BYTES: Final = 1024**2
BALLAST: Final = "ballast"
CHUNK_BYTES: Final = 1024**2


class Disk:
    """A file system in memory, mounted where a store will keep its data."""

    def __init__(self, place: Path, size_bytes: int) -> None:
        self._place = place
        self._size_bytes = size_bytes

    @contextmanager
    def mounted(self) -> Iterator["Disk"]:
        """Raises `OSError` or `CalledProcessError` where mounting is not allowed."""
        self._place.mkdir(parents=True, exist_ok=True)
        options = f"size={self._size_bytes},mode=0711"
        _run("mount", "-t", "tmpfs", "-o", options, "feira-torture", str(self._place))
        try:
            yield self
        finally:
            # lazily: what was killed a moment ago may not have closed its files
            _run("umount", "--lazy", str(self._place))

    def fill(self) -> int:
        """Use up every free byte; how many there were."""
        written = 0
        with suppress(OSError), (self._place / BALLAST).open("ab", buffering=0) as ballast:
            while written < self._size_bytes:
                written += ballast.write(bytes(CHUNK_BYTES))
        return written

    def free(self) -> None:
        (self._place / BALLAST).unlink(missing_ok=True)


def why_not_mountable() -> str | None:
    """Why no disk can be mounted here; None where it can."""
    with tempfile.TemporaryDirectory(prefix="feira-disk-") as folder:
        try:
            with Disk(Path(folder), PROBE_BYTES).mounted():
                return None
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", None) or str(error)
            return f"user {os.geteuid()} may not mount a tmpfs: {reason.strip()}"


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
