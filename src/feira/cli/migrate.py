"""`feira migrate`."""

from collections.abc import Sequence

from feira.chassis.postgres.revisions import newest_revision, revision_of
from feira.runtime.environment import service_settings
from feira.runtime.registry import migrations_of


async def migrate(names: Sequence[str] | None) -> None:
    """Bring the databases to their newest revisions, one after the other (Alembic's way)."""
    for name, settings in service_settings(names).items():
        newest = newest_revision(migrations_of(name))
        if await revision_of(settings.database_url) != newest:
            # Loaded only when there is something to do: it is most of this command's time.
            from feira.chassis.postgres.migrations import migrate as migrate_database

            await migrate_database(settings.database_url, migrations_of(name))
        print(f"{name}: at revision {newest}")
