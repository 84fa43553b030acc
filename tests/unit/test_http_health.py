"""Liveness never asks anybody; readiness asks everybody, for a bounded time."""

import asyncio

import msgspec

from feira.chassis.http.health import liveness, readiness
from feira.kernel.errors import Unavailable


async def well() -> None:
    pass


async def ill() -> None:
    raise Unavailable("the database does not answer")


async def stuck() -> None:
    await asyncio.Event().wait()


def test_liveness_passes() -> None:
    answer = liveness()
    assert (answer.status, answer.content_type) == (200, "application/health+json")
    assert msgspec.json.decode(answer.body) == {"status": "pass"}


async def test_ready_when_every_part_is() -> None:
    answer = await readiness({"database": well, "broker": well})
    assert answer.status == 200
    assert msgspec.json.decode(answer.body)["status"] == "pass"


async def test_not_ready_when_one_part_is_not() -> None:
    answer = await readiness({"database": ill, "broker": well})
    assert answer.status == 503
    assert msgspec.json.decode(answer.body) == {
        "status": "fail",
        "checks": {"database": [{"status": "fail"}], "broker": [{"status": "pass"}]},
    }


async def test_a_part_that_never_answers_is_not_waited_for() -> None:
    answer = await asyncio.wait_for(readiness({"database": stuck}, timeout_seconds=0.01), 60)
    assert answer.status == 503


async def test_nothing_of_the_reason_is_told_to_the_asker() -> None:
    assert b"does not answer" not in (await readiness({"database": ill})).body
