"""The addresses a user has things delivered to (E6)."""

from dataclasses import dataclass, field
from typing import Final

from feira.kernel.errors import Category, Refused

ADDRESSES_MAX: Final = 20

TOO_MANY_ADDRESSES: Final = Refused(
    Category.CONFLICT,
    "too_many_addresses",
    f"An address book has room for {ADDRESSES_MAX} addresses.",
)
ADDRESS_NOT_FOUND: Final = Refused(
    Category.NOT_FOUND, "address_not_found", "There is no such address."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to deliver; `label` is the user's own name for it."""

    street: str
    number: str
    city: str
    state: str
    country: str
    zipcode: str
    district: str | None = None
    complement: str | None = None
    recipient: str | None = None
    label: str | None = None


@dataclass(slots=True)
class AddressBook:
    """By address id, in the order they were added."""

    user_id: int
    addresses: dict[int, Address] = field(default_factory=dict)


def add(book: AddressBook, address_id: int, address: Address) -> Refused | None:
    if len(book.addresses) >= ADDRESSES_MAX:
        return TOO_MANY_ADDRESSES
    book.addresses[address_id] = address
    return None


def replace(book: AddressBook, address_id: int, address: Address) -> Refused | None:
    if address_id not in book.addresses:
        return ADDRESS_NOT_FOUND
    book.addresses[address_id] = address
    return None


def remove(book: AddressBook, address_id: int) -> Refused | None:
    if book.addresses.pop(address_id, None) is None:
        return ADDRESS_NOT_FOUND
    return None
