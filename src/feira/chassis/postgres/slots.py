"""The slot that keeps PostgreSQL's log for a service until the broker has what it says."""

from dataclasses import dataclass
from typing import Final

import structlog

from feira.chassis.postgres.connection import Connection
from feira.chassis.postgres.errors import translated
from feira.chassis.postgres.log_stream import PUBLICATION
from feira.chassis.postgres.outbox_reader import REMEMBER_EPOCH
from feira.kernel.errors import Misconfigured

log = structlog.get_logger(__name__)

# Slots belong to the whole server, so their names tell the database too.
SLOT_NAME: Final = """
SELECT 'feira_' || regexp_replace(lower(current_database()), '[^a-z0-9_]', '_', 'g')
"""
STATE: Final = """
SELECT coalesce(wal_status, 'lost') = 'lost', active,
    pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint,
    pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint
FROM pg_replication_slots WHERE slot_name = $1
"""
ABLE: Final = """
SELECT current_setting('wal_level') = 'logical', rolreplication OR rolsuper
FROM pg_roles WHERE rolname = current_user
"""
PUBLICATION_EXISTS: Final = "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)"
CREATE_PUBLICATION: Final = f"CREATE PUBLICATION {PUBLICATION}"
CREATE: Final = "SELECT pg_create_logical_replication_slot($1, 'pgoutput')"
DROP: Final = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
WHERE slot_name = $1 AND NOT active
"""
LOST_EPOCH: Final = "the log was lost"
"""Remembered in the place of the broker's epoch, so that all that still matters is said again."""


@dataclass(frozen=True, slots=True)
class SlotState:
    lost: bool
    """PostgreSQL could not keep the log any longer (`max_slot_wal_keep_size`)."""
    active: bool
    """Somebody reads it."""
    unconfirmed_bytes: int
    """Of the log, from what was last confirmed to its end."""
    kept_bytes: int
    """Of the log, that PostgreSQL keeps for this slot."""


async def slot_name(connection: Connection) -> str:
    async with translated():
        return str(await connection.fetchval(SLOT_NAME))


async def state_of(connection: Connection, slot: str) -> SlotState | None:
    """None when there is no such slot. Raises `Unavailable`."""
    async with translated():
        row = await connection.fetchrow(STATE, slot)
    return SlotState(row[0], row[1], row[2] or 0, row[3] or 0) if row else None


async def make_slot(connection: Connection, slot: str) -> None:
    """A new slot in the place of none, or of a lost one; what was said before it is said again.

    First it is noted that something may be lost, then the slot is made, and only then the relay
    looks at the note: a crash anywhere between leaves the note behind.
    Raises `Unavailable`, and `Misconfigured` when this database can have no slot.
    """
    async with translated():
        await _check_able(connection)
        await connection.execute(REMEMBER_EPOCH, LOST_EPOCH)
        if not await connection.fetchval(PUBLICATION_EXISTS, PUBLICATION):
            await connection.execute(CREATE_PUBLICATION)
        await connection.execute(DROP, slot)
        await connection.execute(CREATE, slot)
    log.warning("slot_made", slot=slot)


async def give_up_slot(connection: Connection) -> None:
    """When a service no longer reads the log: what it says unread is said again another way."""
    slot = await slot_name(connection)
    state = await state_of(connection, slot)
    if state is None or state.active:
        return
    async with translated():
        await connection.execute(REMEMBER_EPOCH, LOST_EPOCH)
        await connection.execute(DROP, slot)
    log.warning("slot_given_up", slot=slot, unconfirmed_bytes=state.unconfirmed_bytes)


async def _check_able(connection: Connection) -> None:
    row = await connection.fetchrow(ABLE)
    assert row is not None
    if not row[0]:
        raise Misconfigured("FEIRA_RELAY=cdc needs a PostgreSQL with wal_level = logical")
    if not row[1]:
        raise Misconfigured("FEIRA_RELAY=cdc needs a role with REPLICATION (ALTER ROLE ...)")
