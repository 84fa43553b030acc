"""`feira rebuild`: make a service's read models anew, and compare."""

import os
from typing import Final

from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.database import PostgresDatabase
from feira.chassis.postgres.read_models import Copy, Difference, ReadModel
from feira.chassis.settings import ServiceSettings
from feira.chassis.transports.opening import open_transport
from feira.kernel.clock import SystemClock
from feira.kernel.ids import Ids
from feira.runtime.environment import service_settings
from feira.runtime.rebuilding import Rebuilding, Rebuilt
from feira.runtime.registry import read_models_of

SHOWN_MAX: Final = 20


async def rebuild(service: str, *, apply: bool) -> int:
    """Returns 1 when a table is wrong (and stays so: without `apply`, or in spite of it)."""
    settings = service_settings([service])[service]
    models = read_models_of(service)
    if not models:
        print(f"{service} keeps no copy of what others tell")
    results = [await _rebuild(settings, model, apply=apply) for model in models]
    return 0 if all(results) else 1


async def _rebuild(settings: ServiceSettings, model: ReadModel, *, apply: bool) -> bool:
    clock = SystemClock()
    transport = open_transport(
        settings.broker_url, partitions=settings.partitions, member=f"rebuild-{os.getpid()}"
    )
    real = await connect(settings.database_url, f"feira-{settings.service}-rebuild")
    shadow = await connect(settings.database_url, f"feira-{settings.service}-shadow")
    store = PostgresDatabase.of(settings).store(
        f"{settings.service}-rebuild",
        model.make_uow(),
        ids=Ids(clock),
        clock=clock,
        partitions=settings.partitions,
    )
    try:
        copies = Copy(model, real, clock), Copy(model, shadow, clock)
        found, mended = await Rebuilding(model, *copies, store, transport, clock).run(apply=apply)
    finally:
        await store.close()
        await real.close()
        await shadow.close()
        await transport.close()
    show(settings.service, found)
    if mended:
        print(f"{len(found.wrong) - len(mended.wrong)} rows mended")
        show(settings.service, mended)
    return not (mended or found).wrong


def show(service: str, rebuilt: Rebuilt) -> None:
    verdict = f"{len(rebuilt.wrong)} rows of it are wrong" if rebuilt.wrong else "it is the same"
    print(f"{service}, {rebuilt.name}: {rebuilt.rows} rows made anew beside the table; {verdict}")
    print(f"    found   {rebuilt.found_hash}\n    rebuilt {rebuilt.rebuilt_hash}")
    for difference in rebuilt.wrong[:SHOWN_MAX]:
        print(f"    {difference.key}: {_of(difference)}")
    if len(rebuilt.wrong) > SHOWN_MAX:
        print(f"    and {len(rebuilt.wrong) - SHOWN_MAX} more")


def _of(difference: Difference) -> str:
    return f"is {difference.found or 'missing'}, should be {difference.rebuilt or 'absent'}"
