"""A broker's URL names the transport: the only place that knows them all."""

import re
from collections.abc import Collection
from dataclasses import fields
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from feira.chassis.transports.amqp_settings import AMQP_SCHEMES, read_amqp_url
from feira.chassis.transports.kafka_settings import KAFKA_SCHEMES, read_kafka_url
from feira.chassis.transports.port import Transport
from feira.chassis.transports.simulated import simulated_broker
from feira.chassis.transports.simulated_faults import Faults
from feira.chassis.transports.valkey import ValkeyTransport
from feira.chassis.transports.valkey_address import VALKEY_SCHEMES
from feira.chassis.transports.valkey_settings import read_valkey_url
from feira.kernel.errors import Misconfigured

SCHEMES: Final = (*VALKEY_SCHEMES, *KAFKA_SCHEMES, *AMQP_SCHEMES, "sim")
_MEMBER: Final = re.compile(r"[!-~]{1,100}")  # as Valkey wants the names of its clients


def open_transport(
    url: str, *, partitions: int, member: str, single_event_topics: Collection[str] = ()
) -> Transport:
    """The transport for a broker's URL; nothing is asked of the broker yet.

    `member` names this process in its consumer groups: unique among those alive, and best the same
    again after a restart. Events of `single_event_topics` go in binary mode where the broker has
    headers. Options stand in the query: `ValkeyLimits`,
    `KafkaLimits`, `AmqpLimits`, or `seed` and `Faults`.
    Raises `Misconfigured`.
    """
    if not _MEMBER.fullmatch(member):
        raise Misconfigured(f"a member's name is 1 to 100 visible ASCII characters, not {member!r}")
    if partitions < 1:
        raise Misconfigured(f"a topic has at least one partition, not {partitions}")
    scheme = urlsplit(url).scheme
    if scheme in VALKEY_SCHEMES:
        address, limits = read_valkey_url(url)
        return ValkeyTransport(address, limits, partitions=partitions, member=member)
    if scheme in KAFKA_SCHEMES:
        return _open_kafka(url, partitions, member, single_event_topics)
    if scheme in AMQP_SCHEMES:
        return _open_amqp(url, partitions, member, single_event_topics)
    if scheme == "sim":
        return _open_simulated(url, partitions, member)
    raise Misconfigured(f"no broker for scheme {scheme!r}; known: {', '.join(SCHEMES)}")


def _open_kafka(
    url: str, partitions: int, member: str, single_event_topics: Collection[str]
) -> Transport:
    """Imported only where it is used: its client is large."""
    from feira.chassis.transports.kafka import KafkaTransport

    kafka, limits = read_kafka_url(url)
    return KafkaTransport(
        kafka,
        limits,
        partitions=partitions,
        member=member,
        single_event_topics=single_event_topics,
    )


def _open_amqp(
    url: str, partitions: int, member: str, single_event_topics: Collection[str]
) -> Transport:
    from feira.chassis.transports.amqp import AmqpTransport

    server, limits = read_amqp_url(url)
    return AmqpTransport(
        server,
        limits,
        partitions=partitions,
        member=member,
        single_event_topics=single_event_topics,
    )


def _open_simulated(url: str, partitions: int, member: str) -> Transport:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    unknown = options.keys() - {"seed", *(fault.name for fault in fields(Faults))}
    if unknown:
        raise Misconfigured(f"{parts.scheme}://{parts.netloc}: no such option: {sorted(unknown)}")
    try:
        seed = int(options.pop("seed", "0"))
        faults = msgspec.convert(options, Faults, strict=False)
    except ValueError as error:  # msgspec's ValidationError is a ValueError
        raise Misconfigured(f"{parts.scheme}://{parts.netloc}: {error}") from error
    broker = simulated_broker(parts.netloc, seed, faults)
    return broker.transport(partitions=partitions, member=member)
