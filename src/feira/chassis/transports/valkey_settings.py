"""The limits of the Valkey transport, and how a URL states them."""

from dataclasses import dataclass, field, fields
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from feira.chassis.transports.retention import Retention
from feira.chassis.transports.valkey_address import ADDRESS_OPTIONS, ValkeyAddress, read_address
from feira.kernel.errors import Misconfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class ValkeyLimits:
    """Times in seconds, sizes in bytes. Each may stand in the URL's query: `?lease_ttl_seconds=5`.

    A member that is not heard of for `lease_ttl_seconds` loses its partitions. One `receive` aims
    at `receive_bytes_max`: it asks for fewer envelopes a partition when they have been large.
    """

    connect_timeout_seconds: float = 2.0
    command_timeout_seconds: float = 5.0
    lease_ttl_seconds: float = 10.0
    receive_wait_seconds: float = 1.0
    envelopes_per_partition_max: int = 8
    receive_bytes_max: int = 4 * 1024 * 1024
    publish_bytes_max: int = 4 * 1024 * 1024
    retention: Retention = field(default_factory=Retention)


_LIMITS: Final = frozenset(limit.name for limit in fields(ValkeyLimits)) - {"retention"}


def read_valkey_url(url: str) -> tuple[ValkeyAddress, ValkeyLimits]:
    """Split a URL into the server's address and the limits in its query.

    Raises `Misconfigured` for an option nobody knows or a value that cannot be.
    """
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.hostname or parts.path}"  # never the password
    options = dict(parse_qsl(parts.query))
    unknown = options.keys() - _LIMITS - ADDRESS_OPTIONS
    if unknown:
        known = sorted(_LIMITS | ADDRESS_OPTIONS)
        raise Misconfigured(f"{place}: no such option: {sorted(unknown)}; known: {known}")
    try:
        stated = {name: value for name, value in options.items() if name in _LIMITS}
        limits = msgspec.convert(stated, ValkeyLimits, strict=False)
        return read_address(parts, options), limits
    except (ValueError, OSError) as error:  # msgspec's ValidationError is a ValueError
        raise Misconfigured(f"{place}: {error}") from error
