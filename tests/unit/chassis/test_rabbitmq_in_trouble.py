"""RabbitMQ in trouble: nobody listens, or nothing is answered, and the caller is told in time."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from pika.adapters.asyncio_connection import AsyncioConnection

from feira.chassis.transports import amqp_link
from feira.chassis.transports.amqp_broadcast import AmqpBroadcastSubscription
from feira.chassis.transports.amqp_group import AmqpGroupSubscription, _Held
from feira.chassis.transports.amqp_link import AmqpChannel, AmqpLink
from feira.chassis.transports.amqp_settings import AmqpLimits
from feira.chassis.transports.amqp_streams import AmqpStreams
from feira.kernel.clock import SystemClock
from feira.kernel.errors import Unavailable

URL = "amqp://127.0.0.1:1/%2F"
LIMITS = AmqpLimits(command_timeout_seconds=0.02)


class SilentConnection:
    """A connection of pika's whose other side says nothing; `opens` makes an exception of that."""

    opens = False
    is_open = True
    is_closed = is_closing = False

    def __init__(
        self, _parameters: Any, on_open_callback: Callable[[Any], None], **_others: Any
    ) -> None:
        if self.opens:
            on_open_callback(self)

    def channel(self, **_callbacks: Any) -> "SilentConnection":
        return self

    def add_on_close_callback(self, _call: Any) -> None:
        pass

    add_on_cancel_callback = add_on_close_callback

    def close(self) -> None:
        self.is_open = False


class KnownStreams:
    """Streams that are all there."""

    doubts = 0

    async def epoch(self) -> str:
        return "epoch"

    async def ensure(self, _topics: Any) -> None:
        pass

    def doubt(self) -> None:
        self.doubts += 1

    def stream_of(self, topic: str, partition: int) -> str:
        return f"{topic}.{partition}"


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> type[SilentConnection]:
    class Silent(SilentConnection):
        pass

    monkeypatch.setattr(amqp_link, "AsyncioConnection", Silent)
    return Silent


async def test_a_connection_that_does_not_come_about_is_given_up(
    silent: type[SilentConnection],
) -> None:
    link = AmqpLink(URL, LIMITS, "link")
    with pytest.raises(Unavailable, match="no connection in time"):
        await link.open()
    assert not link.is_open


async def test_a_channel_that_is_not_opened_is_given_up(silent: type[SilentConnection]) -> None:
    silent.opens = True
    link = AmqpLink(URL, LIMITS, "link")
    await link.open()
    with pytest.raises(Unavailable, match="no answer in time"):
        await link.channel()


async def test_a_farewell_without_an_answer_is_one(silent: type[SilentConnection]) -> None:
    silent.opens = True
    link = AmqpLink(URL, LIMITS, "link")
    await link.open()
    async with asyncio.timeout(60):
        await link.close()
    assert not link.is_open
    with pytest.raises(Unavailable, match="closed"):
        await link.channel()


async def test_a_ledger_that_is_not_told_is_given_up() -> None:
    streams = AmqpStreams(URL, LIMITS, 1, "member")
    with pytest.raises(Unavailable, match="ledger cannot be read in time"):
        await streams._until(asyncio.Event())


def broadcast(known: KnownStreams, limits: AmqpLimits) -> AmqpBroadcastSubscription:
    return AmqpBroadcastSubscription(
        topics=["jars"],
        since_seconds=0,
        partitions=1,
        member="member",
        url=URL,
        limits=limits,
        streams=cast("AmqpStreams", known),
        clock=SystemClock(),
    )


async def test_a_broadcast_that_cannot_begin_begins_anew_the_next_time(
    silent: type[SilentConnection],
) -> None:
    known = KnownStreams()
    reader = broadcast(known, LIMITS)
    for times in (1, 2):
        with pytest.raises(Unavailable, match="no connection in time"):
            await reader.receive()
        assert known.doubts == times
    await reader.close()


async def test_a_broadcast_in_which_nothing_is_said_brings_nothing() -> None:
    reader = broadcast(KnownStreams(), AmqpLimits(receive_wait_seconds=0.01))
    reader._epoch, reader._link = "epoch", AmqpLink(URL, LIMITS, "link")
    assert await reader.receive() == []
    await reader.close()


async def test_who_cannot_go_back_joins_anew(silent: type[SilentConnection]) -> None:
    """Which begins at the cursors, too."""
    silent.opens = True
    known = KnownStreams()
    group = AmqpGroupSubscription(
        group="g",
        topics=["jars"],
        member="member",
        partitions=1,
        url=URL,
        limits=LIMITS,
        streams=cast("AmqpStreams", known),
    )
    group._held["jars", 0] = _Held(done=3, token=1)
    group._reading = AmqpChannel(LIMITS.command_timeout_seconds)
    await group.rewind()
    with pytest.raises(Unavailable, match="no answer in time"):
        await group.receive()
    assert known.doubts == 2, "when it went back, and when it could not join"
    assert group._held == {}
    await group.close()


def test_the_fake_has_what_pika_has() -> None:
    for name in ("is_open", "is_closed", "is_closing", "channel", "close"):
        assert hasattr(AsyncioConnection, name)
