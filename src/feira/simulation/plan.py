"""What a run is made of: customers, administrators and planned faults, all from the seed.

Each has a number, from which its own chance is made: leaving one out changes nothing about what the
others want, which is what makes a failing plan shrink.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from feira.simulation.faults import KINDS, PLANNED

CUSTOMERS_A_SECOND: Final = 25
SECONDS_MIN: Final = 8.0
ADMIN_ERRANDS_A_SECOND: Final = 1.5
SECONDS_A_DROP: Final = 15.0
"""There is a flash sale so often, on average."""
CROWD_SHARE: Final = 0.2
"""How many come for the flash sales, a customer."""
EVERY_SECONDS: Final = {
    "crash": 2.0,
    "database_down": 12.0,
    "broker_down": 15.0,
    "broker_wiped": 25.0,
    "cut_off": 9.0,
    "provider_down": 12.0,
    "clock_forward": 11.0,
    "clock_back": 11.0,
}
"""How often a planned fault happens, on average."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A customer, or an administrator's errand."""

    number: int
    at_seconds: float


@dataclass(frozen=True, slots=True)
class Mishap:
    """A planned fault; `number` decides whom it strikes and how long it lasts."""

    number: int
    kind: str
    at_seconds: float

    def __str__(self) -> str:
        return f"{self.kind} at {self.at_seconds:.1f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    seed: str
    seconds: float
    """How long customers come and things go wrong."""
    customers: tuple[Arrival, ...]
    errands: tuple[Arrival, ...]
    drops: tuple[Arrival, ...]
    """Flash sales, and when each opens."""
    crowd: tuple[Arrival, ...]
    """Those who come for the flash sales, beside the customers."""
    mishaps: tuple[Mishap, ...]
    kinds: frozenset[str]
    """The kinds of faults that may happen."""

    def with_customers(self, customers: Iterable[Arrival]) -> "Plan":
        return replace(self, customers=tuple(customers))

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {len(self.customers)} customers, {len(self.errands)} errands,"
            f" {len(self.drops)} drops, {len(self.crowd)} who come for them,"
            f" {len(self.mishaps)} planned faults, {len(self.kinds)} kinds of faults"
        )


def plan(seed: str, orders: int, kinds: frozenset[str] = frozenset(KINDS)) -> Plan:
    """A run in which so many customers order."""
    chance = Random(f"{seed} plan")
    seconds = max(SECONDS_MIN, orders / CUSTOMERS_A_SECOND)
    drops = _arrivals(chance, max(1, round(seconds / SECONDS_A_DROP)), seconds * 0.7)
    return Plan(
        seed=seed,
        seconds=seconds,
        customers=_arrivals(chance, orders, seconds),
        errands=_arrivals(chance, int(seconds * ADMIN_ERRANDS_A_SECOND), seconds),
        drops=drops,
        crowd=tuple(_crowd(chance, orders, drops)),
        mishaps=tuple(_mishaps(chance, kinds, seconds)),
        kinds=kinds,
    )


def _arrivals(chance: Random, count: int, seconds: float) -> tuple[Arrival, ...]:
    moments = sorted(chance.uniform(0, seconds) for _ in range(count))
    return tuple(Arrival(number, at) for number, at in enumerate(moments, 1))


def _crowd(chance: Random, orders: int, drops: Sequence[Arrival]) -> list[Arrival]:
    """Most come when a sale opens, some a little before, the others while it is on."""
    found = []
    for number in range(1, int(orders * CROWD_SHARE) + 1):
        opens_at = chance.choice(drops).at_seconds
        found.append(Arrival(number, max(0.0, opens_at - 1.0 + chance.expovariate(0.25))))
    return sorted(found, key=lambda arrival: arrival.at_seconds)


def _mishaps(chance: Random, kinds: frozenset[str], seconds: float) -> list[Mishap]:
    found: list[Mishap] = []
    for kind in PLANNED:
        for _ in range(max(1, round(seconds / EVERY_SECONDS[kind]))):
            at_seconds = chance.uniform(0, seconds)
            if kind in kinds:
                found.append(Mishap(len(found) + 1, kind, at_seconds))
    return sorted(found, key=lambda mishap: mishap.at_seconds)
