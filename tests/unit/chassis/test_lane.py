"""The lane over a database in memory: batches, keys, poison, limits, and who waits too long."""

import asyncio
from typing import Any

import pytest

from feira.chassis import lane as lane_module
from feira.chassis.lane import Halted, LaneLimits
from feira.chassis.work import Answer, IdempotencyKey
from feira.kernel.errors import Overloaded, Rejected, Unavailable
from tests.unit.chassis.jars import ORIGIN, POISON, Process, PutSweets, messages_in, running


def sweets(jar_id: int, count: int = 1) -> PutSweets:
    return PutSweets(jar_id=jar_id, sweets=count)


async def test_what_piles_up_becomes_one_batch() -> None:
    commits: list[int] = []
    process = Process(on_commit=lambda: commits.append(1))
    asking = [asyncio.ensure_future(process.ask(sweets(1))) for _ in range(100)]
    await asyncio.sleep(0)
    async with running(process.lane.run()):
        assert await asyncio.gather(*asking) == list(range(1, 101))
    assert len(commits) == 1


async def test_a_batch_takes_so_many_commands_and_no_more() -> None:
    commits: list[int] = []
    process = Process(limits=LaneLimits(batch_commands_max=10), on_commit=lambda: commits.append(1))
    asking = [asyncio.ensure_future(process.ask(sweets(1))) for _ in range(25)]
    await asyncio.sleep(0)
    async with running(process.lane.run()):
        await asyncio.gather(*asking)
    assert len(commits) == 3


async def test_a_work_larger_than_a_batch_is_still_done() -> None:
    process = Process(limits=LaneLimits(batch_commands_max=2, batch_bytes_max=1))
    async with running(process.lane.run()):
        assert await process.deliver(*(sweets(1) for _ in range(5))) == [1, 2, 3, 4, 5]


async def test_several_commands_can_be_asked_at_once() -> None:
    process = Process()
    async with running(process.lane.run()):
        assert await process.lane.ask_all([sweets(1), sweets(2), sweets(1)], origin=ORIGIN) == [
            1,
            1,
            2,
        ]


async def test_of_several_commands_asked_at_once_a_broken_one_spares_the_others() -> None:
    """A provider's answers must not wait for one of them that nobody understands."""
    process = Process()
    asking = [
        asyncio.ensure_future(work)
        for work in (
            process.lane.ask_all([sweets(1), sweets(2), sweets(3, POISON)], origin=ORIGIN),
            process.ask(sweets(4)),
        )
    ]
    await asyncio.sleep(0)
    async with running(process.lane.run()):
        broken, other = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(broken, ZeroDivisionError)
    assert other == 1
    assert process.sweets == {1: 1, 2: 1, 4: 1}


