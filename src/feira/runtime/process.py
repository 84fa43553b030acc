"""One process that runs some of the services: on a laptop a few together, in a cluster one each."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import structlog

from feira.chassis.auth.keys import KeyFile
from feira.chassis.auth.verifier import TokenVerifier
from feira.chassis.following import follow
from feira.chassis.http.server import HttpServer
from feira.chassis.lane import LaneLimits
from feira.chassis.parts import Parts
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.postgres.revisions import until_migrated
from feira.chassis.service import Service
from feira.chassis.settings import ServiceSettings, load_settings
from feira.chassis.telemetry.logs import configure_logging
from feira.chassis.transports.opening import open_transport
from feira.contracts.identity import SessionRevoked
from feira.kernel.clock import SystemClock
from feira.runtime.registry import builder_of, check_names, migrations_of, settings_of

log = structlog.get_logger(__name__)

REVOCATIONS_SINCE_SECONDS: Final = 1200
"""Longer than an access token lives."""
GARBAGE_THRESHOLDS: Final = (250_000, 20, 50)


async def run_services(names: Sequence[str]) -> None:
    """Run until SIGTERM or SIGINT; then answer what is in flight, and end.

    Starts when the databases are as new as the code. Raises `Misconfigured` before anything has
    started, `Unavailable` when nobody migrates.
    """
    check_names(names)
    settings = {name: load_settings(settings_of(name)) for name in names}
    first = settings[names[0]]
    configure_logging(
        json={"json": True, "console": False}.get(first.log_format), level=first.log_level
    )
    verifier = verifier_of(first)
    services = [
        builder_of(name)(await _parts(chosen, verifier), chosen)
        for name, chosen in settings.items()
    ]
    servers = [HttpServer(service.app, settings[service.name].listen) for service in services]
    await asyncio.gather(
        *(until_migrated(settings[name].database_url, migrations_of(name)) for name in names)
    )
    await _run(services, servers, verifier)


def verifier_of(settings: ServiceSettings) -> TokenVerifier:
    """What verifies access tokens, offline, by the public keys that identity signs with."""
    keys = KeyFile(settings.jwks_file)
    return TokenVerifier(keys, settings.issuer, settings.audience, SystemClock())


async def _run(
    services: Sequence[Service], servers: Sequence[HttpServer], verifier: TokenVerifier
) -> None:
    _collect_garbage_seldom()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(service.run()) for service in services]
        tasks.append(group.create_task(_follow_revocations(services[0], verifier)))
        for server in servers:
            await server.start()
        log.info("started", services=[service.name for service in services], pid=os.getpid())
        await stopping.wait()
        for service in services:
            service.stopping.set()
        for server in servers:
            await server.stop()
        for task in tasks:
            task.cancel()
    for service in services:
        await service.close()
    log.info("stopped", services=[service.name for service in services])


def _collect_garbage_seldom() -> None:
    """What was imported lives for ever, and what a request makes is freed by its last reference:
    looking for cycles every 700 objects costs a tenth of the processor and finds nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


async def _follow_revocations(service: Service, verifier: TokenVerifier) -> None:
    def revoke(message: SessionRevoked) -> None:
        verifier.revoked.revoke(message.session_id, datetime.fromtimestamp(message.until, UTC))

    await follow(service.parts.transport, SessionRevoked, revoke, REVOCATIONS_SINCE_SECONDS)


async def _parts(settings: ServiceSettings, verifier: TokenVerifier) -> Parts:
    member = settings.member or f"{socket.gethostname()}-{os.getpid()}"
    return Parts(
        database=PostgresDatabase.of(settings),
        transport=open_transport(
            settings.broker_url,
            partitions=settings.partitions,
            member=f"{settings.service}-{member}",
            single_event_topics=frozenset(settings.single_event_topics),
        ),
        verifier=verifier,
        lane_limits=LaneLimits(
            batch_commands_max=settings.batch_commands_max,
            batch_bytes_max=settings.batch_bytes_max,
            queue_commands_max=settings.lane_queue_commands_max * 2,
            queue_requests_max=settings.lane_queue_commands_max,
        ),
    )
