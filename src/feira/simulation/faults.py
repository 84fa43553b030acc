"""Every kind of fault: how likely it is, whether it is on, and how often it has happened.

Likelihoods are per call unless said otherwise; `Plan` says when what is planned (crashes, outages,
jumps of clocks) happens.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import fields
from random import Random
from typing import Final

from feira.chassis.transports.simulated_faults import Faults as BrokerFaults
from feira.kernel.errors import Misconfigured

STORE: Final[Mapping[str, float]] = {
    "store_slow": 0.05,  # a statement takes up to half a second
    "connection_lost": 0.004,  # in the middle of a transaction
    "contention": 0.004,  # a deadlock, a serialization failure
    "commit_lost": 0.006,  # the connection broke while committing, and it was not committed
    "commit_unheard": 0.006,  # … and it was
    "crash_at_statement": 0.0003,
    "crash_before_commit": 0.0006,
    "crash_after_commit": 0.0006,
}
NETWORK: Final[Mapping[str, float]] = {
    "request_lost": 0.02,
    "answer_lost": 0.02,
    "request_twice": 0.02,  # a proxy sends it again
}
PROVIDER: Final[Mapping[str, float]] = {
    "charge_unheard": 0.02,  # the call times out, and no charge was made
    "charge_unanswered": 0.03,  # … and it was made
    "charge_late": 0.05,  # the answer takes seconds
    "answered_twice": 0.03,
    "wrong_amount": 0.01,  # it takes another amount than asked for
    "query_unanswered": 0.1,
    "void_unanswered": 0.1,
    "refund_unanswered": 0.1,
    "refund_refused": 0.1,
    "webhook_lost": 0.05,  # the first time; it is sent again
    "webhook_twice": 0.05,
    "webhook_late": 0.2,  # so that it overtakes, and is overtaken
}
BROKER: Final = BrokerFaults(
    delay_seconds_max=0.02,
    publish_refused=0.005,
    publish_unanswered=0.01,
    receive_refused=0.001,
    acknowledge_refused=0.004,
    acknowledge_lost=0.01,
    acknowledge_unanswered=0.004,
    duplicated=0.02,
    membership_lost=0.0005,
)
PLANNED: Final = (
    "crash",
    "database_down",
    "broker_down",
    "broker_wiped",
    "cut_off",  # one process does not reach the broker for a while, and loses its leases
    "provider_down",
    "clock_forward",
    "clock_back",
)
DRIFT: Final = "clock_drift"
BROKER_KINDS: Final = tuple(
    "delayed" if field.name == "delay_seconds_max" else field.name for field in fields(BROKER)
)
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "store": tuple(STORE),
    "network": tuple(NETWORK),
    "provider": (*PROVIDER, "provider_down"),
    "broker": (*BROKER_KINDS, "broker_down", "broker_wiped", "cut_off"),
    "crash": ("crash", "crash_at_statement", "crash_before_commit", "crash_after_commit"),
    "clock": ("clock_forward", "clock_back", DRIFT),
}
KINDS: Final = tuple(dict.fromkeys((*STORE, *NETWORK, *PROVIDER, *BROKER_KINDS, *PLANNED, DRIFT)))
_LIKELIHOODS: Final[Mapping[str, float]] = {**STORE, **NETWORK, **PROVIDER}


def parse_faults(text: str) -> frozenset[str]:
    """`all`, `none`, or names of kinds and groups with commas. Raises `Misconfigured`."""
    if text in ("all", "none"):
        return frozenset(KINDS if text == "all" else ())
    chosen: set[str] = set()
    for name in text.split(","):
        if name in GROUPS:
            chosen.update(GROUPS[name])
        elif name in KINDS:
            chosen.add(name)
        else:
            raise Misconfigured(f"no such fault: {name}; there are {', '.join((*GROUPS, *KINDS))}")
    return frozenset(chosen)


class Faults:
    """What may go wrong in one run. `heal` ends it: from then on nothing does."""

    def __init__(self, kinds: Iterable[str], chance: Random) -> None:
        self.kinds = frozenset(kinds)
        self.chance = chance
        self.injected: Counter[str] = Counter()
        self.healed = False

    def strikes(self, kind: str) -> bool:
        """Whether the fault of this kind happens now."""
        if self.healed or kind not in self.kinds or self.chance.random() >= _LIKELIHOODS[kind]:
            return False
        self.injected[kind] += 1
        return True

    def happens(self, kind: str) -> bool:
        """Whether a planned fault is to happen; it is counted."""
        if self.healed or kind not in self.kinds:
            return False
        self.injected[kind] += 1
        return True

    def heal(self) -> None:
        self.healed = True

    def broker(self) -> BrokerFaults:
        """The broker's own, as far as they are on."""
        chosen = {
            field.name: getattr(BROKER, field.name)
            for field, kind in zip(fields(BROKER), BROKER_KINDS, strict=True)
            if kind in self.kinds
        }
        return BrokerFaults(**chosen)
