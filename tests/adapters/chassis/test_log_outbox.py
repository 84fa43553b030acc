"""Following the database's log: what is confirmed when, and what a lost slot costs."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY

from feira.chassis import relay as relay_module
from feira.chassis.postgres import log_reader as log_reader_module
from feira.chassis.postgres import log_stream as log_stream_module
from feira.chassis.postgres.connection import connect
from feira.chassis.postgres.log_outbox import pack, unpack
from feira.chassis.postgres.log_stream import LogStream
from feira.chassis.postgres.slots import LOST_EPOCH, make_slot, slot_name
from feira.chassis.transports.port import Envelope
from feira.kernel.errors import Misconfigured, Unavailable
from tests.adapters.chassis.relaying import DROP_SLOTS, Relaying, a_moment
from tests.eventually import eventually
from tests.postgres import PostgresServer

POSITION = """
SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE database = current_database()
"""
END_STREAMS = """
SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots
WHERE database = current_database() AND active_pid IS NOT NULL
"""
BREAK_OFF = "SELECT pg_terminate_backend(pg_backend_pid())"
RELAYS_CONNECTION = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'feira-orders-relay'
"""
OTHERS_LOG = "SELECT pg_logical_emit_message(false, 'others', repeat('x', 100000), true)"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(relay_module, "EPOCH_CHECK_SECONDS", 0.01)
    monkeypatch.setattr(relay_module, "RETRY_WAIT_SECONDS_MAX", 0.02)
    monkeypatch.setattr(log_reader_module, "WATCH_SECONDS", 0.05)


@pytest.fixture
async def world(postgres_server: PostgresServer) -> AsyncIterator[Relaying]:
    world = Relaying(await postgres_server.fresh_database("orders"), "cdc")
    yield world
    await world.close()


def test_an_envelope_survives_the_log() -> None:
    envelope = Envelope(uuid4(), "orders.events", 255, b"\x00[]\xff", 500)
    assert unpack(pack(envelope)) == envelope


@pytest.mark.parametrize("message", [b"", b"\x01short", b"\x02" + b"x" * 40])
def test_what_is_no_envelope_is_said_to_be_none(message: bytes) -> None:
    with pytest.raises(ValueError, match="not an envelope"):
        unpack(message)


async def test_nothing_is_written_into_the_table(world: Relaying) -> None:
    async with world.relaying():
        world.broker.is_down = True
        await world.commit(1, 2)
        assert await world.fetch("SELECT FROM outbox") == []
        world.broker.is_down = False
        await world.published(1, 2)


async def test_the_log_is_kept_until_the_broker_has_confirmed(world: Relaying) -> None:
    async with world.relaying():
        world.broker.is_down = True
        await world.commit(1, 2)
        written = await log_end(world)
        await a_moment()
        assert await position(world) < written, "all of it may be needed again"
        world.broker.is_down = False
        await world.published(1, 2)

        async def confirmed() -> bool:
            return await position(world) >= written

        await eventually(confirmed)


