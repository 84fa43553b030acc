"""Liveness and readiness, as `application/health+json`.

Liveness answers as long as the event loop turns: it never asks a database, or an outage of one
would restart every process. Readiness asks each part, within a bounded time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
import structlog

from feira.chassis.work import Answer

HEALTH_JSON: Final = "application/health+json"
READINESS_TIMEOUT_SECONDS: Final = 2.0

Check = Callable[[], Awaitable[Any]]
"""Returns when its part answers; raises when it does not."""

_encode = msgspec.json.Encoder().encode
_NO_STORE: Final = (("Cache-Control", "no-store"),)
_log = structlog.get_logger(__name__)


def liveness() -> Answer:
    return Answer(200, _encode({"status": "pass"}), HEALTH_JSON, _NO_STORE)


async def readiness(
    checks: Mapping[str, Check], timeout_seconds: float = READINESS_TIMEOUT_SECONDS
) -> Answer:
    """200 when every check passes within `timeout_seconds`, all at once; else 503."""
    verdicts = await asyncio.gather(
        *(_passes(name, check, timeout_seconds) for name, check in checks.items())
    )
    states = {
        name: [{"status": "pass" if passed else "fail"}]
        for name, passed in zip(checks, verdicts, strict=True)
    }
    ready = all(verdicts)
    body = {"status": "pass" if ready else "fail", "checks": states}
    return Answer(200 if ready else 503, _encode(body), HEALTH_JSON, _NO_STORE)


async def _passes(name: str, check: Check, timeout_seconds: float) -> bool:
    try:
        async with asyncio.timeout(timeout_seconds):
            await check()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a part, it is not ready
        _log.warning("not_ready", check=name, reason=str(error) or type(error).__name__)
        return False
    return True
