"""What the identity API answers (E6)."""

from collections.abc import Mapping
from dataclasses import asdict

import msgspec

from feira.chassis.http.answers import NO_CONTENT, json_answer
from feira.chassis.http.problems import problem_answer
from feira.chassis.work import Answer
from feira.kernel.errors import Refused
from feira.services.identity.domain.address_book import ADDRESSES_MAX, Address
from feira.services.identity.domain.user import User


class UserView(msgspec.Struct):
    id: int
    email: str
    name: str
    role: str


class ProfileView(UserView):
    phone: str | None
    created_at: str


class TokensView(msgspec.Struct):
    """RFC 6749, section 5.1."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - a type, not a token


class AddressView(msgspec.Struct, kw_only=True):
    id: int
    street: str
    number: str
    city: str
    state: str
    country: str
    zipcode: str
    district: str | None
    complement: str | None
    recipient: str | None
    label: str | None


class AddressesView(msgspec.Struct):
    items: list[AddressView]
    total: int
    page: int = 1
    limit: int = ADDRESSES_MAX


def registered_answer(outcome: User | Refused, path: str) -> Answer:
    if isinstance(outcome, Refused):
        return problem_answer(outcome, path)
    return json_answer(201, UserView(outcome.id, outcome.email, outcome.name, outcome.role))


def profile_view(user: User) -> ProfileView:
    created_at = user.created_at.isoformat()
    return ProfileView(user.id, user.email, user.name, user.role, user.phone, created_at)


def profile_answer(outcome: User | Refused, path: str) -> Answer:
    if isinstance(outcome, Refused):
        return problem_answer(outcome, path)
    return json_answer(200, profile_view(outcome))


def address_view(address_id: int, address: Address) -> AddressView:
    return AddressView(id=address_id, **asdict(address))


def addresses_view(addresses: Mapping[int, Address]) -> AddressesView:
    items = [address_view(address_id, address) for address_id, address in addresses.items()]
    return AddressesView(items, len(items))


def kept_answer(outcome: int | Refused, address: Address, status: int, path: str) -> Answer:
    """What adding and replacing an address answer."""
    if isinstance(outcome, Refused):
        return problem_answer(outcome, path)
    return json_answer(status, address_view(outcome, address))


def done_answer(outcome: object, path: str) -> Answer:
    """204, unless it was refused."""
    return problem_answer(outcome, path) if isinstance(outcome, Refused) else NO_CONTENT
