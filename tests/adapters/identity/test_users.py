"""Users, their profiles and addresses, on memory and on PostgreSQL."""

import pytest

from feira.contracts.identity import SessionRevoked, UserRegistered
from feira.services.identity.application.change_password import ChangePassword, PasswordChanged
from feira.services.identity.application.change_profile import ChangeProfile
from feira.services.identity.application.ensure_user import EnsureUser
from feira.services.identity.application.keep_addresses import (
    AddAddress,
    RemoveAddress,
    ReplaceAddress,
)
from feira.services.identity.application.ports import Credentials
from feira.services.identity.domain.address_book import (
    ADDRESS_NOT_FOUND,
    ADDRESSES_MAX,
    TOO_MANY_ADDRESSES,
)
from feira.services.identity.domain.user import (
    EMAIL_TAKEN,
    NO_USER,
    USER_ID_TAKEN,
    WRONG_PASSWORD,
    Role,
)
from tests.unit.identity.world import ANA, START, World, address, register

NOBODY = 404


async def test_who_registers_is_a_customer_and_is_told_of(world: World) -> None:
    told = await world.do(register())
    [user] = told.outcomes
    assert (user.email, user.name, user.role, user.phone) == (ANA, "Ana", Role.CUSTOMER, None)
    assert told.messages == [UserRegistered(user_id=user.id, email=ANA, name="Ana")]
    assert await world.queries.user(user.id) == user
    assert user.created_at == START


async def test_an_address_is_registered_once(world: World) -> None:
    await world.registered()
    told = await world.do(register(), register("bob@example.com"), register("bob@example.com"))
    assert [outcome is EMAIL_TAKEN for outcome in told.outcomes] == [True, False, True]
    assert len(told.messages) == 1
    assert len((await world.read()).users) == 2


async def test_what_a_password_is_checked_against(world: World) -> None:
    user = await world.registered()
    known = Credentials(ANA, user.id, "right", None)
    assert await world.queries.credentials(ANA) == known
    assert await world.queries.credentials_of(user.id) == known
    assert await world.queries.credentials("nobody@example.com") == Credentials(
        "nobody@example.com"
    )
    assert await world.queries.credentials_of(NOBODY) is None
    assert await world.queries.user(NOBODY) is None


async def test_a_profile_changes_in_what_is_said(world: World) -> None:
    user = await world.registered()
    await world.do(ChangeProfile(user.id, phone="+5511999990000"))
    await world.do(ChangeProfile(user.id, name="Ana Silva"))
    changed = await world.queries.user(user.id)
    assert changed is not None
    assert (changed.name, changed.phone) == ("Ana Silva", "+5511999990000")
    [cleared] = (await world.do(ChangeProfile(user.id, phone=None))).outcomes
    assert (cleared.name, cleared.phone) == ("Ana Silva", None)
    assert (await world.do(ChangeProfile(NOBODY, name="X"))).outcomes == [NO_USER]


async def test_a_changed_password_ends_all_other_sessions(world: World) -> None:
    user = await world.registered()
    here, there = (await world.logged_in(user))[0], (await world.logged_in(user))[0]
    told = await world.do(ChangePassword(user.id, ANA, here.id, "right", "new"))
    [changed] = told.outcomes
    assert isinstance(changed, PasswordChanged)
    assert [session.id for session in changed.ended] == [there.id]
    assert [m.session_id for m in told.messages if isinstance(m, SessionRevoked)] == [there.id]
    assert (await world.session(here.id)).ended_at is None
    assert (await world.session(there.id)).ended_at == START
    assert (await world.queries.credentials(ANA)).password_hash == "new"


@pytest.mark.parametrize("proved_hash", [None, "the hash before the last change"])
async def test_without_a_proof_the_password_stays(world: World, proved_hash: str | None) -> None:
    user = await world.registered()
    session, _ = await world.logged_in(user)
    wrong = ChangePassword(user.id, ANA, session.id, proved_hash, "new")
    told = await world.do(*[wrong] * 11)
    assert told.outcomes[:10] == [WRONG_PASSWORD] * 10
    assert told.outcomes[10].code == "too_many_attempts"
    assert (await world.queries.credentials(ANA)).password_hash == "right"


