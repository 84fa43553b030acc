"""Field types of bodies, queries and paths: text that a database can keep, ids, amounts.

For FastAPI (pydantic) as annotated types; for msgspec structs as annotated types and functions to
call after decoding, since a `Decimal` field of msgspec is read from the JSON text exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

import msgspec
from annotated_types import GroupedMetadata
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from feira.chassis.http.json_body import invalid_body
from feira.kernel.errors import FieldError, Rejected
from feira.kernel.ids import NUMBER_MAX
from feira.kernel.money import CENTS_MAX, to_cents, to_decimal

PAGE_LIMIT_DEFAULT: Final = 20
PAGE_LIMIT_MAX: Final = 100
PAGE_MAX: Final = 10_000

_DIGITS_MAX: Final = len(str(NUMBER_MAX))
_NO_ID: Final = "must be a whole number from 1 to 2^53 - 1"
_ID_SCHEMA: Final[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": NUMBER_MAX}
_AMOUNT_SCHEMA: Final[dict[str, Any]] = {
    "type": "number",
    "minimum": 0,
    "maximum": float(to_decimal(CENTS_MAX)),
    "description": "In BRL, with at most two decimals",
    "examples": [19.99],
}


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can keep it: no NUL, no lone surrogates."""
    if "\0" in text:
        return False
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError:
        return False
    return True


def parse_id(value: Any) -> int:
    """A positive integer below 2^53, given as a number or a numeric string; raises ValueError."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and value[0] != "0":
        value = int(value) if len(value) <= _DIGITS_MAX else 0
    if type(value) is not int or not 1 <= value <= NUMBER_MAX:
        raise ValueError(_NO_ID)
    return value


def parse_amount(value: Any) -> int:
    """A JSON number with at most two decimals, in cents; raises ValueError.

    Exact for `Decimal` and `int`, which is how JSON bodies arrive; a string is taken too, since a
    query has nothing else.
    """
    if type(value) is str and len(value) <= 32:
        value = _decimal(value)
    if type(value) is int:
        value = Decimal(value)
    if type(value) is not Decimal:
        raise ValueError("must be a number with at most two decimals")
    return to_cents(value)


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("must hold neither NUL characters nor lone surrogates")
    return text


@dataclass(frozen=True, slots=True)
class Text(GroupedMetadata):
    """For pydantic: `name: Annotated[str, Text(max_length=200)]`. Strips nothing."""

    max_length: int
    min_length: int = 1

    def __iter__(self) -> Iterator[Any]:
        yield Field(min_length=self.min_length, max_length=self.max_length)
        yield AfterValidator(_storable)


PositiveId = Annotated[
    int, BeforeValidator(parse_id, json_schema_input_type=int), WithJsonSchema(_ID_SCHEMA)
]
"""For pydantic: an id, as a number or a numeric string."""

Amount = Annotated[int, BeforeValidator(parse_amount), WithJsonSchema(_AMOUNT_SCHEMA)]
"""For pydantic: a JSON number with at most two decimals, which becomes integer cents."""

IdNumber = Annotated[int | str, msgspec.Meta(description="An id: a number or a numeric string")]
"""For msgspec structs: pass the decoded value to `id_of`."""

AmountNumber = Annotated[Decimal, msgspec.Meta(extra_json_schema=_AMOUNT_SCHEMA)]
"""For msgspec structs: pass the decoded value to `cents_of`."""


def id_of(value: int | str, pointer: str) -> int:
    """The id of an `IdNumber`; raises `Rejected` (422) that names the field by `pointer`."""
    try:
        return parse_id(value)
    except ValueError as error:
        raise wrong_field(pointer, str(error)) from error


def cents_of(value: Decimal, pointer: str) -> int:
    """The cents of a `AmountNumber`; raises `Rejected` (422) that names the field by `pointer`."""
    try:
        return to_cents(value)
    except ValueError as error:
        raise wrong_field(pointer, str(error)) from error


def wrong_field(pointer: str, detail: str) -> Rejected:
    """422 for one field, by its JSON pointer (`/items/0/quantity`): for rules of your own."""
    return Rejected(invalid_body((FieldError(pointer, detail),)))


PageNumber = Annotated[int, Field(ge=1, le=PAGE_MAX)]
PageLimit = Annotated[int, Field(ge=1, le=PAGE_LIMIT_MAX)]
