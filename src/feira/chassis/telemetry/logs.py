"""Logs: one JSON line an event, in UTC, with the service and the correlation id; secrets never."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, Final, TextIO

import msgspec
import structlog
from structlog.typing import Processor

CORRELATION_ID: Final[ContextVar[str]] = ContextVar("feira_correlation_id", default="")
"""The correlation id of what this task is doing; set by the shell for each request."""

SERVICE: Final[ContextVar[str]] = ContextVar("feira_service", default="")
"""The service this task works for: several can share a process."""

REDACTED: Final = "[redacted]"
VALUE_LENGTH_MAX: Final = 8_192

_SECRET: Final = re.compile(
    r"password|passwd|secret|token|authorization|cookie|api_?key", re.IGNORECASE
)
_SECRET_TEXT: Final = re.compile(r"(?<=://)[^/\s@]+(?=@)|(?<=Bearer )\S+", re.IGNORECASE)
"""Who logs in at a URL, a token behind its scheme."""

_QUIET: Final = ("asyncio", "httpx", "httpcore", "uvicorn.access")


def configure_logging(
    *, json: bool | None = None, level: str = "INFO", stream: TextIO | None = None
) -> None:
    """Set up structlog and the standard library's logging (uvicorn's too), once a process.

    `json=None` writes for a person when the stream is a terminal, and JSON lines otherwise.
    """
    stream = stream or sys.stderr
    as_json = not stream.isatty() if json is None else json
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_shared()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(as_json, stream),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _shared() -> list[Processor]:
    """For our own events and for those of libraries that use the standard library."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _add_context,
        _drop_colors,
    ]


def _rendering(as_json: bool, stream: TextIO) -> list[Processor]:
    if as_json:
        return [structlog.processors.format_exc_info, redact, _render_json]
    console = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(),
        timestamp_key="time",
        exception_formatter=structlog.dev.plain_traceback,  # the rich one prints local variables
    )
    return [redact, console]


def _render_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


def _add_context(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, variable in (("service", SERVICE), ("correlation_id", CORRELATION_ID)):
        if (value := variable.get()) and key not in event:
            event[key] = value
    return event


def _drop_colors(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """uvicorn says everything twice, once with colours."""
    event.pop("color_message", None)
    return event


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what must not be read in a log, by its key or by its form, at any depth."""
    for key, value in event.items():
        event[key] = REDACTED if _SECRET.search(key) else _without_secrets(value)
    return event


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET_TEXT.sub(REDACTED, _shortened(value))
    if isinstance(value, Mapping):
        return {
            key: REDACTED if _SECRET.search(str(key)) else _without_secrets(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_secrets(item) for item in value]
    return value


def _shortened(text: str) -> str:
    """The beginning and the end (a traceback says the most at its end), in what UTF-8 can write."""
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    if len(text) <= VALUE_LENGTH_MAX:
        return text
    half = VALUE_LENGTH_MAX // 2
    return f"{text[:half]} … {text[-half:]}"
