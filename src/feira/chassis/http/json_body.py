"""JSON bodies: what is text, what is JSON, what fits a type, and where it does not.

400 `not_json` for what is no JSON (broken, bad UTF-8, NaN, trailing bytes, nested too deep), 422
`invalid_text` for NUL and lone surrogates (PostgreSQL keeps neither), 422 `invalid_body` with JSON
pointers (RFC 6901) for values that do not fit.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

import msgspec

from feira.chassis.http.problems import INVALID_TEXT
from feira.kernel.errors import Category, FieldError, Refused, Rejected

T = TypeVar("T")

# Any run of plain bytes, other escapes, or legal \u escapes; possessive, so it takes linear time.
_STORABLE: Final = re.compile(
    rb"(?:[^\\]++"
    rb"|\\[^u]"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u(?!0000|[dD][89a-fA-F]))*+\\?",
    re.DOTALL,
)
ANY_KEY: Final = "..."  # how msgspec writes a key of a dict

_AT: Final = re.compile(r" - at `(?:key` in `)?\$(?P<path>.*)`$", re.DOTALL)
_FIELD: Final = re.compile(r"(?:required|unknown) field `(?P<name>[^`]+)`")
_STEP: Final = re.compile(r"\[(?P<index>\d+|\.{3})\]|\.(?P<name>[^.\[]+)")

NUMBER_LENGTH_MAX: Final = 64
NUMBER_EXPONENT_MAX: Final = 320
"""As far as a float goes: an int of it is made in no time, and its field refuses it by name."""


def _exact(text: str) -> Decimal:
    """A fraction without rounding. An int made of 1e999999999 would never be done: it is refused
    here, whatever the field's type."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(_BEYOND_RANGE) from None
    if len(text) > NUMBER_LENGTH_MAX or abs(number.adjusted()) > NUMBER_EXPONENT_MAX:
        raise ValueError(_BEYOND_RANGE)
    return number


_BEYOND_RANGE: Final = "The number is beyond what any field takes"
_UNTYPED: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=_exact)
_SYNTAX: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=str)
"""Takes whatever is JSON."""
_DECODERS: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}
"""One a type that some route decodes: as many as the code has."""


def is_json(content_type: bytes | None) -> bool:
    """Whether a body of this type is read as JSON; a missing type is taken as JSON."""
    if content_type is None or content_type == b"application/json":
        return True
    media_type = content_type.split(b";", 1)[0].strip().lower()
    return media_type == b"application/json" or (
        media_type.startswith(b"application/") and media_type.endswith(b"+json")
    )


def check_text(body: bytes) -> None:
    """Refuse escapes that mean NUL or half a character, knowing `\\\\u0000` from `\\u0000`."""
    if b"\\u" in body and _STORABLE.fullmatch(body) is None:
        raise Rejected(INVALID_TEXT)


def decode_struct(body: bytes, kind: type[T]) -> T:
    """`body` as a `kind` (a msgspec struct, or any type msgspec decodes)."""
    decoder: msgspec.json.Decoder[T] | None = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    return _decode(body, decoder)


def decode_untyped(body: bytes) -> Any:
    """`body` as dicts, lists and plain values; fractions come as `Decimal`, without rounding."""
    return _decode(body, _UNTYPED)


def _decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    check_text(body)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        if decoder is not _SYNTAX:
            _decode(body, _SYNTAX)  # a value may look wrong because of broken JSON further on
        raise Rejected(_invalid_body(str(error))) from error
    except RecursionError as error:
        raise Rejected(_not_json("it is nested too deeply")) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Rejected(_not_json(str(error))) from error


def _not_json(why: str) -> Refused:
    return Refused(Category.MALFORMED, "not_json", f"The body is not JSON: {why}.")


def _invalid_body(message: str) -> Refused:
    located = _AT.search(message)
    detail = message[: located.start()] if located else message
    pointer = _pointer(located["path"] if located else "", detail)
    return invalid_body((FieldError(pointer, detail),))


def invalid_body(errors: tuple[FieldError, ...]) -> Refused:
    """422: the body is JSON, but its values do not fit."""
    return Refused(Category.INVALID, "invalid_body", "The body has values that do not fit.", errors)


def _pointer(path: str, detail: str) -> str:
    """msgspec's `.items[0]` as `/items/0`, with the field that is missing or unknown at its end."""
    steps = [step["index"] or step["name"] for step in _STEP.finditer(path)]
    if field := _FIELD.search(detail):
        steps.append(field["name"])
    return "".join(
        f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps if step != ANY_KEY
    )
