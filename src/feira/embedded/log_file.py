"""A process writes its log itself, with nobody between; we only bound its size and read its end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

TAIL_BYTES_MAX = 16 * 1024


class LogFile:
    """`<name>.log`, and `<name>.log.1` with what came before it."""

    def __init__(self, path: Path, *, size_bytes_max: int) -> None:
        self.path = path
        self._size_bytes_max = size_bytes_max
        self._opened_at_bytes = 0

    def open_for_append(self) -> int:
        """A descriptor to hand to the process; the caller closes its own copy.

        Append mode matters: once a rotation has emptied the file, the writer goes on at its start.
        """
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._opened_at_bytes = os.fstat(descriptor).st_size
        return descriptor

    def rotate_if_large(self) -> bool:
        """Copy and empty a file above its limit. Lines written between the two steps are lost."""
        if not self.path.exists() or self.path.stat().st_size <= self._size_bytes_max:
            return False
        shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}.1"))
        os.truncate(self.path, 0)
        self._opened_at_bytes = 0
        return True

    def tail(self, lines_max: int = 12) -> str:
        """The last lines since the process was started last."""
        if not self.path.exists():
            return ""
        with self.path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(min(self._opened_at_bytes, size), size - TAIL_BYTES_MAX))
            text = file.read(TAIL_BYTES_MAX).decode(errors="replace")
        return "\n".join(text.splitlines()[-lines_max:])
