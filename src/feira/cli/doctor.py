"""`feira doctor`: look at every part, and say what is wrong in words."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import aiohttp

from feira.chassis.postgres.reading import Reader
from feira.chassis.postgres.revisions import newest_revision
from feira.chassis.settings import ServiceSettings
from feira.chassis.transports.opening import open_transport
from feira.kernel.errors import Unavailable
from feira.runtime.environment import service_settings
from feira.runtime.registry import migrations_of
from feira.runtime.shop_settings import ShopSettings

TIMEOUT_SECONDS: Final = 3.0
OUTBOX_AGE_SECONDS_MAX: Final = 30.0
HEALTH: Final = """
SELECT (SELECT version_num FROM alembic_version),
       (SELECT count(*) FROM dead_letter WHERE redriven_at IS NULL),
       (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM outbox)
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at one part found; `fine` False makes the doctor's exit code 1."""

    part: str
    fine: bool
    words: str


async def doctor() -> int:
    settings = service_settings(None)
    shop = ShopSettings()
    looks: list[Awaitable[Finding]] = [_python(), _broker(next(iter(settings.values())))]
    looks += [_database(name, chosen) for name, chosen in settings.items()]
    looks += [
        _http(f"{name} service", f"http://{chosen.listen}/readyz")
        for name, chosen in settings.items()
    ]
    looks.append(_http("gateway", f"{shop.address}/products"))
    looks.append(_http("sandbox", f"http://127.0.0.1:{shop.sandbox_port}/healthz"))
    findings = await asyncio.gather(*looks)
    for finding in findings:
        print(f"{'ok  ' if finding.fine else 'FAIL'}  {finding.part:22} {finding.words}")
    return 0 if all(finding.fine for finding in findings) else 1


async def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version)


async def _broker(settings: ServiceSettings) -> Finding:
    async def look() -> Finding:
        transport = open_transport(settings.broker_url, partitions=1, member="doctor")
        try:
            return Finding("broker", True, f"answers (epoch {await transport.epoch()})")
        finally:
            await transport.close()

    return await _looked("broker", look)


async def _database(name: str, settings: ServiceSettings) -> Finding:
    async def look() -> Finding:
        reader = Reader(settings.database_url, "doctor")
        try:
            async with reader.connection() as connection:
                revision, dead, age_seconds = (await connection.fetch(HEALTH))[0]
        finally:
            await reader.close()
        return _judged(name, revision, dead, age_seconds)

    return await _looked(f"{name} database", look)


def _judged(name: str, revision: str, dead: int, age_seconds: float) -> Finding:
    newest = newest_revision(migrations_of(name))
    troubles = []
    if revision != newest:
        troubles.append(f"at revision {revision}, newest is {newest}: run `feira migrate`")
    if dead:
        troubles.append(f"{dead} dead letters: see `feira dead-letters list {name}`")
    if age_seconds > OUTBOX_AGE_SECONDS_MAX:
        troubles.append(f"oldest unpublished event is {age_seconds:.0f} s old: is the broker up?")
    words = "; ".join(troubles) or f"revision {revision}, no dead letters, outbox empty or young"
    return Finding(f"{name} database", not troubles, words)


async def _http(part: str, url: str) -> Finding:
    async def look() -> Finding:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            return Finding(part, answer.status < 400, f"{url} answers {answer.status}")

    return await _looked(part, look)


async def _looked(part: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    """A look that is cut short by what it looks at is a finding too."""
    try:
        return await look()
    except (Unavailable, aiohttp.ClientError, OSError, TimeoutError) as error:
        return Finding(part, False, f"does not answer: {error}")
