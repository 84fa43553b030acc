"""Where a Kafka is, and the limits of its transport: `kafka://host:9092,host2:9092?...`.

`kafkas://` speaks TLS; a user and a password in the URL log in by SASL.
"""

from dataclasses import dataclass, field, fields
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from feira.kernel.errors import Misconfigured

KAFKA_SCHEMES: Final = ("kafka", "kafkas")
_PORT: Final = 9092
_NAMESPACE_BYTES_MAX: Final = 100
_METADATA_SECONDS_MAX: Final = 5.0
"""After this time a client asks anew who there is. A broker that stood still has been told by its
controller that it is gone, and says so to whoever asks first: there is nobody, not even itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaLimits:
    """Times in seconds, sizes in bytes. Each may stand in the URL's query: `?lease_ttl_seconds=5`.

    `namespace` stands before the names of topics and groups, for a Kafka that others use too.
    `replicas` -1 is what the broker has as its default.
    """

    namespace: str = ""
    replicas: int = -1
    retention_hours: int = 168
    envelope_bytes_max: int = 4 * 1024 * 1024
    command_timeout_seconds: float = 5.0
    lease_ttl_seconds: float = 10.0
    receive_wait_seconds: float = 1.0
    buffer_bytes_max: int = 8 * 1024 * 1024
    epoch_age_seconds_max: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAddress:
    """The brokers to ask first, and who we say we are."""

    servers: str
    tls: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    sasl_mechanism: str = "SCRAM-SHA-512"
    tls_ca_file: str = ""

    def configuration(self) -> dict[str, str | int | float | bool]:
        """In librdkafka's words. It keeps its own log quiet: who calls is told of failures."""
        security = ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT")
        chosen: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self.servers,
            "security.protocol": security,
            "log_level": 0,
            "topic.metadata.refresh.interval.ms": round(_METADATA_SECONDS_MAX * 1000),
        }
        if self.username:
            chosen["sasl.mechanism"] = self.sasl_mechanism
            chosen["sasl.username"] = self.username
            chosen["sasl.password"] = self.password
        if self.tls_ca_file:
            chosen["ssl.ca.location"] = self.tls_ca_file
        return chosen


_LIMITS: Final = frozenset(limit.name for limit in fields(KafkaLimits))
_ADDRESS_OPTIONS: Final = frozenset({"sasl_mechanism", "tls_ca_file"})


def read_kafka_url(url: str) -> tuple[KafkaAddress, KafkaLimits]:
    """Split a URL into the brokers' address and the limits in its query.

    Raises `Misconfigured` for an option nobody knows or a value that cannot be.
    """
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    place = f"{parts.scheme}://{hosts}"  # never the password
    options = dict(parse_qsl(parts.query))
    unknown = options.keys() - _LIMITS - _ADDRESS_OPTIONS
    if unknown or not hosts:
        known = sorted(_LIMITS | _ADDRESS_OPTIONS)
        raise Misconfigured(f"{place}: no host, or no such option: {sorted(unknown)}; {known}")
    try:
        stated = {name: value for name, value in options.items() if name in _LIMITS}
        limits = msgspec.convert(stated, KafkaLimits, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{place}: {error}") from error
    if len(limits.namespace) > _NAMESPACE_BYTES_MAX:
        raise Misconfigured(f"{place}: a namespace has at most {_NAMESPACE_BYTES_MAX} characters")
    username, _, password = login.partition(":")
    address = KafkaAddress(
        servers=",".join(_with_port(host) for host in hosts.split(",")),
        tls=parts.scheme == "kafkas",
        username=unquote(username),
        password=unquote(password),
        **{name: value for name, value in options.items() if name in _ADDRESS_OPTIONS},
    )
    return address, limits


def _with_port(host: str) -> str:
    return host if host.rpartition("]")[2].count(":") else f"{host}:{_PORT}"
