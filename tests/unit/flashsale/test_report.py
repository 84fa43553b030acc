"""The fairness report: who won in which order, who was refused and why, and its page."""

import re
from datetime import timedelta
from typing import Any

from feira.services.flashsale.adapters.report_page import ReportPage
from feira.services.flashsale.domain.claim import ClaimStatus
from feira.services.flashsale.domain.report import (
    CountOf,
    CrowdCount,
    DropReport,
    ReportedClaim,
    bound_of,
    quantiles,
    report_on,
)
from tests.unit.flashsale.standings import NOON, standing

DROP = standing(units=3, left=0, sold=3, version=12)


def claim(seq: int, **about: Any) -> ReportedClaim:
    """Arrived `at_ms` after the opening, won at `won_ms`, settled at `settled_ms`."""
    status = about.get("status", ClaimStatus.SOLD)
    won_ms, settled_ms = about.get("won_ms", seq * 10), about.get("settled_ms", seq * 1_000)
    return ReportedClaim(
        seq=seq,
        customer_id=100 + seq,
        status=status,
        arrived_at=NOON + timedelta(milliseconds=about.get("at_ms", seq)),
        decided_at=NOON + timedelta(milliseconds=seq * 10),
        order_id=None if status is ClaimStatus.WAITING else 9_000 + seq,
        queue_no=about.get("queue_no"),
        won_at=None if status is ClaimStatus.WAITING else NOON + timedelta(milliseconds=won_ms),
        settled_at=NOON + timedelta(milliseconds=settled_ms)
        if status in (ClaimStatus.SOLD, ClaimStatus.LAPSED)
        else None,
    )


CLAIMS = [
    claim(1),
    claim(2, status=ClaimStatus.LAPSED),
    claim(3),
    claim(4, queue_no=1, won_ms=2_010, settled_ms=4_000),
    claim(5, queue_no=2, status=ClaimStatus.WAITING),
]
COUNTS = [
    CrowdCount(70, CountOf.REFUSAL, "already_claimed", 4),
    CrowdCount(70, CountOf.REFUSAL, "sold_out", 10),
    CrowdCount(70, CountOf.MEMORY_REFUSAL, "sold_out", 9_000),
    CrowdCount(70, CountOf.ANSWER_MS, "10", 90),
    CrowdCount(70, CountOf.ANSWER_MS, "50", 10),
]


def a_report() -> DropReport:
    return report_on(DROP, CLAIMS, COUNTS, arrivals=0, admitted=0)


def test_winners_stand_in_the_order_of_their_units() -> None:
    report = a_report()
    assert [winner.seq for winner in report.winners] == [1, 2, 3, 4]
    assert [winner.from_queue for winner in report.winners] == [False, False, False, True]
    assert report.winners[3].after_ms == 2_010
    assert report.winners[3].paid_after_ms == 1_990
    assert report.winners[1].paid_after_ms is None, "it was never paid"
    assert (report.claims, report.lapsed) == (5, 1)


def test_refusals_are_added_up_by_reason_also_those_from_memory() -> None:
    report = a_report()
    assert report.refusals == [("sold_out", 9_010), ("already_claimed", 4)]
    assert report.refused_from_memory == 9_000


def test_times_are_upper_bounds_of_what_was_counted() -> None:
    answers = a_report().answers
    assert (answers.p50_ms, answers.p90_ms, answers.p99_ms) == (10, 10, 50)
    assert (bound_of(0.4), bound_of(1), bound_of(1.1), bound_of(10**9)) == (1, 1, 2, 60_000)
    assert quantiles([]).p50_ms is None


def test_who_was_overtaken_shows() -> None:
    assert a_report().overtaken_ms_max == 0
    claims = [claim(1, at_ms=50), claim(2, at_ms=20), claim(3, at_ms=45), claim(4, at_ms=60)]
    assert report_on(DROP, claims, [], 0, 0).overtaken_ms_max == 30


def test_the_page_stands_alone_and_runs_nothing() -> None:
    page, policy = ReportPage().render(a_report())
    text = page.decode()
    assert "Relatório da oferta relâmpago" in text
    assert "Flash sale report" in text
    assert "9.010" in text
    assert not re.search(r"<script|javascript:|\son\w+=|https?://|url\(|@import", text)
    assert not re.search(r'\sstyle="', text), "the policy allows the page's own sheet alone"
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert text.count("<path") == 2


def test_what_others_wrote_is_escaped() -> None:
    counts = [CrowdCount(70, CountOf.REFUSAL, "<script>alert(1)</script>", 1)]
    page, _ = ReportPage().render(report_on(DROP, CLAIMS, counts, 0, 0))
    assert b"<script" not in page
    assert b"&lt;script&gt;" in page


def test_a_drop_that_nobody_won_has_a_page_too() -> None:
    page, _ = ReportPage().render(report_on(standing(), [], [], 0, 0))
    assert "Nobody has won anything" in page.decode()
