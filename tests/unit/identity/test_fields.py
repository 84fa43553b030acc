"""E-mail addresses, names and phones: one spelling each, and nothing that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.services.identity.entrypoints.fields import (
    login_email,
    name_of,
    normalised_email,
    normalised_phone,
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ana@example.com", "ana@example.com"),
        ("Ana.Silva@Example.COM", "ana.silva@example.com"),
        ("JOÃO@exemplo.com.br", "joão@exemplo.com.br"),
        ("joa\u0303o@exemplo.com.br", "joão@exemplo.com.br"),
        ("ana+loja@shop.test", "ana+loja@shop.test"),
    ],
)
def test_two_spellings_of_an_address_are_one(typed: str, kept: str) -> None:
    assert normalised_email(typed) == kept
    assert login_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ana",
        "ana@",
        "@example.com",
        "a b@example.com",
        "ana@localhost",
        "ana@exa mple.com",
        "ana@-example.com",
        "ana@[127.0.0.1]",
        "ana@example.com\n",
        "ana@example.com,bob@example.com",
        "Ana <ana@example.com>",
        '"ana"@example.com',
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="must be an e-mail address"):
        normalised_email(typed)


def test_a_login_with_what_is_no_address_looks_for_nobody() -> None:
    assert login_email("Robert'); DROP TABLE users;--") == "robert'); drop table users;--"


@given(st.emails())
def test_normalising_twice_is_normalising_once(typed: str) -> None:
    try:
        kept = normalised_email(typed)
    except ValueError:
        return
    assert normalised_email(kept) == kept


@given(st.text())
def test_any_text_can_be_tried_at_the_login(typed: str) -> None:
    login_email(typed)


@pytest.mark.parametrize(("typed", "kept"), [("  Ana Silva ", "Ana Silva"), ("李小龍", "李小龍")])
def test_a_name_has_no_spaces_around_it(typed: str, kept: str) -> None:
    assert name_of(typed) == kept


@pytest.mark.parametrize("typed", ["", "   ", "Ana\nBcc: bob@example.com", "Ana\x07"])
def test_a_name_is_one_line_that_says_something(typed: str) -> None:
    with pytest.raises(ValueError, match="must not"):
        name_of(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("+55 (11) 99999-0000", "+5511999990000"), ("11.3333.4444", "1133334444")],
)
def test_a_phone_is_digits(typed: str, kept: str) -> None:
    assert normalised_phone(typed) == kept


@pytest.mark.parametrize("typed", ["", "1234567", "+5511999990000000", "call me", "٠١٢٣٤٥٦٧٨"])
def test_what_is_no_phone_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="phone number"):
        normalised_phone(typed)
