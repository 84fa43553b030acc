"""What is particular to Valkey: how it fails, and what the transport leaves in it."""

import asyncio
from itertools import pairwise

import pytest

from feira.chassis.sweeping import trim_broker
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Transport
from feira.kernel.errors import Unavailable
from tests.adapters.transports.brokers import PARTITIONS
from tests.adapters.transports.traffic import (
    TOPIC,
    by_partition,
    envelope,
    ids,
    one_each,
    receive,
    receive_deliveries,
    receive_nothing,
    until_available,
)
from tests.adapters.transports.valkey_server import ValkeyServer
from tests.eventually import eventually


def transport_to(server: ValkeyServer, member: str = "a", **limits: float) -> Transport:
    return open_transport(server.url(**limits), partitions=PARTITIONS, member=member)


async def test_a_frozen_valkey_is_unavailable_in_bounded_time(valkey_server: ValkeyServer) -> None:
    transport = transport_to(valkey_server, command_timeout_seconds=0.2)
    subscription = await transport.subscribe("billing", [TOPIC])
    await until_available(lambda: receive_nothing(subscription, calls=1))
    newcomer = await transport.subscribe("newcomer", [TOPIC])

    valkey_server.freeze()
    async with asyncio.timeout(30):
        for call in (
            lambda: transport.publish(one_each()),
            subscription.receive,
            newcomer.receive,
            transport.epoch,
            subscription.lag_envelopes,
        ):
            with pytest.raises(Unavailable):
                await call()

    valkey_server.thaw()
    sent = one_each()
    await until_available(lambda: transport.publish(sent))
    await until_available(lambda: receive(subscription, ids(sent)))
    await transport.close()


async def test_under_traffic_the_memory_stays_bounded(valkey_server: ValkeyServer) -> None:
    """What running services do (`trim_broker`): 20 rounds leave no more than a few of them."""
    transport = transport_to(valkey_server)
    subscription = await transport.subscribe("billing", [TOPIC])
    trimming = asyncio.create_task(trim_broker(transport, "orders", every_seconds=0.01))
    round_bytes = PARTITIONS * 20 * 10_000
    for _ in range(20):
        sent = one_each(20, size_bytes=10_000)
        await transport.publish(sent)
        await receive(subscription, ids(sent), acknowledge=True)

    async def is_bounded() -> bool:
        keys = [f"feira:{TOPIC}:{partition}" for partition in range(PARTITIONS)]
        held = [await valkey_server.command("MEMORY", "USAGE", key, "SAMPLES", 0) for key in keys]
        return bool(sum(held) < 2 * round_bytes)

    await eventually(is_bounded)
    trimming.cancel()
    await transport.close()


async def test_closing_does_not_wait_for_a_frozen_valkey(valkey_server: ValkeyServer) -> None:
    transport = transport_to(valkey_server, command_timeout_seconds=0.2)
    subscription = await transport.subscribe("billing", [TOPIC])
    await until_available(lambda: receive_nothing(subscription, calls=1))
    valkey_server.freeze()
    async with asyncio.timeout(30):
        await transport.close()
    valkey_server.thaw()


async def test_a_refused_envelope_takes_its_whole_batch_with_it(
    valkey_server: ValkeyServer,
) -> None:
    transport = transport_to(valkey_server)
    sent = one_each(3)
    await valkey_server.command("CONFIG", "SET", "maxmemory", 1)
    with pytest.raises(Unavailable, match="OOM"):
        await transport.publish(sent)
    assert await valkey_server.command("KEYS", "*") == []

    await valkey_server.command("CONFIG", "SET", "maxmemory", 0)
    await transport.publish(sent)
    received = await receive(await transport.subscribe("billing", [TOPIC]), ids(sent))
    assert by_partition(received) == by_partition(sent)
    await transport.close()


async def test_one_refused_envelope_is_enough(valkey_server: ValkeyServer) -> None:
    """The others must not be there already when all are published again: order would be lost."""
    only_first = f"~feira:{TOPIC}:0"
    await valkey_server.command("ACL", "SETUSER", "narrow", "on", ">pass", only_first, "+@all")
    url = valkey_server.url().replace("//", "//narrow:pass@")
    transport = open_transport(url, partitions=PARTITIONS, member="a")
    with pytest.raises(Unavailable, match="NOPERM"):
        await transport.publish([envelope(0), envelope(1), envelope(0)])
    assert await valkey_server.command("KEYS", "*") == []
    await transport.close()


async def test_a_refusal_while_the_batch_is_carried_out_is_told(
    valkey_server: ValkeyServer,
) -> None:
    transport = transport_to(valkey_server)
    await valkey_server.command("SET", f"feira:{TOPIC}:0", "not a stream")
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        await transport.publish(one_each())
    await transport.close()


async def test_large_batches_go_in_parts_and_keep_their_order(valkey_server: ValkeyServer) -> None:
    transport = transport_to(valkey_server, publish_bytes_max=1000)
    sent = [envelope(n % 2, body=b"x" * size) for n, size in enumerate([400, 400, 400, 3000, 1, 1])]
    await transport.publish(sent)
    received = await receive(await transport.subscribe("billing", [TOPIC]), ids(sent))
    assert by_partition(received) == by_partition(sent)
    await transport.close()


