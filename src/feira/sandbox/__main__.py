"""`python -m feira.sandbox`: the simulated payment provider, until SIGTERM or SIGINT."""

import asyncio
import logging
import signal
import sqlite3
import sys
from datetime import UTC, datetime
from typing import Final

import uvloop
from msgspec import json
from pydantic import ValidationError

from feira.kernel.clock import SystemClock
from feira.sandbox.process import assemble, serve
from feira.sandbox.settings import HOST, SandboxSettings

EXIT_MISCONFIGURED: Final = 2
EXIT_BOOKS: Final = 3

log = logging.getLogger("feira.sandbox")


def main() -> int:
    configure_logs()
    try:
        settings = SandboxSettings()
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        log.error("wrong settings (FEIRA_SANDBOX_*): %s", "; ".join(reasons))
        return EXIT_MISCONFIGURED
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(settings))
    except (sqlite3.Error, OSError, ValueError) as error:
        log.error("the books in %s can't be opened: %s", settings.data_dir, error)
        return EXIT_BOOKS
    return 0


async def run(settings: SandboxSettings) -> None:
    sandbox = assemble(settings, SystemClock())
    # The server takes these signals while it runs, and raises them again at its end for whoever
    # had them before: nobody, so that the books are closed in peace.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    log.info("simulated payments on http://%s:%d: no money moves here", HOST, settings.port)
    await serve(sandbox)


class JsonLines(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.encode(line).decode()


def configure_logs() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
