"""Clocks that go wrong: every Feira process adds an offset, read from a file, to what time it is.

Python runs `sitecustomize` of its path at each start: `write_hook` makes one that calls `install`
in every process of the shop. Nothing of the shop knows of it.
"""

import mmap
import os
import struct
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from feira.kernel.clock import SystemClock

OFFSETS_SETTING: Final = "FEIRA_TORTURE_CLOCKS"
HOOK: Final = "from feira.torture.skewed_clock import install\n\ninstall()\n"
OFFSET: Final = struct.Struct("<q")
"""Milliseconds, at the beginning of a clock's file."""


class Clocks:
    """The offsets of the processes of one shop, by the first service that each runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(HOOK)

    def settings(self) -> dict[str, str]:
        """What the shop's processes must be told."""
        paths = [str(self._folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {"PYTHONPATH": os.pathsep.join(paths), OFFSETS_SETTING: str(self._folder)}

    def add(self, names: Sequence[str]) -> None:
        for name in names:
            (self._folder / name).write_bytes(OFFSET.pack(0))

    def skew(self, name: str, offset_ms: int) -> None:
        with (self._folder / name).open("r+b") as file:
            file.write(OFFSET.pack(offset_ms))


def install() -> None:
    """Skew this process's clock, if it is one of those that have an offset."""
    folder = os.environ.get(OFFSETS_SETTING)
    file = Path(folder or ".") / service_of(sys.orig_argv)
    if folder is None or not file.is_file():
        return
    with file.open("rb") as opened:
        offset = mmap.mmap(opened.fileno(), OFFSET.size, prot=mmap.PROT_READ)
    right = SystemClock.now

    def now(self: SystemClock) -> datetime:
        return right(self) + timedelta(milliseconds=OFFSET.unpack_from(offset)[0])

    SystemClock.now = now  # type: ignore[method-assign]


def service_of(argv: Sequence[str]) -> str:
    """The first service of `python -m feira run SERVICE…`; of any other program a name no clock
    has."""
    at = argv.index("run") if "run" in argv and "feira" in argv else None
    return argv[at + 1] if at is not None and at + 1 < len(argv) else "nobody"
