"""Sessions: refresh tokens that are good once, and ends that are final."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.services.identity.domain import session as sessions
from feira.services.identity.domain.session import (
    NOT_REFRESHABLE,
    ROTATIONS_MAX,
    SESSION_LIFE,
    Reused,
    Session,
    end,
    end_all,
    end_surplus,
    open_session,
    rotate,
    tokens_dead_at,
)
from feira.services.identity.domain.user import Role, User

NOW = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
USER = User(1, "ana@example.com", "Ana", Role.CUSTOMER, "hash", NOW)


def token(number: int) -> bytes:
    return number.to_bytes(32, "big")


def opened(session_id: str = "s", at: datetime = NOW) -> Session:
    return open_session(session_id, USER, token(0), at)


def test_a_token_is_exchanged_for_the_next_one() -> None:
    session = opened()
    assert rotate(session, token(0), token(1), NOW) is session
    assert rotate(session, token(1), token(2), NOW) is session
    assert session.is_live(NOW)


def test_a_token_that_comes_again_ends_the_session() -> None:
    session = opened()
    rotate(session, token(0), token(1), NOW)
    assert rotate(session, token(0), token(2), NOW) == Reused(session)
    assert session.ended_at == NOW


def test_then_the_newest_token_is_worth_nothing_either() -> None:
    session = opened()
    rotate(session, token(0), token(1), NOW)
    rotate(session, token(0), token(2), NOW)
    assert rotate(session, token(1), token(3), NOW) is NOT_REFRESHABLE


@given(st.lists(st.integers(0, 5), max_size=30))
def test_only_a_chain_without_any_repeat_stays_alive(steps_back: list[int]) -> None:
    """Each exchange presents the token that was issued so many exchanges ago."""
    session, newest, reused = opened(), 0, False
    for steps in steps_back:
        outcome = rotate(session, token(max(0, newest - steps)), token(newest + 1), NOW)
        reused = reused or (steps > 0 and newest > 0)
        assert isinstance(outcome, Session) is not reused
        newest += not reused
    assert session.is_live(NOW) is not reused


def test_a_session_ends_by_itself_after_thirty_days() -> None:
    session = opened()
    last_moment = NOW + SESSION_LIFE - timedelta(microseconds=1)
    assert rotate(session, token(0), token(1), last_moment) is session
    assert rotate(session, token(1), token(2), NOW + SESSION_LIFE) is NOT_REFRESHABLE
    assert session.expires_at == NOW + timedelta(days=30)


def test_no_session_is_refreshed_for_ever() -> None:
    session = opened()
    session.rotations = ROTATIONS_MAX
    assert rotate(session, token(0), token(1), NOW) is NOT_REFRESHABLE


def test_an_ended_session_stays_as_it_ended() -> None:
    session = opened()
    assert end(session, NOW)
    assert not end(session, NOW + timedelta(hours=1))
    assert session.ended_at == NOW
    assert rotate(session, token(0), token(1), NOW) is NOT_REFRESHABLE


def test_its_access_tokens_are_dead_once_the_last_one_has_expired_by_any_clock() -> None:
    session = opened()
    end(session, NOW)
    assert tokens_dead_at(session) == NOW + timedelta(minutes=16)


def test_only_live_sessions_are_ended() -> None:
    live, ended, expired = opened("a"), opened("b"), opened("c", NOW - SESSION_LIFE)
    end(ended, NOW - timedelta(days=1))
    assert end_all([live, ended, expired], NOW) == [live]
    assert expired.ended_at is None


def test_a_new_session_of_a_user_with_very_many_ends_the_oldest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "SESSIONS_A_USER_MAX", 3)
    existing = [opened(str(n), NOW + timedelta(minutes=n)) for n in (4, 1, 3, 2)]
    ended = end_surplus(existing, NOW + timedelta(hours=1))
    assert [session.id for session in ended] == ["1", "2"]
    assert end_surplus(existing, NOW + timedelta(hours=1)) == []
