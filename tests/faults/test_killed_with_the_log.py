"""The log as outbox (`FEIRA_RELAY=cdc`, ADR 0014): all is killed, and slots are dropped."""

import asyncio
import os
import signal
from typing import Final

import asyncpg
import pytest

from feira.chassis.postgres.log_stream import PUBLICATION
from feira.runtime.registry import SERVICES
from tests.eventually import eventually
from tests.faults.rush import END_TIMEOUT_SECONDS, ORDERS, Rush
from tests.shop import BROKER, RunningShop

TEST_TIMEOUT_SECONDS = 300
TERMINATION_MS_MAX: Final = 30_000

FOLLOWED: Final = "SELECT database FROM pg_replication_slots WHERE active"
CUT_OFF: Final = f"""
SELECT pg_terminate_backend(active_pid, {TERMINATION_MS_MAX}) FROM pg_replication_slots
WHERE database = current_database() AND active
"""
UNCONFIRMED: Final = """
SELECT count(*) FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL,
    'proto_version', '1', 'publication_names', $2, 'messages', 'true')
WHERE get_byte(data, 0) = ascii('M')
"""
SAID_AGAIN: Final = '"event":"broker_lost_its_data"'
DROP: Final = "SELECT pg_drop_replication_slot($1)"


@pytest.fixture(scope="module")
def shop_settings() -> dict[str, str]:
    return {"FEIRA_PROCESSES": ";".join(SERVICES), "FEIRA_RELAY": "cdc"}


async def test_every_process_is_killed_in_one_run(shop: RunningShop, rush: Rush) -> None:
    """Database and broker among them: each relay finds its place in the log again."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.outlives_all(shop)
        await until_every_log_is_followed(shop)


async def test_slots_are_dropped_with_what_the_broker_has_not(
    shop: RunningShop, rush: Rush
) -> None:
    """The broker stands still, so that the log alone has what is said; then nobody has it. What
    is said again meets another death of the database."""
    async with asyncio.timeout(TEST_TIMEOUT_SECONDS):
        await rush.reached(ORDERS // 5)
        os.kill(shop.pid_of(BROKER), signal.SIGSTOP)
        try:
            await rush.reached(ORDERS // 2)
            said_again = {service: times_said_again(shop, service) for service in SERVICES}
            lost = {service: await drop_slot(shop, service) for service in SERVICES}
        finally:
            os.kill(shop.pid_of(BROKER), signal.SIGCONT)
        assert lost["orders"] > 0, lost
        await rush.reached(ORDERS * 2 // 3)
        shop.kill_part("postgres")
        await rush.ends_well()
        await until_every_log_is_followed(shop)
        for service, times in said_again.items():
            assert times_said_again(shop, service) > times, f"{service} has not noticed"


def times_said_again(shop: RunningShop, service: str) -> int:
    """How often a service has told again what still mattered: in the end its sagas and sweepers
    would have got there by themselves, after minutes."""
    return (shop.data_dir / "log" / f"{service}.log").read_text().count(SAID_AGAIN)


async def drop_slot(shop: RunningShop, service: str) -> int:
    """How many envelopes were in it that nobody will ever get."""
    slot = f"feira_{service}"

    async def lost() -> list[int]:
        async with shop.database(service) as database:
            await database.execute(CUT_OFF)
            try:
                envelopes = await database.fetchval(UNCONFIRMED, slot, PUBLICATION)
                await database.execute(DROP, slot)
            except asyncpg.ObjectInUseError:  # its relay was quicker
                return []
        return [int(envelopes)]

    [envelopes] = await eventually(lost, END_TIMEOUT_SECONDS, f"{slot} is dropped")
    return envelopes


async def until_every_log_is_followed(shop: RunningShop) -> None:
    async def followed() -> bool:
        async with shop.database("orders") as database:
            found = {row["database"] for row in await database.fetch(FOLLOWED)}
        assert found == set(SERVICES), found
        return True

    await eventually(followed, END_TIMEOUT_SECONDS, "every service's log is followed")
