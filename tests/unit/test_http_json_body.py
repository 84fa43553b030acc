"""Bodies: what is refused as text, as JSON, as values, and where the fault is said to be."""

import json
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.chassis.http.fields import is_storable
from feira.chassis.http.json_body import check_text, decode_struct, decode_untyped, is_json
from feira.kernel.errors import Category, Refused, Rejected


class Line(msgspec.Struct):
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    amount: Decimal = Decimal(0)


class Basket(msgspec.Struct, forbid_unknown_fields=True):
    lines: list[Line]
    labels: dict[str, int] = {}


def refusal(body: bytes, kind: type = Basket) -> Refused:
    with pytest.raises(Rejected) as caught:
        decode_struct(body, kind)
    return caught.value.refused


def passes(body: bytes) -> bool:
    try:
        check_text(body)
    except Rejected:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        rb'"\u0000"',
        rb'"a\\\u0000"',
        rb'"\ud800"',
        rb'"\uDBFF\u0041"',
        rb'"\udc00"',
        rb'"\ud83d\ud83d\ude00"',
        rb'{"\u0000": 1}',
        rb'"\ude00\ud83d"',
    ],
)
def test_text_that_no_database_keeps_is_refused(text: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        check_text(text)
    assert caught.value.refused.code == "invalid_text"
    assert caught.value.refused.category is Category.INVALID


@pytest.mark.parametrize(
    "text",
    [
        rb'"\\u0000"',
        rb'"\\ud800"',
        rb'"\ud83d\ude00"',
        rb'"\uD83D\uDE00\u0001"',
        rb'"\u00e9\n\"\\"',
        '"é 😀"'.encode(),
        b'"',
        rb'"\u00',
        b'"\\u0041\\',
    ],
)
def test_all_other_text_passes_even_if_it_is_not_json(text: bytes) -> None:
    check_text(text)


@given(st.text(st.characters(codec=None), max_size=20))
def test_text_passes_if_and_only_if_a_database_can_keep_it(text: str) -> None:
    escaped = json.dumps(text)  # every character beyond ASCII becomes an escape
    meant = json.loads(escaped)  # two halves that meet have become one character
    assert passes(escaped.encode()) is is_storable(meant)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b'{"lines": NaN}',
        b'{"lines": [Infinity]}',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"a\x00b"',
        b"[" * 200_000,
        b"00000000",
        b"{'lines': []}",
    ],
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    for decode in (lambda: decode_struct(body, Basket), lambda: decode_untyped(body)):
        with pytest.raises(Rejected) as caught:
            decode()
        assert caught.value.refused.code == "not_json"
        assert caught.value.refused.category is Category.MALFORMED


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"[]", ""),
        (b'{"lines": 1}', "/lines"),
        (b'{"lines": [{"quantity": "x"}]}', "/lines/0/quantity"),
        (b'{"lines": [{"quantity": 1}, {"quantity": 0}]}', "/lines/1/quantity"),
        (b'{"lines": [{}]}', "/lines/0/quantity"),
        (b'{"lines": [], "a/b~c": 1}', "/a~1b~0c"),
        (b'{"lines": [], "labels": {"a": "x"}}', "/labels"),
        (b'{"lines": [{"quantity": 1e400}]}', "/lines/0/quantity"),
        (b'{"lines": [{"quantity": 1, "amount": "ten"}]}', "/lines/0/amount"),
        (b"{}", "/lines"),
    ],
)
def test_a_wrong_value_is_told_by_its_pointer(body: bytes, pointer: str) -> None:
    refused = refusal(body)
    assert refused.code == "invalid_body"
    assert refused.category is Category.INVALID
    assert [error.pointer for error in refused.errors] == [pointer]


def test_huge_numbers_do_not_fit() -> None:
    assert refusal(b'{"lines": [{"quantity": ' + b"9" * 10_000 + b"}]}").code == "invalid_body"


@pytest.mark.parametrize(
    "number",
    [b"1e999999999", b"-1E+400", b"1e-999999999", b"1e" + b"9" * 40, b"0." + b"1" * 100_000],
)
def test_a_number_that_would_take_for_ever_is_refused_before_any_field_asks_for_an_int(
    number: bytes,
) -> None:
    with pytest.raises(Rejected) as caught:
        decode_untyped(b'{"quantity": ' + number + b"}")
    assert caught.value.refused.code == "invalid_body"
    assert refusal(b'{"lines": [{"quantity": ' + number + b"}]}").code == "invalid_body"


def test_fractions_are_exact() -> None:
    text = "1.0000000000000000000000001"
    basket = decode_struct(f'{{"lines":[{{"quantity":1,"amount":{text}}}]}}'.encode(), Basket)
    assert basket.lines[0].amount == Decimal(text)
    assert decode_untyped(f'{{"a": [{text}]}}'.encode()) == {"a": [Decimal(text)]}


def test_broken_json_is_no_json_even_where_a_value_is_wrong_before() -> None:
    refused = refusal(b'{"lines": [{"quantity": "x"}], "zipcode": 00000000}')
    assert refused.code == "not_json"


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(body: bytes) -> None:
    for kind in (Basket, Any):
        try:
            decode_struct(body, kind)
        except Rejected as rejected:
            assert rejected.refused.category in (Category.MALFORMED, Category.INVALID)  # noqa: PT017


@pytest.mark.parametrize(
    ("content_type", "json_like"),
    [
        (None, True),
        (b"application/json", True),
        (b"Application/JSON; charset=utf-8", True),
        (b"application/merge-patch+json", True),
        (b"application/jsonp", False),
        (b"text/json", False),
        (b"text/plain", False),
        (b"", False),
        (b"multipart/form-data; boundary=x+json", False),
    ],
)
def test_media_types(content_type: bytes | None, json_like: bool) -> None:
    assert is_json(content_type) is json_like
