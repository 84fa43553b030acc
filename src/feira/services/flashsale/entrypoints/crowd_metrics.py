"""What Prometheus sees of flash sales; docs/runbooks/flash-sale.md says what to do about it."""

from collections.abc import Callable, Sequence
from typing import Final

from prometheus_client import Counter, Gauge

from feira.services.flashsale.domain.standing import Standing

SERVICE: Final = "flashsale"
CODES: Final = frozenset(
    {
        *("queued", "sold_out", "already_claimed", "not_open", "not_admitted", "too_many_requests"),
        *("flash_sale_not_found", "unauthenticated", "invalid_token", "overloaded", "unavailable"),
    }
)
OTHER_CODE: Final = "other"

REFUSALS: Final = Counter(
    "feira_flash_refusals_total", "Claims refused, by code", ("service", "code")
)
MEMORY_REFUSALS: Final = Counter(
    "feira_flash_memory_refusals_total", "Claims answered `sold_out` from memory", ("service",)
)
CLAIMS: Final = Counter(
    "feira_flash_claims_total", "Claims that got a unit or a number in the queue", ("service",)
)
UNITS: Final = Gauge(
    "feira_flash_units", "Units of the drops that are open, by state", ("service", "state")
)
WAITING: Final = Gauge(
    "feira_flash_waiting_claims", "Claims that wait for a unit to come free", ("service",)
)
OPEN_DROPS: Final = Gauge("feira_flash_open_drops", "Drops that are open", ("service",))
STREAMS: Final = Gauge("feira_flash_event_streams", "Event streams that are open", ("service",))
BOARD_AGE: Final = Gauge(
    "feira_flash_board_age_seconds", "Since when the board was not read", ("service",)
)


class CrowdMetrics:
    def __init__(self) -> None:
        self._refusals = {code: REFUSALS.labels(SERVICE, code) for code in (*CODES, OTHER_CODE)}
        self._memory = MEMORY_REFUSALS.labels(SERVICE)
        self._claims = CLAIMS.labels(SERVICE)
        self._units = {state: UNITS.labels(SERVICE, state) for state in ("left", "held", "sold")}
        self._waiting = WAITING.labels(SERVICE)
        self._open = OPEN_DROPS.labels(SERVICE)
        self._streams = STREAMS.labels(SERVICE)

    def refused(self, code: str) -> None:
        self._refusals.get(code, self._refusals[OTHER_CODE]).inc()

    def refused_from_memory(self, claims: int) -> None:
        self._memory.inc(claims)

    def claimed(self) -> None:
        self._claims.inc()

    def streams(self, count: int) -> None:
        self._streams.set(count)

    def standings(self, standings: Sequence[Standing]) -> None:
        """How the live drops stand now."""
        opened = [standing for standing in standings if standing.is_open]
        self._open.set(len(opened))
        self._units["left"].set(sum(one.left for one in opened))
        self._units["held"].set(sum(one.held for one in standings))
        self._units["sold"].set(sum(one.sold for one in opened))
        self._waiting.set(sum(one.waiting for one in opened))

    def board_age_from(self, age_seconds: Callable[[], float]) -> None:
        BOARD_AGE.labels(SERVICE).set_function(age_seconds)
