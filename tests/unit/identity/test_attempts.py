"""The bucket of failed attempts: how many guesses tell the guesser anything."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from feira.kernel.errors import Refused
from feira.services.identity.application.log_in import INVALID_CREDENTIALS
from feira.services.identity.domain.attempts import USER_LIMIT, Attempts, judge
from feira.services.identity.domain.user import Role, User

NOW = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
USER = User(1, "ana@example.com", "Ana", Role.CUSTOMER, "right", NOW)


def tries(attempts: Attempts, how_many: int, now: datetime = NOW) -> list[User | Refused]:
    return [judge(attempts, None, INVALID_CREDENTIALS, now) for _ in range(how_many)]


def told(outcomes: list[User | Refused]) -> int:
    """How many guesses were answered by what the password was."""
    return sum(outcome is INVALID_CREDENTIALS for outcome in outcomes)


def test_ten_wrong_passwords_are_told_from_right_ones_and_no_more() -> None:
    attempts = Attempts(USER.email, NOW)
    outcomes = tries(attempts, 50)
    assert told(outcomes) == USER_LIMIT.failures_max == 10
    assert {o.code for o in outcomes[10:] if isinstance(o, Refused)} == {"too_many_attempts"}


def test_a_right_password_is_refused_too_while_the_bucket_is_full() -> None:
    attempts = Attempts(USER.email, NOW)
    tries(attempts, 10)
    refused = judge(attempts, USER, INVALID_CREDENTIALS, NOW)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.retry_after_seconds) == ("too_many_attempts", 90)


def test_after_the_time_that_was_told_the_next_try_counts() -> None:
    attempts = Attempts(USER.email, NOW)
    tries(attempts, 10)
    assert judge(attempts, USER, INVALID_CREDENTIALS, NOW + timedelta(seconds=90)) is USER


def test_a_refused_try_does_not_lengthen_the_wait() -> None:
    attempts = Attempts(USER.email, NOW)
    tries(attempts, 10)
    before = attempts.empty_at
    tries(attempts, 100)
    assert attempts.empty_at == before


def test_a_right_password_forgives_the_wrong_ones_before_it() -> None:
    attempts = Attempts(USER.email, NOW)
    tries(attempts, 9)
    assert judge(attempts, USER, INVALID_CREDENTIALS, NOW) is USER
    assert told(tries(attempts, 50)) == 10


@given(gaps_seconds=st.lists(st.floats(0, 400), max_size=200))
def test_no_timing_of_guesses_gets_more_than_the_bucket_and_its_leak(
    gaps_seconds: list[float],
) -> None:
    attempts, now, answered = Attempts(USER.email, NOW), NOW, 0
    for gap in gaps_seconds:
        now += timedelta(seconds=gap)
        answered += told(tries(attempts, 1, now))
    leaked = (now - NOW) / USER_LIMIT.forgiven_every
    assert answered <= USER_LIMIT.failures_max + leaked