async def test_a_connection_that_breaks_while_it_watches_is_opened_again(
    world: Relaying, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.relaying():
        before = await world.fetch(RELAYS_CONNECTION)

        async def is_another() -> bool:
            return await world.fetch(RELAYS_CONNECTION) not in ([], before)

        with monkeypatch.context() as patched:
            patched.setattr(log_reader_module, "ANY_ROWS", BREAK_OFF)
            await eventually(is_another)
        await world.commit(1)
        await world.published(1)


async def test_what_others_log_is_not_kept_for_us(world: Relaying) -> None:
    """A slot would else pin the log of the whole server while its own service is silent."""
    async with world.relaying():
        before = await position(world)
        await world.fetch(OTHERS_LOG)

        async def passed() -> bool:
            return await position(world) - before > 100_000

        await eventually(passed)
    assert world.broker.order == []


async def test_how_far_behind_the_relay_is_can_be_seen(world: Relaying) -> None:
    async with world.relaying():
        world.broker.is_down = True
        async with world.store.begin() as transaction:
            transaction.uow.say(*range(2_000))
            await transaction.save()

        async def seen() -> bool:
            return gauge("feira_relay_slot_lag_bytes") > 100_000

        await eventually(seen)
        assert gauge("feira_relay_slot_kept_bytes") >= gauge("feira_relay_slot_lag_bytes")
        world.broker.is_down = False

        async def caught_up() -> bool:
            return gauge("feira_relay_slot_lag_bytes") < 10_000

        await eventually(caught_up)


async def test_a_stream_takes_no_more_than_it_may(
    world: Relaying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest waits in the log; a broker that is away does not fill our memory."""
    monkeypatch.setattr(log_stream_module, "WAITING_ENVELOPES_MAX", 5)
    async with world.relaying() as relay:
        world.broker.is_down = True
        await world.commit(*range(1, 31))
        stream = relay._outbox._stream  # type: ignore[attr-defined]

        async def is_full() -> bool:
            return len(stream.waiting(1_000)) == 5

        await eventually(is_full)
        await a_moment()
        assert await is_full()
        world.broker.is_down = False
        await world.published(*range(1, 31))


async def test_a_log_that_cannot_be_followed_is_waited_for(world: Relaying) -> None:
    """The slot is not there, or another has it: that is trouble, which the relay outlasts."""
    with pytest.raises(Unavailable, match="the log cannot be read"):
        await LogStream.open(world.dsn, "orders", "feira_no_such_slot", on_more=lambda: None)


async def opened(world: Relaying) -> LogStream:
    connection = await connect(world.dsn, "test")
    slot = await slot_name(connection)
    await make_slot(connection, slot)
    await connection.close()
    return await LogStream.open(world.dsn, "orders", slot, on_more=lambda: None)


async def test_what_the_socket_wakes_nobody_for_is_read_with_the_next_report(
    world: Relaying,
) -> None:
    """The client library may have taken it off the socket when the stream began: found by a
    torture, where a full disk's error came at once, and the relay waited for ever."""
    stream = await opened(world)
    asyncio.get_running_loop().remove_reader(stream._socket)
    await world.commit(1)

    async def came() -> bool:
        stream.report()
        return len(stream.waiting(1)) == 1

    await eventually(came)
    await world.fetch(END_STREAMS)

    async def lost() -> bool:
        stream.report()
        try:
            stream.waiting(1)
        except Unavailable:
            return True
        return False

    await eventually(lost)
    stream.close()


async def test_a_stream_that_cannot_report_is_given_up(world: Relaying) -> None:
    stream = await opened(world)
    assert stream.waiting(1) == []
    stream.close()
    stream.report()
    with pytest.raises(Unavailable, match="the log cannot be read"):
        stream.waiting(1)


# --- slots that are lost -------------------------------------------------------------------------


async def test_the_first_slot_is_made_and_what_matters_is_said(world: Relaying) -> None:
    assert await world.slot() is None
    async with world.relaying():
        assert (await world.slot())["plugin"] == "pgoutput"
    await world.lost(1)


async def test_a_slot_that_is_gone_is_noticed_and_what_matters_is_said_again(
    world: Relaying,
) -> None:
    """As after a failover to a server that did not know it, or a restored backup."""
    async with world.relaying():
        pass
    await until_idle(world)
    await world.fetch(DROP_SLOTS)
    await world.commit(1)  # nobody will ever read it
    async with world.relaying():
        await world.lost(2)
        await world.commit(2)
        await world.published(2)


async def test_a_slot_that_held_too_much_is_lost_and_healed(
    world: Relaying, postgres_server: PostgresServer
) -> None:
    """`max_slot_wal_keep_size`: the disk is worth more than a slot, since the sagas know it all."""
    async with world.relaying():
        pass
    await until_idle(world)
    await world.commit(1)
    await world.fetch("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
    try:
        await world.fetch("SELECT pg_reload_conf()")
        for _ in range(3):
            await world.fetch("SELECT pg_logical_emit_message(false, 'others', 'x', true)")
            await world.fetch("SELECT pg_switch_wal()")
        await world.fetch("CHECKPOINT")
        assert (await world.slot())["wal_status"] == "lost"
    finally:
        await world.fetch("ALTER SYSTEM RESET max_slot_wal_keep_size")
        await world.fetch("SELECT pg_reload_conf()")
    async with world.relaying():
        await world.lost(2)
        assert (await world.slot())["wal_status"] != "lost"
        await world.commit(2)
        await world.published(2)


async def test_a_crash_while_a_slot_is_made_leaves_the_note_that_something_may_be_lost(
    world: Relaying,
) -> None:
    connection = await connect(world.dsn, "test")
    await make_slot(connection, f"feira_{await connection.fetchval('SELECT current_database()')}")
    await connection.close()
    assert (await world.fetch("SELECT epoch FROM broker_epoch"))[0][0] == LOST_EPOCH
    async with world.relaying():
        pass
    await world.lost(1)


# --- from one way to the other -------------------------------------------------------------------


async def test_what_waits_in_the_table_goes_first(world: Relaying) -> None:
    world.use("poll")
    await world.commit(1, 2, 3)
    world.use("cdc")
    async with world.relaying():
        await world.commit(4)
        await world.published(1, 2, 3, 4)


async def test_a_poller_gives_the_slot_up_and_says_again_what_it_held(world: Relaying) -> None:
    async with world.relaying():
        pass
    await until_idle(world)
    await world.commit(1)
    world.use("poll")
    async with world.relaying():
        await world.lost(2)
        assert await world.slot() is None
        await world.commit(2)
        await world.published(2)


async def test_a_role_that_may_not_read_the_log_is_told_so(
    world: Relaying, postgres_server: PostgresServer
) -> None:
    await world.fetch("CREATE ROLE nobody_special NOREPLICATION")
    connection = await asyncpg.connect(world.dsn)
    try:
        await connection.execute("SET ROLE nobody_special")
        with pytest.raises(Misconfigured, match="REPLICATION"):
            await make_slot(connection, "feira_nothing")
    finally:
        await connection.close()
        await world.fetch("DROP ROLE nobody_special")


async def position(world: Relaying) -> int:
    return int((await world.fetch(POSITION))[0][0])


async def log_end(world: Relaying) -> int:
    """Where the server's log ends now."""
    return int((await world.fetch("SELECT pg_current_wal_insert_lsn() - '0/0'"))[0][0])


async def until_idle(world: Relaying) -> None:
    async def idle() -> bool:
        return not (await world.slot())["active"]

    await eventually(idle)


def gauge(name: str) -> float:
    return REGISTRY.get_sample_value(name, {"service": "orders"}) or 0.0
