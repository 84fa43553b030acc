"""A broker's URL becomes a transport, or a clear complaint."""

import pytest

from feira.chassis.transports.amqp_settings import read_amqp_url
from feira.chassis.transports.kafka_settings import read_kafka_url
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Envelope
from feira.chassis.transports.simulated import SimulatedTransport, simulated_broker
from feira.chassis.transports.valkey import ValkeyTransport
from feira.chassis.transports.valkey_settings import read_valkey_url
from feira.kernel.errors import Misconfigured, Unavailable
from feira.kernel.ids import uuid7


@pytest.mark.parametrize(
    "url",
    [
        "valkey://127.0.0.1:6379/0",
        "valkeys://broker.example:6380/1?lease_ttl_seconds=5",
        "unix:///run/valkey.sock?db=2",
    ],
)
async def test_valkey_urls_open_without_a_server(url: str) -> None:
    transport = open_transport(url, partitions=8, member="orders-1")
    assert isinstance(transport, ValkeyTransport)
    assert transport.partitions == 8
    await transport.close()


def test_a_url_says_where_who_and_how() -> None:
    address, limits = read_valkey_url(
        "valkey://feira:s%2Fecret@[::1]:7000/5?receive_wait_seconds=0.5&publish_bytes_max=1000"
    )
    assert (address.host, address.port, address.database) == ("::1", 7000, 5)
    assert (address.username, address.password) == ("feira", "s/ecret")
    assert "s/ecret" not in repr(address)
    assert (limits.receive_wait_seconds, limits.publish_bytes_max) == (0.5, 1000)
    assert address.greeting("a.read") == [
        ("AUTH", "feira", "s/ecret"),
        ("SELECT", 5),
        ("CLIENT", "SETNAME", "a.read"),
    ]


@pytest.mark.parametrize(
    "url", ["kafka://one,two:9093?replicas=3", "kafkas://feira:s3cret@one", "amqp://one/shop"]
)
async def test_urls_of_kafka_and_rabbitmq_open_without_a_server(url: str) -> None:
    transport = open_transport(url, partitions=8, member="orders-1")
    assert transport.partitions == 8
    await transport.close()


def test_a_kafka_url_says_where_who_and_how() -> None:
    address, limits = read_kafka_url(
        "kafkas://feira:s%2Fecret@one,two:9093,[::1]?replicas=3&namespace=shop."
    )
    assert address.servers == "one:9092,two:9093,[::1]:9092"
    assert (address.tls, address.username, address.password) == (True, "feira", "s/ecret")
    assert "s/ecret" not in repr(address)
    assert (limits.replicas, limits.namespace) == (3, "shop.")
    assert address.configuration()["security.protocol"] == "SASL_SSL"


def test_an_amqp_url_says_where_and_how() -> None:
    server, limits = read_amqp_url("amqp://feira:s%2Fecret@one:7000/shop?retention_hours=24")
    assert (server, limits.retention_hours) == ("amqp://feira:s%2Fecret@one:7000/shop", 24)
    assert read_amqp_url("amqp://one")[0] == "amqp://one/%2F"


@pytest.mark.parametrize(
    "url",
    [
        "kafka://",
        "kafka://one?speed=9",
        "kafka://one?replicas=x",
        "amqp://one?speed=9",
        "amqp://one?retention_hours=long",
    ],
)
def test_what_kafka_and_rabbitmq_cannot_be_told_is_said(url: str) -> None:
    with pytest.raises(Misconfigured):
        open_transport(url, partitions=1, member="a")


def test_tls_checks_the_servers_name() -> None:
    address, _ = read_valkey_url("valkeys://broker.example")
    assert address.tls is not None
    assert address.tls.check_hostname
    plain, _ = read_valkey_url("valkey://broker.example")
    assert plain.tls is None


async def test_simulated_services_of_a_process_meet_by_the_brokers_name() -> None:
    orders = open_transport("sim://meeting?seed=4", partitions=2, member="orders")
    stock = open_transport("sim://meeting", partitions=2, member="stock")
    assert isinstance(orders, SimulatedTransport)
    sent = Envelope(uuid7(), "orders.events", 1, b"[]")
    await orders.publish([sent])
    (delivery,) = await (await stock.subscribe("stock", ["orders.events"])).receive()
    assert delivery.envelope == sent


async def test_faults_stand_in_the_url() -> None:
    transport = open_transport(
        "sim://refusing?seed=1&publish_refused=1.0", partitions=2, member="orders"
    )
    with pytest.raises(Unavailable):
        await transport.publish([])
    assert simulated_broker("refusing").injected == {"publish_refused": 1}


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("redis://127.0.0.1", "known: valkey, valkeys, unix, kafka, kafkas, amqp, amqps, sim"),
        ("127.0.0.1:6379", "known: valkey"),
        ("", "known: valkey"),
        ("valkey://127.0.0.1:port", "port"),
        ("valkey://127.0.0.1/orders", "orders"),
        ("valkey://127.0.0.1?lease_ttl_seconds=long", "lease_ttl_seconds"),
        ("valkey://127.0.0.1?leese=5", "leese"),
        ("valkeys://127.0.0.1?tls_ca_file=/nowhere/ca.pem", "No such file"),
        ("sim://x?seed=one", "one"),
        ("sim://x?duplicated=often", "duplicated"),
        ("sim://x?duplicate=0.1", "duplicate"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(url: str, complaint: str) -> None:
    with pytest.raises(Misconfigured, match=complaint):
        open_transport(url, partitions=2, member="orders")


def test_a_complaint_keeps_the_password() -> None:
    with pytest.raises(Misconfigured) as complaint:
        open_transport("valkey://feira:secret@127.0.0.1?x=1", partitions=2, member="orders")
    assert "secret" not in str(complaint.value)


@pytest.mark.parametrize(("partitions", "member"), [(0, "a"), (2, ""), (2, "two words")])
def test_partitions_and_members_have_bounds(partitions: int, member: str) -> None:
    with pytest.raises(Misconfigured):
        open_transport("sim://x", partitions=partitions, member=member)
