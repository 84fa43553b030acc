"""The fairness report of a drop: who came, who won and in which order, who was refused and why.

Claims are as the database has them. What never reached it (refusals, and the times of answers) is
counted by each process in memory and added up every few seconds; a process that is killed takes its
last few seconds of counts along, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

from feira.services.flashsale.domain.claim import ClaimStatus
from feira.services.flashsale.domain.standing import Standing

ANSWER_MS_BOUNDS: Final = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 350, 500, 750),
    *(1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 20_000, 60_000),
)
"""An answer that took longer than the last is counted there."""
QUANTILES: Final = (0.5, 0.9, 0.99)


class CountOf(StrEnum):
    """What is counted; the name beside it is a code, or an upper bound in milliseconds."""

    REFUSAL = "refusal"
    MEMORY_REFUSAL = "memory_refusal"
    ANSWER_MS = "answer_ms"


@dataclass(frozen=True, slots=True)
class CrowdCount:
    drop_id: int
    kind: CountOf
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class ReportedClaim:
    seq: int
    customer_id: int
    status: ClaimStatus
    arrived_at: datetime
    decided_at: datetime
    order_id: int | None
    queue_no: int | None
    won_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Upper bounds, in milliseconds, of what the named share was below; None when none was."""

    p50_ms: int | None
    p90_ms: int | None
    p99_ms: int | None


@dataclass(frozen=True, slots=True)
class Winner:
    """`after_ms` from the opening to the unit; `paid_after_ms` from then until it was paid."""

    seq: int
    customer_id: int
    order_id: int
    status: ClaimStatus
    from_queue: bool
    after_ms: int
    paid_after_ms: int | None


@dataclass(frozen=True, slots=True)
class DropReport:
    standing: Standing
    arrivals: int
    """Places that the waiting room gave out; 0 when it is off."""
    admitted: int
    claims: int
    """Claims that got a unit or a number in the queue."""
    winners: Sequence[Winner]
    lapsed: int
    """Units that were held and not paid."""
    refusals: Sequence[tuple[str, int]]
    """Codes and how often they were answered, the most frequent first."""
    refused_from_memory: int
    answers: Quantiles
    """From the arrival of a claim at a process to its answer, those from memory left out."""
    payments: Quantiles
    """From the unit to its payment."""
    overtaken_ms_max: int
    """By how much, at most, a claim was taken in before one that had arrived earlier."""


def report_on(
    standing: Standing,
    claims: Sequence[ReportedClaim],
    counts: Sequence[CrowdCount],
    arrivals: int,
    admitted: int,
) -> DropReport:
    """Put together; `claims` in the order of their `seq`."""
    refused = _refusals(counts)
    paid = [
        _ms(claim.won_at, claim.settled_at)
        for claim in claims
        if claim.status is ClaimStatus.SOLD and claim.won_at and claim.settled_at
    ]
    return DropReport(
        standing=standing,
        arrivals=arrivals,
        admitted=min(arrivals, admitted),
        claims=len(claims),
        winners=_winners(standing.starts_at, claims),
        lapsed=sum(claim.status is ClaimStatus.LAPSED for claim in claims),
        refusals=sorted(refused.items(), key=lambda item: (-item[1], item[0])),
        refused_from_memory=sum(c.count for c in counts if c.kind is CountOf.MEMORY_REFUSAL),
        answers=_answer_quantiles(counts),
        payments=quantiles([(ms, 1) for ms in sorted(paid)]),
        overtaken_ms_max=_overtaken_ms_max(claims),
    )


def quantiles(values: Sequence[tuple[int, int]]) -> Quantiles:
    """Of (value, count) pairs in ascending order."""
    total = sum(count for _, count in values)
    found: list[int | None] = []
    for share in QUANTILES:
        seen, answer = 0, None
        for value, count in values:
            seen += count
            if total and seen >= share * total:
                answer = value
                break
        found.append(answer)
    return Quantiles(*found)


def bound_of(milliseconds: float) -> int:
    """The bound under which a time is counted."""
    return next((b for b in ANSWER_MS_BOUNDS if milliseconds <= b), ANSWER_MS_BOUNDS[-1])


def _refusals(counts: Sequence[CrowdCount]) -> dict[str, int]:
    refused: dict[str, int] = {}
    for count in counts:
        if count.kind in (CountOf.REFUSAL, CountOf.MEMORY_REFUSAL):
            refused[count.name] = refused.get(count.name, 0) + count.count
    return refused


def _answer_quantiles(counts: Sequence[CrowdCount]) -> Quantiles:
    times = [(int(c.name), c.count) for c in counts if c.kind is CountOf.ANSWER_MS]
    return quantiles(sorted(times))


def _winners(opened_at: datetime, claims: Sequence[ReportedClaim]) -> list[Winner]:
    """In the order in which they were given their units."""
    winners = [
        Winner(
            seq=claim.seq,
            customer_id=claim.customer_id,
            order_id=claim.order_id,
            status=claim.status,
            from_queue=claim.queue_no is not None,
            after_ms=_ms(opened_at, claim.won_at),
            paid_after_ms=(
                _ms(claim.won_at, claim.settled_at)
                if claim.status is ClaimStatus.SOLD and claim.settled_at
                else None
            ),
        )
        for claim in claims
        if claim.won_at is not None and claim.order_id is not None
    ]
    return sorted(winners, key=lambda winner: (winner.after_ms, winner.seq))


def _overtaken_ms_max(claims: Sequence[ReportedClaim]) -> int:
    """The clocks of several processes differ a little: so may this."""
    latest, worst = None, 0
    for before, claim in pairwise(claims):
        latest = max(latest or before.arrived_at, before.arrived_at)
        worst = max(worst, _ms(claim.arrived_at, latest))
    return worst


def _ms(since: datetime, until: datetime) -> int:
    return round((until - since).total_seconds() * 1000)
