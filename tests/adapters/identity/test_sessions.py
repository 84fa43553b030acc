"""Sessions and failed logins, on memory and on PostgreSQL."""

from datetime import timedelta

import pytest

from feira.contracts.identity import SessionRevoked
from feira.services.identity.application.forget_expired import ForgetExpired
from feira.services.identity.application.log_in import INVALID_CREDENTIALS, LogIn
from feira.services.identity.application.log_out import LogOut
from feira.services.identity.application.refresh_session import RefreshSession
from feira.services.identity.application.repeat_revocations import RepeatRevocations
from feira.services.identity.domain import session as sessions
from feira.services.identity.domain.session import (
    NOT_REFRESHABLE,
    SESSION_LIFE,
    Reused,
    Session,
)
from feira.services.identity.domain.user import Role
from tests.unit.identity.world import ANA, START, World, hashed, wrong_login

DEAD_AT = int((START + timedelta(minutes=16)).timestamp())


async def test_a_login_opens_a_session_for_thirty_days(world: World) -> None:
    user = await world.registered()
    session, token = await world.logged_in(user)
    assert await world.session(session.id) == Session(
        session.id, user.id, Role.CUSTOMER, token, START, START + SESSION_LIFE
    )


async def test_a_wrong_password_opens_none_whoever_it_is_for(world: World) -> None:
    user = await world.registered()
    told = await world.do(wrong_login(ANA, user.id), wrong_login("nobody@example.com"))
    assert told.outcomes == [INVALID_CREDENTIALS, INVALID_CREDENTIALS]
    assert (await world.read()).sessions == {}
    for email in (ANA, "nobody@example.com"):
        counted = await world.queries.credentials(email)
        assert counted.empty_at == START + timedelta(seconds=90)


async def test_a_password_changed_since_it_was_checked_proves_nothing(world: World) -> None:
    user = await world.registered()
    told = await world.do(LogIn(ANA, user.id, "the hash before", world.new_token()))
    assert told.outcomes == [INVALID_CREDENTIALS]


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_guesses_made_at_once_cannot_pass_the_limit(world: World, in_one_batch: bool) -> None:
    user = await world.registered()
    guesses = [wrong_login(ANA, user.id)] * 49
    guesses.append(LogIn(ANA, user.id, "right", world.new_token()))
    batches = [guesses] if in_one_batch else [[guess] for guess in guesses]
    codes = [outcome.code for outcome in (await world.do_in_batches(batches)).outcomes]
    assert codes == ["invalid_credentials"] * 10 + ["too_many_attempts"] * 40


async def test_a_right_password_forgives_the_wrong_ones(world: World) -> None:
    user = await world.registered()
    for _ in range(3):
        await world.do(*[wrong_login(ANA, user.id)] * 9)
        await world.logged_in(user)
    assert (await world.read()).attempts == {}


async def test_tokens_rotate_and_one_that_comes_again_ends_the_session(world: World) -> None:
    session, first = await world.logged_in(await world.registered())
    second, third, fourth = (world.new_token() for _ in range(3))
    for presented, fresh in ((first, second), (second, third)):
        [refreshed] = (await world.do(RefreshSession(presented, fresh))).outcomes
        assert (refreshed.id, refreshed.refresh_hash) == (session.id, fresh)
    told = await world.do(RefreshSession(first, fourth))
    assert isinstance(told.outcomes[0], Reused)
    assert told.messages == [SessionRevoked(session_id=session.id, until=DEAD_AT)]
    told = await world.do(RefreshSession(third, world.new_token()))
    assert (told.outcomes, told.messages) == ([NOT_REFRESHABLE], [])


async def test_of_two_uses_at_once_the_second_ends_the_session(world: World) -> None:
    session, token = await world.logged_in(await world.registered())
    told = await world.do(*(RefreshSession(token, world.new_token()) for _ in range(2)))
    assert [type(outcome) for outcome in told.outcomes] == [Session, Reused]
    assert (await world.session(session.id)).ended_at == START


async def test_a_token_nobody_issued_ends_no_session(world: World) -> None:
    session, _ = await world.logged_in(await world.registered())
    told = await world.do(RefreshSession(hashed("made up"), world.new_token()))
    assert told.outcomes == [NOT_REFRESHABLE]
    assert (await world.session(session.id)).ended_at is None


async def test_a_logout_ends_the_session_and_is_told_once(world: World) -> None:
    session, token = await world.logged_in(await world.registered())
    told = await world.do(LogOut(session.id), LogOut(session.id))
    assert told.messages == [SessionRevoked(session_id=session.id, until=DEAD_AT)]
    assert (await world.do(LogOut(session.id))).messages == []
    told = await world.do(RefreshSession(token, world.new_token()))
    assert told.outcomes == [NOT_REFRESHABLE]


async def test_a_logout_of_an_unknown_session_is_none(world: World) -> None:
    unknown = str(world.ids.uuid7())
    assert (await world.do(LogOut(unknown))).outcomes == [None]


async def test_a_very_busy_users_oldest_session_gives_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SESSIONS_A_USER_MAX", 2)
    user = await world.registered()
    oldest, _ = await world.logged_in(user)
    world.pass_time(seconds=1)
    await world.logged_in(user)
    newest, _ = await world.logged_in(user)
    ended = {s.id for s in (await world.read()).sessions.values() if s.ended_at}
    assert ended == {oldest.id}
    assert newest.id not in ended


async def test_revocations_are_repeated_while_an_access_token_may_live(world: World) -> None:
    user = await world.registered()
    ended = []
    for _ in range(3):
        session, _ = await world.logged_in(user)
        await world.do(LogOut(session.id))
        ended.append(session.id)
        world.pass_time(minutes=7)
    told = await world.do(RepeatRevocations(), RepeatRevocations(sessions_max=1))
    assert told.outcomes == [2, 1]
    assert [m.key for m in told.messages] == [ended[1], ended[2], ended[2]]
    until = [m.until for m in told.messages if isinstance(m, SessionRevoked)]
    assert until[0] == DEAD_AT + 7 * 60


async def test_a_session_that_ends_in_the_same_batch_is_repeated_too(world: World) -> None:
    session, _ = await world.logged_in(await world.registered())
    told = await world.do(LogOut(session.id), RepeatRevocations())
    assert [message.key for message in told.messages] == [session.id] * 2


async def test_what_can_have_no_effect_any_more_is_forgotten(world: World) -> None:
    user = await world.registered()
    expired, expired_token = await world.logged_in(user)
    world.pass_time(days=31)
    ended, _ = await world.logged_in(user)
    await world.do(LogOut(ended.id), wrong_login("nobody@example.com"))
    world.pass_time(hours=23)
    live, live_token = await world.logged_in(user)
    assert (await world.do(ForgetExpired())).outcomes == [2], "the expired one and the failure"
    world.pass_time(hours=2)
    assert (await world.do(ForgetExpired(), ForgetExpired())).outcomes == [1, 0]
    tables = await world.read()
    assert tables.tokens == {live_token: live.id}
    assert list(tables.sessions) == [live.id]
    assert tables.attempts == {}
    told = await world.do(RefreshSession(expired_token, world.new_token()), LogOut(expired.id))
    assert told.outcomes == [NOT_REFRESHABLE, None]


async def test_forgetting_is_bounded(world: World) -> None:
    await world.do(*(wrong_login(f"user{n}@example.com") for n in range(5)))
    world.pass_time(minutes=2)
    counts = [(await world.do(ForgetExpired(rows_max=2))).outcomes[0] for _ in range(4)]
    assert counts == [2, 2, 1, 0]
