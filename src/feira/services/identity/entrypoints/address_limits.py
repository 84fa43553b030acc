"""How many wrong passwords may come from one client address, whatever users they are for."""

from collections import OrderedDict
from datetime import datetime
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

from feira.kernel.clock import Clock
from feira.kernel.errors import Rejected
from feira.services.identity.domain.attempts import Limit, after_failure, too_many

ADDRESSES_MAX: Final = 10_000
IPV6_PREFIX_BITS: Final = 64
"""What one customer of a provider has at least: any address in it is theirs (RFC 6177)."""


class AddressLimits:
    """Leaking buckets in memory, of this process: the limit a user (in the database) is the strict
    one. When there are too many addresses the one that failed longest ago is forgotten.
    """

    def __init__(self, limit: Limit, clock: Clock, addresses_max: int = ADDRESSES_MAX) -> None:
        self._limit = limit
        self._clock = clock
        self._addresses_max = addresses_max
        self._empty_at: OrderedDict[str, datetime] = OrderedDict()

    def __len__(self) -> int:
        return len(self._empty_at)

    def check(self, address: str) -> None:
        """Raises `Rejected` (429) for an address with too many failures."""
        empty_at = self._empty_at.get(_owner_of(address))
        if empty_at is None:
            return
        refused = too_many(empty_at, self._limit, self._clock.now())
        if refused is not None:
            raise Rejected(refused)

    def count_failure(self, address: str) -> None:
        owner, now = _owner_of(address), self._clock.now()
        before = self._empty_at.pop(owner, now)
        self._empty_at[owner] = after_failure(before, self._limit, now)
        if len(self._empty_at) > self._addresses_max:
            self._empty_at.popitem(last=False)


def _owner_of(address: str) -> str:
    """An IPv4 address itself, an IPv6 address's network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, IPV6_PREFIX_BITS), strict=False))
    return str(parsed)
