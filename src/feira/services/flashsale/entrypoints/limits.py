"""How often an account and an address may claim and ask for a place, in memory of this process."""

from collections import OrderedDict
from typing import Final

from feira.services.flashsale.domain.quota import Quota, Taken, take

KEYS_MAX: Final = 100_000

Headers = list[tuple[bytes, bytes]]


class Limits:
    """Buckets by key; when there are too many, the one that was used longest ago is forgotten."""

    def __init__(self, quota: Quota, keys_max: int = KEYS_MAX) -> None:
        self.quota = quota
        self._keys_max = keys_max
        self._empty_at: OrderedDict[str | int, float] = OrderedDict()
        self._policy = (
            f'"{quota.name}";q={quota.at_once};w={quota.window_seconds}'.encode()  # RFC 9651 items
        )

    def __len__(self) -> int:
        return len(self._empty_at)

    def take(self, key: str | int, now: float) -> Taken:
        """Count one request; `now` in seconds of a clock that does not go back."""
        taken = take(self.quota, self._empty_at.pop(key, 0.0), now)
        self._empty_at[key] = taken.empty_at
        if len(self._empty_at) > self._keys_max:
            self._empty_at.popitem(last=False)
        return taken

    def headers(self, taken: Taken) -> Headers:
        """What the answer says of the quota (draft-ietf-httpapi-ratelimit-headers)."""
        rest = b'"%s";r=%d;t=%d' % (self.quota.name.encode(), taken.remaining, taken.wait_seconds)
        return [(b"ratelimit-policy", self._policy), (b"ratelimit", rest)]
