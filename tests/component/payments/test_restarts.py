"""Processes that end at the worst moment: of the service, and of the provider."""

import asyncpg
import pytest

from feira.contracts.payments import PaymentCanceled, PaymentConfirmed
from feira.embedded.ports import free_port
from feira.services.payments.entrypoints.provider_desk import ProviderDesk
from tests.adapters import sandbox_world
from tests.adapters.sandbox_world import SandboxProcess
from tests.component.payments.conftest import Place, Saga, Shop, sandbox_of, until, url_of
from tests.eventually import eventually
from tests.unit.payments.world import AMOUNT_CENTS, cancel, request


async def rows_in(database: asyncpg.Pool, state: str) -> int:
    count: int = await database.fetchval("SELECT count(*) FROM payment WHERE state = $1", state)
    return count


async def test_a_crash_between_intent_and_call_is_found_after_the_restart(
    place: Place,
    sandbox: SandboxProcess,
    saga: Saga,
    database: asyncpg.Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(ProviderDesk, "take", lambda _self, _calls: None)
        async with place.service(url_of(sandbox)):
            await saga.say(*(request(n) for n in range(1, 6)), request(6), cancel(6))

            async def all_saved() -> bool:
                return (
                    await rows_in(database, "requested"),
                    await rows_in(database, "canceling"),
                ) == (5, 1)

            await eventually(all_saved)
    assert (await sandbox.client.get("/ledger/summary"))["charges"] == 0
    place.clock.skip(60)
    async with place.service(url_of(sandbox)) as service:
        shop = Shop(place, service, sandbox.client, saga, database)
        for order_id in range(1, 6):
            await shop.is_in(order_id, "captured")
        await saga.hears(PaymentCanceled(order_id=6, captured_cents=0, refunded_cents=0))
        await shop.check_books()
    assert (await sandbox.client.get("/ledger/summary"))["captures"] == 5


async def test_a_restart_while_charges_are_under_way_loses_and_doubles_nothing(
    place: Place, sandbox: SandboxProcess, saga: Saga, database: asyncpg.Pool
) -> None:
    await sandbox.client.control(latency_ms=300)
    orders = range(1, 101)
    async with place.service(url_of(sandbox)):
        await saga.say(*(request(n) for n in orders))

        async def some_are_charged() -> bool:
            return bool(await sandbox.client.get("/ledger"))

        await eventually(some_are_charged)
    await sandbox.client.control(latency_ms=0)
    place.clock.skip(60)
    async with place.service(url_of(sandbox)) as service:
        shop = Shop(place, service, sandbox.client, saga, database)
        await until(lambda: {m.key for m in saga.heard} == {str(n) for n in orders})
        assert {type(message) for message in saga.heard} == {PaymentConfirmed}
        await shop.check_books()
    assert (await sandbox.client.get("/ledger/summary"))["charges"] == 100


async def test_a_provider_that_is_killed_under_load_is_asked_when_it_is_back(
    place: Place, saga: Saga, database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, orders = free_port(), range(1, 401)
    monkeypatch.setattr(sandbox_world, "free_port", lambda: port)
    async with place.service(f"http://127.0.0.1:{port}") as service:
        async with sandbox_of(place) as sandbox:
            await sandbox.client.control(latency_ms=200)
            for start in range(1, 401, 40):
                await saga.say(*(request(n) for n in range(start, start + 40)))

            async def some_are_charged() -> bool:
                return bool(await sandbox.client.get("/ledger"))

            await eventually(some_are_charged)
            await sandbox.kill()
        async with sandbox_of(place) as sandbox:
            shop = Shop(place, service, sandbox.client, saga, database)

            async def all_are_told() -> bool:
                place.clock.skip(5)
                return {message.key for message in saga.heard} == {str(n) for n in orders}

            await eventually(all_are_told)
            assert {type(message) for message in saga.heard} == {PaymentConfirmed}
            await shop.check_books()
            summary = await sandbox.client.get("/ledger/summary")
    assert (summary["captures"], summary["captured_cents"]) == (400, 400 * AMOUNT_CENTS)
