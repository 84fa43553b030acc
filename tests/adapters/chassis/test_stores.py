"""Stores: transactions that happen wholly or not at all, and claims that are made once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from feira.chassis.store import Contention, DeadLetter
from feira.chassis.work import Answer, IdempotencyKey
from feira.kernel.errors import Unavailable
from feira.kernel.ids import WORKERS_MAX, Ids, uuid7
from tests.adapters.chassis.stores import Place, in_memory, in_postgres
from tests.eventually import eventually
from tests.postgres import PostgresServer
from tests.unit.chassis.jars import messages_in


@pytest.fixture
async def postgres_place(postgres_server: PostgresServer) -> AsyncIterator[Place]:
    place = in_postgres(await postgres_server.fresh_database("orders"))
    yield place
    await place.close()


@pytest.fixture(params=["memory", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        return in_memory()
    found: Place = request.getfixturevalue("postgres_place")
    return found


KEY = IdempotencyKey("ana", "checkout-1", b"fingerprint")
LETTER = DeadLetter("m-1", "jars.commands", "feira.jars.put_sweets.v1", b"\x00\xff", "Bug: no")


async def test_what_is_saved_is_there_after_the_commit(place: Place) -> None:
    store, marker = place.store(), uuid7()
    async with store.begin() as transaction:
        await transaction.inbox.claim(marker, [])
        transaction.uow.say(1, 2)
        await transaction.save()
        await transaction.inbox.remember([(KEY, Answer(201, b"{}", "application/json"))])
        await transaction.inbox.bury([LETTER])
        uow = transaction.uow
    assert uow.is_committed
    assert await store.committed(marker)
    row_ids, envelopes, age_seconds = await place.reader().unpublished(10)
    assert [data["sweets"] for _, data in messages_in(envelopes)] == [1, 2]
    assert len(row_ids) == 1
    assert 0 <= age_seconds < 60
    assert await place.dead_letters() == [
        ("m-1", "jars.commands", "feira.jars.put_sweets.v1", b"\x00\xff", "Bug: no")
    ]
    async with store.begin() as transaction:
        stored = (await transaction.inbox.answers([KEY]))["ana", "checkout-1"]
        assert stored.fingerprint == b"fingerprint"
        assert stored.answer == Answer(201, b"{}", "application/json")


async def test_a_transaction_that_raises_never_was(place: Place) -> None:
    store, marker, envelope_id = place.store(), uuid7(), uuid7()
    units_of_work = []

    async def fail() -> None:
        async with store.begin() as transaction:
            units_of_work.append(transaction.uow)
            await transaction.inbox.claim(marker, [envelope_id])
            transaction.uow.say(1)
            await transaction.save()
            await transaction.inbox.remember([(KEY, Answer(201))])
            await transaction.inbox.bury([LETTER])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not units_of_work[0].is_committed
    assert not await store.committed(marker)
    assert (await place.reader().unpublished(10))[:2] == ([], [])
    assert await place.dead_letters() == []
    async with store.begin() as transaction:
        assert envelope_id in await transaction.inbox.claim(uuid7(), [envelope_id])
        assert await transaction.inbox.answers([KEY]) == {}


async def test_a_cancelled_transaction_never_was_either(place: Place) -> None:
    store, marker = place.store(), uuid7()
    begun = asyncio.Event()

    async def wait_for_ever() -> None:
        async with store.begin() as transaction:
            await transaction.inbox.claim(marker, [])
            begun.set()
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait_for_ever())
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not await store.committed(marker)


async def test_an_envelope_is_claimed_once(place: Place) -> None:
    store, other = place.store(), place.store()
    first, second = uuid7(), uuid7()
    async with store.begin() as transaction:
        assert dict(await transaction.inbox.claim(uuid7(), [first])) == {first: set()}
    async with other.begin() as transaction:
        assert (await transaction.inbox.claim(uuid7(), [first, second])).keys() == {second}
    async with store.begin() as transaction:
        assert dict(await transaction.inbox.claim(uuid7(), [first, second])) == {}


async def test_parts_are_claimed_once_and_the_envelope_knows_them(place: Place) -> None:
    store, envelope_id = place.store(), uuid7()
    async with store.begin() as transaction:
        new = await transaction.inbox.claim_parts(uuid7(), [(envelope_id, 0), (envelope_id, 2)])
        assert set(new) == {(envelope_id, 0), (envelope_id, 2)}
    async with store.begin() as transaction:
        new = await transaction.inbox.claim_parts(uuid7(), [(envelope_id, 1), (envelope_id, 2)])
        assert set(new) == {(envelope_id, 1)}
    async with store.begin() as transaction:
        claimed = await transaction.inbox.claim(uuid7(), [envelope_id])
        assert {key: set(at) for key, at in claimed.items()} == {envelope_id: {0, 1, 2}}
    async with store.begin() as transaction:
        parts = [(envelope_id, 3)]
        assert not await transaction.inbox.claim_parts(uuid7(), parts)  # the whole is handled


async def test_a_key_is_answered_once(place: Place) -> None:
    store = place.store()
    async with store.begin() as transaction:
        await transaction.inbox.remember([(KEY, Answer(201, b"first"))])
        await transaction.inbox.remember([])
    with pytest.raises(Contention):
        async with store.begin() as transaction:
            await transaction.inbox.remember([(KEY, Answer(201, b"second"))])
    async with store.begin() as transaction:
        found = await transaction.inbox.answers([KEY, IdempotencyKey("bia", "checkout-1", b"")])
        assert {place: stored.answer.body for place, stored in found.items()} == {
            ("ana", "checkout-1"): b"first"
        }


async def test_processes_lease_different_workers_and_give_them_back(place: Place) -> None:
    async def worker_of_a_new_process() -> int:
        ids = Ids()
        async with place.store(ids).begin():
            return ids.worker

    workers = [await worker_of_a_new_process() for _ in range(3)]
    assert len(set(workers)) == 3


async def test_there_are_no_more_workers_than_numbers(place: Place) -> None:
    for _ in range(WORKERS_MAX):
        async with place.store().begin():
            pass
    with pytest.raises(Unavailable, match="workers of orders are taken"):
        async with place.store().begin():
            pass


# --- the relay's view ----------------------------------------------------------------------------


async def commit(place: Place, *counts: int) -> None:
    store = place.store()
    for count in counts:
        async with store.begin() as transaction:
            transaction.uow.say(count)
            await transaction.save()


async def test_the_outbox_is_read_in_order_and_emptied(place: Place) -> None:
    await commit(place, 1, 2, 3, 4)
    reader = place.reader()
    row_ids, envelopes, _ = await reader.unpublished(3)
    assert [data["sweets"] for _, data in messages_in(envelopes)] == [1, 2, 3]
    await reader.delete(row_ids)
    row_ids, envelopes, _ = await reader.unpublished(3)
    assert [data["sweets"] for _, data in messages_in(envelopes)] == [4]
    await reader.delete(row_ids)
    assert await reader.unpublished(3) == ([], [], 0.0)


async def test_one_reader_leads_until_it_is_gone(place: Place) -> None:
    first, second = place.reader(), place.reader()
    assert await first.lead()
    assert await first.lead()
    assert not await second.lead()
    await first.close()  # type: ignore[attr-defined]

    async def takes_over() -> bool:
        return await second.lead()

    await eventually(takes_over)


async def test_the_brokers_epoch_is_remembered(place: Place) -> None:
    assert await place.reader().known_epoch() is None
    for epoch in ("first", "second", "second"):
        await place.reader().remember_epoch(epoch)
        assert await place.reader().known_epoch() == epoch
