"""Who holds which partition of a group on Valkey, and who may move its cursor."""

import asyncio
from collections import Counter

from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Subscription, Transport
from tests.adapters.transports.traffic import (
    TOPIC,
    envelope,
    ids,
    receive,
    receive_deliveries,
    receive_nothing,
)
from tests.adapters.transports.valkey_server import ValkeyServer

GROUP = "billing"
OWNERS = f"feira:owners:{GROUP}:{TOPIC}"
MEMBERS = f"feira:members:{GROUP}:{TOPIC}"
CURSOR = f"feira:cursor:{GROUP}"


def open_member(server: ValkeyServer, member: str, partitions: int, ttl: float = 60) -> Transport:
    return open_transport(
        server.url(lease_ttl_seconds=ttl, receive_wait_seconds=0.05),
        partitions=partitions,
        member=member,
    )


async def shares(server: ValkeyServer) -> dict[str, int]:
    owners = await server.command("HVALS", OWNERS)
    return dict(Counter(owner.decode() for owner in owners))


async def settle(server: ValkeyServer, wanted: dict[str, int], *members: Subscription) -> None:
    """Members receive until the partitions are shared as wanted."""
    async with asyncio.timeout(60):
        while await shares(server) != wanted:
            await asyncio.gather(*(member.receive() for member in members))


async def test_shares_are_fair_and_handed_over_at_once(valkey_server: ValkeyServer) -> None:
    transports = [open_member(valkey_server, name, partitions=8) for name in "abc"]
    a, b, c = [await transport.subscribe(GROUP, [TOPIC]) for transport in transports]

    await settle(valkey_server, {"a.1": 8}, a)
    await settle(valkey_server, {"a.1": 4, "b.1": 4}, a, b)
    async with asyncio.timeout(60):
        while sorted((await shares(valkey_server)).values()) != [2, 3, 3]:
            await asyncio.gather(a.receive(), b.receive(), c.receive())
    await b.close()
    await settle(valkey_server, {"a.1": 4, "c.1": 4}, a, c)
    await a.close()
    await settle(valkey_server, {"c.1": 8}, c)

    for transport in transports:
        await transport.close()
    assert await valkey_server.command("EXISTS", OWNERS, MEMBERS) == 0


async def test_more_members_than_partitions(valkey_server: ValkeyServer) -> None:
    transports = [open_member(valkey_server, name, partitions=2) for name in "abcd"]
    members = [await transport.subscribe(GROUP, [TOPIC]) for transport in transports]
    async with asyncio.timeout(60):
        while sorted((await shares(valkey_server)).values()) != [1, 1]:
            await asyncio.gather(*(member.receive() for member in members))
    for transport in transports:
        await transport.close()


async def test_the_odd_partitions_of_several_topics_do_not_all_fall_to_one(
    valkey_server: ValkeyServer,
) -> None:
    topics = ["orders.events", "orders.commands", "stock.events", "payments.commands"]
    transports = [open_member(valkey_server, name, partitions=1) for name in "ab"]
    members = [await transport.subscribe(GROUP, topics) for transport in transports]
    owners: list[bytes] = []
    async with asyncio.timeout(60):
        while len(set(owners)) < 2:
            await asyncio.gather(*(member.receive() for member in members))
            owners = [
                owner
                for topic in topics
                for owner in await valkey_server.command("HVALS", f"feira:owners:{GROUP}:{topic}")
            ]
    for transport in transports:
        await transport.close()


async def test_the_lease_holds_while_the_caller_is_busy(valkey_server: ValkeyServer) -> None:
    busy = open_member(valkey_server, "busy", partitions=2, ttl=1.5)
    waiting = open_member(valkey_server, "waiting", partitions=2, ttl=1.5)
    sent = [envelope(0), envelope(1)]
    await busy.publish(sent)
    deliveries = await receive_deliveries(await busy.subscribe(GROUP, [TOPIC]), ids(sent))
    other = await waiting.subscribe(GROUP, [TOPIC])

    loop = asyncio.get_running_loop()
    begun = loop.time()
    while loop.time() - begun < 3:  # far beyond the lease
        await other.receive()
    assert await shares(valkey_server) == {"busy.1": 1, "waiting.1": 1}
    assert len(deliveries) == 2
    await busy.close()
    await waiting.close()


