"""Ended sessions are remembered as long as their tokens could last, and no longer."""

from datetime import timedelta

from feira.chassis.auth.revocations import RevokedSessions
from tests.things import START

HOUR = timedelta(hours=1)


def test_a_session_stays_ended_until_its_tokens_have_expired() -> None:
    revoked = RevokedSessions()
    revoked.revoke("a", START + HOUR)
    revoked.revoke("b", START + 2 * HOUR)
    assert revoked.purge(START + HOUR) == 1
    assert "a" not in revoked
    assert "b" in revoked


def test_the_same_session_ended_twice_lasts_to_the_later_end() -> None:
    revoked = RevokedSessions()
    revoked.revoke("a", START + 2 * HOUR)
    revoked.revoke("a", START + HOUR)
    assert revoked.purge(START + HOUR) == 0
    assert "a" in revoked


def test_when_full_the_one_that_ended_longest_ago_is_forgotten() -> None:
    revoked = RevokedSessions(sessions_max=2)
    for session_id in ("a", "b", "a", "c"):
        revoked.revoke(session_id, START + HOUR)
    assert len(revoked) == 2
    assert "b" not in revoked