async def test_few_large_envelopes_at_a_time(valkey_server: ValkeyServer) -> None:
    transport = transport_to(valkey_server, receive_bytes_max=200_000)
    sent = [envelope(0, body=b"x" * 50_000) for _ in range(12)]
    await transport.publish(sent)
    subscription = await transport.subscribe("billing", [TOPIC])
    await receive(subscription, {sent[0].id})
    following = await subscription.receive()
    assert len(following) == 1, "four partitions of 50 KB envelopes fill 200 KB"
    await transport.close()


async def test_a_cancelled_receive_loses_nothing(valkey_server: ValkeyServer) -> None:
    transport = transport_to(valkey_server, receive_wait_seconds=5)
    subscription = await transport.subscribe("billing", [TOPIC])
    waiting = asyncio.create_task(subscription.receive())
    async with asyncio.timeout(60):
        while not await valkey_server.command("CLIENT", "LIST", "FLAGS", "b"):
            pass  # until it blocks in Valkey
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()

    sent = one_each()
    await transport.publish(sent)
    assert by_partition(await receive(subscription, ids(sent))) == by_partition(sent)
    await transport.close()


async def test_many_publish_at_once_over_one_connection(valkey_server: ValkeyServer) -> None:
    transport = transport_to(valkey_server)
    batches = [one_each(2) for _ in range(20)]
    await asyncio.gather(*(transport.publish(batch) for batch in batches))

    sent = [each for batch in batches for each in batch]
    received = await receive(await transport.subscribe("billing", [TOPIC]), ids(sent))
    assert len(received) == len(sent)
    for batch in batches:
        mine = [each for each in received if each.id in ids(batch)]
        assert by_partition(mine) == by_partition(batch)
    await transport.close()


async def test_positions_rise_with_the_clock_of_the_server(valkey_server: ValkeyServer) -> None:
    transport = transport_to(valkey_server)
    sent = [envelope(0) for _ in range(20)]
    await transport.publish(sent)
    subscription = await transport.subscribe("billing", [TOPIC])
    positions = [each.position for each in await receive_deliveries(subscription, ids(sent))]
    orders = [tuple(map(int, position.partition("/")[0].split("-"))) for position in positions]
    assert all(before < after for before, after in pairwise(orders))
    assert [position.partition("/")[2] for position in positions] == [
        str(ordinal) for ordinal in range(1, 21)
    ]
    await transport.close()


async def test_flushed_under_live_members_it_starts_anew(valkey_server: ValkeyServer) -> None:
    transport = transport_to(valkey_server)
    subscription = await transport.subscribe("billing", [TOPIC])
    before, after = one_each(5), one_each(5)
    await transport.publish(before)
    await receive(subscription, ids(before), acknowledge=True)
    epoch = await transport.epoch()

    await valkey_server.command("FLUSHALL")
    await transport.publish(after)

    assert await transport.epoch() != epoch
    await receive(subscription, ids(after), acknowledge=True)
    async with asyncio.timeout(60):
        while await subscription.lag_envelopes() > 0:  # until the lease is renewed
            await subscription.acknowledge(await subscription.receive())
    await transport.close()


async def test_a_clock_set_back_across_a_wipe_hides_nothing(valkey_server: ValkeyServer) -> None:
    transport = transport_to(valkey_server)
    subscription = await transport.subscribe("billing", [TOPIC])
    future_ms = await valkey_server.now_ms() + 3_600_000
    ahead = envelope(0)
    fields = ("id", ahead.id.bytes, "body", ahead.body)
    await valkey_server.command("XADD", f"feira:{TOPIC}:0", f"{future_ms}-0", *fields)
    await receive(subscription, {ahead.id}, acknowledge=True)

    await valkey_server.command("FLUSHALL")
    sent = one_each()
    await transport.publish(sent)

    assert ids(await receive(subscription, ids(sent))) == ids(sent)
    await transport.close()


async def test_a_unix_socket_is_as_good(valkey_server: ValkeyServer) -> None:
    url = f"unix://{valkey_server.socket_path}?db=3&receive_wait_seconds=0.2"
    transport = open_transport(url, partitions=PARTITIONS, member="a")
    sent = one_each()
    await transport.publish(sent)
    await receive(await transport.subscribe("billing", [TOPIC]), ids(sent))
    assert (await valkey_server.command("INFO", "keyspace")).keys() == {"db3"}
    await transport.close()


async def test_a_password_opens_the_door(valkey_server: ValkeyServer) -> None:
    await valkey_server.command("ACL", "SETUSER", "feira", "on", ">s3:cret", "~*", "&*", "+@all")
    url = valkey_server.url()
    right = open_transport(
        url.replace("//", "//feira:s3%3Acret@"), partitions=PARTITIONS, member="a"
    )
    wrong = open_transport(url.replace("//", "//feira:guess@"), partitions=PARTITIONS, member="b")
    await right.publish(one_each())
    with pytest.raises(Unavailable, match="WRONGPASS"):
        await wrong.publish(one_each())
    await right.close()
    await wrong.close()


async def test_an_operator_sees_who_is_connected(valkey_server: ValkeyServer) -> None:
    transport = transport_to(valkey_server, member="orders-1")
    await transport.publish(one_each())
    clients = (await valkey_server.command("CLIENT", "LIST")).decode()
    assert "name=orders-1.publish" in clients
    await transport.close()
