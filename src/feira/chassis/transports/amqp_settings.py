"""Where a RabbitMQ is, and the limits of its transport: `amqp://user:password@host:5672/vhost?...`.

`amqps://` speaks TLS. RabbitMQ 3.9 or later, for its streams.
"""

from dataclasses import dataclass, fields
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from feira.kernel.errors import Misconfigured

AMQP_SCHEMES: Final = ("amqp", "amqps")
_NAMESPACE_BYTES_MAX: Final = 100
_CLIENT_OPTIONS: Final = frozenset({"ssl_options"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AmqpLimits:
    """Times in seconds, sizes in bytes. Each may stand in the URL's query: `?lease_ttl_seconds=5`.

    A member whose connection is silent for `lease_ttl_seconds` loses its partitions; `namespace`
    stands before the names of all queues, for a virtual host that others use too. What RabbitMQ
    refuses for a reason that may pass is tried again for `refused_seconds_max`.
    """

    namespace: str = ""
    retention_hours: int = 168
    retention_bytes: int = 4 * 1024 * 1024 * 1024
    segment_bytes: int = 64 * 1024 * 1024
    command_timeout_seconds: float = 5.0
    refused_seconds_max: float = 5.0
    lease_ttl_seconds: float = 10.0
    receive_wait_seconds: float = 1.0
    envelopes_per_partition_max: int = 8
    settle_seconds: float = 1.0


_LIMITS: Final = frozenset(limit.name for limit in fields(AmqpLimits))


def read_amqp_url(url: str) -> tuple[str, AmqpLimits]:
    """Split a URL into the server's own URL, in the client's words, and the limits in its query.

    Raises `Misconfigured` for an option nobody knows or a value that cannot be.
    """
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.hostname}"  # never the password
    options = dict(parse_qsl(parts.query))
    unknown = options.keys() - _LIMITS - _CLIENT_OPTIONS
    if unknown or not parts.hostname:
        raise Misconfigured(
            f"{place}: no host, or no such option: {sorted(unknown)}; known: {sorted(_LIMITS)}"
        )
    try:
        stated = {name: value for name, value in options.items() if name in _LIMITS}
        limits = msgspec.convert(stated, AmqpLimits, strict=False)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{place}: {error}") from error
    if len(limits.namespace) > _NAMESPACE_BYTES_MAX:
        raise Misconfigured(f"{place}: a namespace has at most {_NAMESPACE_BYTES_MAX} characters")
    kept = {name: value for name, value in options.items() if name in _CLIENT_OPTIONS}
    path = parts.path if parts.path not in ("", "/") else "/%2F"
    server = parts._replace(path=path, query=urlencode(kept)).geturl()
    return server, limits