async def test_addresses_are_kept_in_the_order_they_were_added(world: World) -> None:
    user = await world.registered()
    added = (await world.do(*(AddAddress(user.id, address(f"Rua {n}")) for n in range(3)))).outcomes
    changed = address("Rua Nova")
    await world.do(ReplaceAddress(user.id, added[1], changed), RemoveAddress(user.id, added[0]))
    assert list((await world.queries.addresses(user.id)).items()) == [
        (added[1], changed),
        (added[2], address("Rua 2")),
    ]
    assert await world.queries.addresses(NOBODY) == {}


async def test_there_is_room_for_twenty(world: World) -> None:
    user = await world.registered()
    told = await world.do(*[AddAddress(user.id, address())] * (ADDRESSES_MAX + 1))
    assert told.outcomes[-1] is TOO_MANY_ADDRESSES
    assert len(await world.queries.addresses(user.id)) == ADDRESSES_MAX == 20
    await world.do(RemoveAddress(user.id, told.outcomes[0]))
    [again] = (await world.do(AddAddress(user.id, address()))).outcomes
    assert isinstance(again, int)


async def test_nobody_reaches_anothers_addresses(world: World) -> None:
    ana, bob = await world.registered(), await world.registered("bob@example.com")
    [address_id] = (await world.do(AddAddress(ana.id, address()))).outcomes
    told = await world.do(
        ReplaceAddress(bob.id, address_id, address("Mine")),
        RemoveAddress(bob.id, address_id),
        AddAddress(NOBODY, address()),
    )
    assert set(told.outcomes) == {ADDRESS_NOT_FOUND, NO_USER}
    assert await world.queries.addresses(ana.id) == {address_id: address()}


async def test_a_user_registered_in_the_same_batch_has_an_address_book(world: World) -> None:
    user_id = 7
    ensure = EnsureUser(ANA, "Ana", Role.CUSTOMER, "right", user_id)
    _, address_id = (await world.do(ensure, AddAddress(user_id, address()))).outcomes
    assert await world.queries.addresses(user_id) == {address_id: address()}


def ensure_admin(password_hash: str = "admin's", user_id: int | None = None) -> EnsureUser:
    return EnsureUser("admin@example.com", "Admin", Role.ADMIN, password_hash, user_id)


async def test_an_administrator_is_made_once(world: World) -> None:
    told = await world.do(ensure_admin(user_id=1))
    assert told.outcomes[0].id == 1
    assert told.messages == [UserRegistered(user_id=1, email="admin@example.com", name="Admin")]
    again = await world.do(ensure_admin("another", user_id=2))
    assert (again.outcomes[0].id, again.messages) == (1, [])
    [admin] = (await world.read()).users.values()
    assert (admin.role, admin.password_hash) == (Role.ADMIN, "admin's")


async def test_who_took_the_administrators_address_first_gains_nothing(world: World) -> None:
    thief = await world.registered("admin@example.com", "the thief's")
    session, _ = await world.logged_in(thief)
    told = await world.do(ensure_admin())
    assert told.outcomes[0].id == thief.id
    assert [message.key for message in told.messages] == [session.id]
    assert (await world.session(session.id)).ended_at == START
    admin = (await world.read()).users[thief.id]
    assert (admin.role, admin.password_hash) == (Role.ADMIN, "admin's")


async def test_an_id_is_one_users(world: World) -> None:
    await world.do(ensure_admin(user_id=1))
    told = await world.do(EnsureUser(ANA, "Ana", Role.CUSTOMER, "right", 1))
    assert told.outcomes == [USER_ID_TAKEN]
    assert len((await world.read()).users) == 1
