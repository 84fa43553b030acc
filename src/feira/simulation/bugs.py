"""What the shop's own log says went wrong that no fault explains: a bug, whatever the books say."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

BUGS: Final = frozenset(
    {
        "batch_broke",
        "call_failed",
        "lane_halted",
        "levels_failed",
        "reconciliation_failed",
        "request_failed",
        "schedule_failed",
        "unreadable_broadcast",
    }
)
TOLD_MAX: Final = 20


@contextmanager
def listening() -> Iterator[list[str]]:
    """The bugs that are logged inside the block; everything else is dropped, which costs least."""
    heard: list[str] = []

    def hear(_logger: Any, _method: str, event: Any) -> Any:
        if event.get("event") in BUGS and len(heard) < TOLD_MAX:
            heard.append(_told(event))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, hear],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=False,
    )
    try:
        yield heard
    finally:
        structlog.configure(**before)


def _told(event: dict[str, Any]) -> str:
    name, exception = event.pop("event"), event.pop("exception", "")
    return f"{name} {event}\n{exception}".rstrip()
