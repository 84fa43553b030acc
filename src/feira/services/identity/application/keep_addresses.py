"""Keep one's address book: add, replace, remove an address (E6)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.kernel.errors import Refused
from feira.services.identity.application.ports import IdentityUnitOfWork
from feira.services.identity.domain.address_book import (
    Address,
    AddressBook,
    add,
    remove,
    replace,
)
from feira.services.identity.domain.user import NO_USER


@dataclass(frozen=True, slots=True)
class AddAddress:
    user_id: int
    address: Address


@dataclass(frozen=True, slots=True)
class ReplaceAddress:
    user_id: int
    address_id: int
    address: Address


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    user_id: int
    address_id: int


AddressCommand = AddAddress | ReplaceAddress | RemoveAddress


async def keep_addresses(
    commands: Sequence[AddressCommand], uow: IdentityUnitOfWork
) -> list[int | Refused]:
    """The ids of the addresses."""
    books = await uow.address_books.get_many_for_update(c.user_id for c in commands)
    outcomes = [_keep(books.get(command.user_id), command, uow) for command in commands]
    uow.address_books.save_many(books[c.user_id] for c in commands if c.user_id in books)
    return outcomes


def _keep(
    book: AddressBook | None, command: AddressCommand, uow: IdentityUnitOfWork
) -> int | Refused:
    if book is None:
        return NO_USER
    match command:
        case AddAddress(address=address):
            address_id = uow.ids.number()
            return add(book, address_id, address) or address_id
        case ReplaceAddress(address_id=address_id, address=address):
            return replace(book, address_id, address) or address_id
        case RemoveAddress(address_id=address_id):
            return remove(book, address_id) or address_id
