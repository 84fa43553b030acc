"""Ids, amounts and text, as they come in bodies and queries."""

from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from feira.chassis.http.answers import amount, json_answer
from feira.chassis.http.fields import Amount, PositiveId, Text, cents_of, id_of, is_storable
from feira.chassis.http.json_body import decode_untyped
from feira.kernel.errors import Rejected
from feira.kernel.ids import NUMBER_MAX
from feira.kernel.money import CENTS_MAX

AMOUNT: TypeAdapter[int] = TypeAdapter(Amount)
ID: TypeAdapter[int] = TypeAdapter(PositiveId)
NAME: TypeAdapter[str] = TypeAdapter(Annotated[str, Text(max_length=5)])


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        ("19.99", 1999),
        ("0", 0),
        ("1e2", 100_00),
        ("19.90", 1990),
        ("0.29", 29),
        ("1.1e0", 110),
        ("10000000000", CENTS_MAX),
        ("0.010000", 1),
    ],
)
def test_an_amount_is_read_exactly(written: str, cents: int) -> None:
    assert AMOUNT.validate_python(decode_untyped(written.encode())) == cents
    assert AMOUNT.validate_python(written) == cents
    assert cents_of(Decimal(written), "/x") == cents


@pytest.mark.parametrize(
    "written",
    [
        "1.999",
        "-0.01",
        "1e400",
        "1e-3",
        "10000000000.01",
        "1.0000000000000000000000001",
        "1e999999",
    ],
)
def test_an_amount_out_of_form_is_refused(written: str) -> None:
    with pytest.raises((ValidationError, Rejected)):  # by its field, or already as a number
        AMOUNT.validate_python(decode_untyped(written.encode()))
    with pytest.raises(Rejected) as caught:
        cents_of(Decimal(written), "/parts/0/offered")
    assert caught.value.refused.code == "invalid_body"
    assert caught.value.refused.errors[0].pointer == "/parts/0/offered"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "", "ten", "1" * 40, True, None, [], 1.5])
def test_what_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        AMOUNT.validate_python(value)


@given(st.integers(0, CENTS_MAX))
def test_an_amount_goes_out_and_comes_back_as_the_same_cents(cents: int) -> None:
    body = json_answer(200, amount(cents)).body
    assert AMOUNT.validate_python(decode_untyped(body)) == cents


@pytest.mark.parametrize("value", [1, "1", 42, "42", NUMBER_MAX, str(NUMBER_MAX)])
def test_an_id_is_a_number_or_a_numeric_string(value: int | str) -> None:
    assert ID.validate_python(value) == id_of(value, "/id") == int(value)


@pytest.mark.parametrize(
    "value", [0, -1, NUMBER_MAX + 1, "0", "01", "+1", "1.0", "", " 1", "١", "9" * 5000, "x"]
)
def test_what_is_no_id_is_refused(value: int | str) -> None:
    with pytest.raises(ValidationError):
        ID.validate_python(value)
    with pytest.raises(Rejected) as caught:
        id_of(value, "/id")
    assert caught.value.refused.errors[0].pointer == "/id"


@pytest.mark.parametrize("value", [True, 1.0, None, [1]])
def test_other_types_are_no_ids(value: Any) -> None:
    with pytest.raises(ValidationError):
        ID.validate_python(value)


@pytest.mark.parametrize("text", ["", "sixsix", "a\0b", "\ud800", 5])
def test_text_is_bounded_and_storable(text: Any) -> None:
    with pytest.raises(ValidationError):
        NAME.validate_python(text)


def test_text_is_kept_as_it_is() -> None:
    assert NAME.validate_python(" é😀 ") == " é😀 "


@given(st.text(st.characters(codec=None), max_size=8))
def test_storable_is_what_utf_8_can_write_without_nul(text: str) -> None:
    try:
        written = b"\0" not in text.encode()
    except UnicodeEncodeError:
        written = False
    assert is_storable(text) is written