async def test_who_lost_the_partition_moves_no_cursor(valkey_server: ValkeyServer) -> None:
    paused = open_member(valkey_server, "paused", partitions=1)
    heir = open_member(valkey_server, "heir", partitions=1)
    sent = [envelope(0), envelope(0)]
    await paused.publish(sent)
    first = await paused.subscribe(GROUP, [TOPIC])
    deliveries = await receive_deliveries(first, ids(sent))
    await valkey_server.command("ZREM", MEMBERS, "paused.1")  # not heard of for too long
    second = await heir.subscribe(GROUP, [TOPIC])
    await receive(second, ids(sent))

    await first.acknowledge(deliveries)
    assert await valkey_server.command("EXISTS", CURSOR) == 0

    await second.rewind()
    again = await receive_deliveries(second, ids(sent))
    await second.acknowledge(again[:1])
    assert await valkey_server.command("HVALS", CURSOR) == [again[0].position.encode()]
    await paused.close()
    await heir.close()


async def test_a_member_that_comes_back_takes_its_place_again(valkey_server: ValkeyServer) -> None:
    paused = open_member(valkey_server, "paused", partitions=2)
    heir = open_member(valkey_server, "heir", partitions=2)
    first, second = [await t.subscribe(GROUP, [TOPIC]) for t in (paused, heir)]
    await settle(valkey_server, {"paused.1": 1, "heir.1": 1}, first, second)
    await valkey_server.command("ZREM", MEMBERS, "paused.1")  # not heard of for too long
    await second.rewind()  # which renews the lease
    await settle(valkey_server, {"heir.1": 2}, second)
    await first.rewind()

    await settle(valkey_server, {"paused.1": 1, "heir.1": 1}, first, second)
    await paused.close()
    await heir.close()


async def test_the_same_name_after_a_crash_need_not_wait(valkey_server: ValkeyServer) -> None:
    crashed = open_member(valkey_server, "a", partitions=2)
    sent = [envelope(0), envelope(1)]
    await crashed.publish(sent)
    await receive(await crashed.subscribe(GROUP, [TOPIC]), ids(sent))

    restarted = open_member(valkey_server, "a", partitions=2)
    async with asyncio.timeout(30):  # the lease is 60 s
        await receive(await restarted.subscribe(GROUP, [TOPIC]), ids(sent))
    await restarted.close()
    await crashed.close()


async def test_subscribing_anew_after_an_outage_need_not_wait(valkey_server: ValkeyServer) -> None:
    transport = open_member(valkey_server, "a", partitions=2)
    sent = [envelope(0), envelope(1)]
    await transport.publish(sent)
    before = await transport.subscribe(GROUP, [TOPIC])
    await receive(before, ids(sent))
    valkey_server.kill()
    await before.close()
    await valkey_server.start()

    async with asyncio.timeout(30):  # the lease is 60 s
        await receive(await transport.subscribe(GROUP, [TOPIC]), ids(sent))
    assert await shares(valkey_server) == {"a.1": 2}
    await transport.close()


async def test_two_subscriptions_of_one_process_share_as_two_members(
    valkey_server: ValkeyServer,
) -> None:
    transport = open_member(valkey_server, "a", partitions=2)
    first, second = [await transport.subscribe(GROUP, [TOPIC]) for _ in range(2)]
    await settle(valkey_server, {"a.1": 1, "a.2": 1}, first, second)
    await transport.close()


async def test_nobody_is_woken_when_nothing_changes(valkey_server: ValkeyServer) -> None:
    transport = open_member(valkey_server, "a", partitions=2)
    subscription = await transport.subscribe(GROUP, [TOPIC])
    await receive_nothing(subscription, calls=2)
    changes = await valkey_server.command("XINFO", "STREAM", f"feira:changes:{GROUP}")
    before = changes[changes.index(b"entries-added") + 1]
    for _ in range(3):
        await subscription.rewind()  # which renews the lease
        await receive_nothing(subscription, calls=1)
    changes = await valkey_server.command("XINFO", "STREAM", f"feira:changes:{GROUP}")
    assert changes[changes.index(b"entries-added") + 1] == before == 1
    await transport.close()
