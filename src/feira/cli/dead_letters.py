"""`feira dead-letters`."""

from collections.abc import Sequence

from feira.chassis.postgres.dead_letters import list_dead_letters, redrive
from feira.chassis.postgres.reading import Reader
from feira.kernel.clock import SystemClock
from feira.runtime.environment import service_settings


async def list_all(names: Sequence[str] | None, *, also_redriven: bool) -> None:
    for name, settings in service_settings(names).items():
        reader = Reader(settings.database_url, f"{name}-cli")
        async with reader.connection() as connection:
            letters = await list_dead_letters(connection, also_redriven=also_redriven)
        await reader.close()
        for letter in letters:
            again = f" (sent again {letter.redriven_at:%F %T})" if letter.redriven_at else ""
            print(f"{name} {letter.id} {letter.buried_at:%F %T} {letter.type}{again}")
            print(f"    {letter.error}\n    {letter.body[:200]}")
        if not letters:
            print(f"{name}: no dead letters")


async def redrive_one(service: str, letter_id: int) -> int:
    settings = service_settings([service])[service]
    refused = await redrive(settings.database_url, service, letter_id, SystemClock())
    if refused is not None:
        print(refused.detail)
        return 1
    print(f"{service} {letter_id}: sent again")
    return 0