async def test_messages_wait_for_room_and_requests_are_refused_first() -> None:
    process = Process(limits=LaneLimits(queue_commands_max=3, queue_requests_max=2))
    asking = [asyncio.ensure_future(process.ask(sweets(1))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refused:
        async with asyncio.timeout(60):  # nobody works the queue off: taken in, it would wait
            await process.ask(sweets(1))
    assert refused.value.retry_after_seconds >= 1
    first = asyncio.ensure_future(process.deliver(sweets(1)))
    second = asyncio.ensure_future(process.deliver(sweets(1)))
    await asyncio.sleep(0)
    assert process.lane.depth_commands == 3
    async with running(process.lane.run()):
        await asyncio.gather(*asking, first, second)
    assert process.sweets == {1: 4}
    assert process.lane.depth_commands == 0


async def test_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "WAITING_CHECK_SECONDS", 0.01)
    process = Process(limits=LaneLimits(answer_timeout_seconds=0.02))
    database = process.stop_database()  # the database does not answer
    async with running(process.lane.run()):
        with pytest.raises(Unavailable, match="did not answer in time"):
            await process.ask(sweets(1))
        database.started.set()
        assert await process.ask(sweets(1)) == 2  # it was done after all


async def test_a_batch_of_repeats_and_strangers_answers_each_as_it_deserves() -> None:
    process = Process()

    def key(name: str, fingerprint: bytes) -> IdempotencyKey:
        return IdempotencyKey("ana", name, fingerprint)

    asking = [
        asyncio.ensure_future(process.submit(sweets(1), of))
        for of in (
            key("a", b"one"),
            key("a", b"one"),
            key("a", b"other"),
            IdempotencyKey("bia", "a", b"other"),
            None,
        )
    ]
    await asyncio.sleep(0)
    async with running(process.lane.run()):
        first, repeat, stranger, bia, nobody = await asyncio.gather(*asking, return_exceptions=True)
        assert first == repeat == Answer(200, b"1")
        assert isinstance(stranger, Rejected)
        assert (bia, nobody) == (Answer(200, b"2"), Answer(200, b"3"))
        assert await process.submit(sweets(1), key("a", b"one")) == Answer(200, b"1")
        with pytest.raises(Rejected, match="idempotency_key_reused"):
            await process.submit(sweets(1), key("a", b"other"))
    assert process.sweets == {1: 3}
    assert len(messages_in(process.outbox)) == 3


async def test_a_keyed_request_that_breaks_keeps_its_key_free() -> None:
    process = Process()
    key = IdempotencyKey("ana", "a", b"one")
    async with running(process.lane.run()):
        with pytest.raises(ZeroDivisionError):
            await process.submit(sweets(1, POISON), key)
        assert await process.submit(sweets(1), key) == Answer(200, b"1")


async def test_a_poisoned_message_is_buried_as_it_came_and_the_others_pass() -> None:
    process = Process()
    asking = [
        asyncio.ensure_future(work)
        for work in (
            process.ask(sweets(1)),
            process.deliver(sweets(2), sweets(3, POISON), sweets(3), sweets(3)),
            process.ask(sweets(4, POISON)),
            process.deliver(sweets(5)),
        )
    ]
    await asyncio.sleep(0)
    async with running(process.lane.run()):
        first, _, broken, last = await asyncio.gather(*asking, return_exceptions=True)
    assert (first, last) == (1, [1])
    assert isinstance(broken, ZeroDivisionError)
    assert process.sweets == {1: 1, 2: 1, 3: 2, 5: 1}
    (letter,) = process.dead_letters
    assert (letter.message_id, letter.topic, letter.type) == (
        "message-1",
        "jars.commands",
        PutSweets.TYPE,
    )
    assert letter.body == b'{"jar_id":3,"sweets":666}'
    assert letter.error == "ZeroDivisionError: poison"


async def test_a_redelivered_envelope_does_nothing_and_says_so() -> None:
    process = Process()
    envelope_id = process.ids.uuid7()
    async with running(process.lane.run()):
        assert await process.deliver(sweets(1), envelope_id=envelope_id) == [1]
        assert await process.deliver(sweets(1), envelope_id=envelope_id) == []
        twice = [
            asyncio.ensure_future(process.deliver(sweets(2), envelope_id=other))
            for other in [process.ids.uuid7()] * 2
        ]
        await asyncio.gather(*twice)  # both in one batch
    assert process.sweets == {1: 1, 2: 1}


async def test_a_few_bad_messages_are_buried_even_when_they_are_most_of_a_batch() -> None:
    process = Process(limits=LaneLimits(failed_messages_halting_min=3))
    async with running(process.lane.run()):
        await process.deliver(sweets(1), sweets(2, POISON), sweets(3, POISON))
    assert process.sweets == {1: 1}
    assert len(process.dead_letters) == 2


async def test_copies_of_a_bad_message_are_one_bad_message() -> None:
    """A broker may deliver an envelope many times at once: that proves nothing about us."""
    process = Process(limits=LaneLimits(failed_messages_halting_min=3))
    envelope_id = process.ids.uuid7()
    copies = [
        asyncio.ensure_future(process.deliver(sweets(2, POISON), envelope_id=envelope_id))
        for _ in range(4)
    ]
    asking = asyncio.ensure_future(process.deliver(sweets(1)))
    await asyncio.sleep(0)
    async with running(process.lane.run()):
        assert await asyncio.gather(*copies) == [[]] * 4
        assert await asking == [1]
    assert process.sweets == {1: 1}
    assert len(process.dead_letters) == 1


async def test_a_halted_envelope_is_finished_when_it_comes_again() -> None:
    process = Process(limits=LaneLimits(failed_messages_halting_min=2))
    envelope_id = process.ids.uuid7()
    async with running(process.lane.run()):
        with pytest.raises(Halted):
            await process.deliver(
                sweets(1), sweets(2, POISON), sweets(3, POISON), envelope_id=envelope_id
            )
        assert process.sweets == {1: 1}
        assert not process.dead_letters
        await process.deliver(sweets(1), sweets(2), sweets(3), envelope_id=envelope_id)
    assert process.sweets == {1: 1, 2: 1, 3: 1}


async def test_poison_alone_in_its_batch_is_buried_but_not_without_end() -> None:
    process = Process(limits=LaneLimits(poisoned_batches_max=3))
    async with running(process.lane.run()):
        for _ in range(3):
            await process.deliver(sweets(1, POISON))
        with pytest.raises(Halted):
            await process.deliver(sweets(1, POISON))
        assert len(process.dead_letters) == 3
        await process.deliver(sweets(1))  # the spell is broken
        await process.deliver(sweets(1, POISON))
    assert len(process.dead_letters) == 4


async def test_a_use_case_that_forgets_an_outcome_is_found_out() -> None:
    process = Process()

    class Forgotten:
        pass

    async def forget(_commands: Any, _uow: Any) -> list[Any]:
        return []

    process.lane._runner._use_cases = {Forgotten: forget}
    async with running(process.lane.run()):
        with pytest.raises(AssertionError, match="answered 0 of 1 commands"):
            await process.ask(Forgotten())


async def test_a_lane_that_is_stopped_leaves_nothing_half_done() -> None:
    process = Process()
    database = process.stop_database()
    async with running(process.lane.run()):
        asking = asyncio.ensure_future(process.ask(sweets(1)))
        await asyncio.sleep(0.01)
    database.started.set()
    assert process.sweets == {}
    assert not process.database.chassis.inbox
    asking.cancel()


async def test_what_passes_beside_poison_keeps_its_order() -> None:
    process = Process()
    counts = [1, 2, 3, POISON, 5, 6, 7, 8]
    async with running(process.lane.run()):
        await process.deliver(*(sweets(1, count) for count in counts))
    totals = [data["sweets"] for _, data in messages_in(process.outbox)]
    assert totals == [1, 3, 6, 11, 17, 24, 32]
