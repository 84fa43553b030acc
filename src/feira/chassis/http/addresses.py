"""Where a request comes from, and whose address that is."""

from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, Final

TRUSTED_PEERS: Final = frozenset({"127.0.0.1", "::1", ""})
"""Peers whose `X-Real-IP` is believed: the gateway on this machine, or on a unix socket."""
IPV6_PREFIX_BITS: Final = 64
"""What one customer of a provider has at least: any address in it is theirs (RFC 6177)."""
TEXT_LENGTH_MAX: Final = 64


def client_address(scope: Any) -> str:
    """The client's address: as the gateway says, or the peer's own where it is no gateway."""
    client = scope.get("client")
    peer: str = client[0] if client else ""
    if peer in TRUSTED_PEERS:
        for name, value in scope["headers"]:
            if name == b"x-real-ip":
                text: str = value.decode("latin-1")
                return text
    return peer


def network_of(address: str) -> str:
    """An IPv4 address itself, an IPv6 address's network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:TEXT_LENGTH_MAX]
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, IPV6_PREFIX_BITS), strict=False))
    return str(parsed)
