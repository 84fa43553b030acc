"""How many wrong passwords may come from one client address, whatever users they are for."""

from collections import OrderedDict
from datetime import datetime
from typing import Final

from feira.chassis.http.addresses import network_of
from feira.kernel.clock import Clock
from feira.kernel.errors import Rejected
from feira.services.identity.domain.attempts import Limit, after_failure, too_many

ADDRESSES_MAX: Final = 10_000


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
        empty_at = self._empty_at.get(network_of(address))
        if empty_at is None:
            return
        refused = too_many(empty_at, self._limit, self._clock.now())
        if refused is not None:
            raise Rejected(refused)

    def count_failure(self, address: str) -> None:
        owner, now = network_of(address), self._clock.now()
        before = self._empty_at.pop(owner, now)
        self._empty_at[owner] = after_failure(before, self._limit, now)
        if len(self._empty_at) > self._addresses_max:
            self._empty_at.popitem(last=False)
