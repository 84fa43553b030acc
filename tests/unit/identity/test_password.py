"""Which passwords are taken (OWASP ASVS 5, 6.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.services.identity.adapters.guessable_passwords import load_guessable_passwords
from feira.services.identity.domain.password import LENGTH_MIN, check_password

GUESSABLE = load_guessable_passwords()


def reason(password: str, email: str = "ana.silva@example.com") -> str | None:
    refused = check_password(password, GUESSABLE, email=email)
    if refused is None:
        return None
    assert refused.code == "weak_password"
    [error] = refused.errors
    assert error.pointer == "/password"
    return error.detail


@pytest.mark.parametrize("password", ["", "a", "7 chars", "çãõéíóú"])
def test_fewer_than_eight_characters_are_too_few(password: str) -> None:
    assert reason(password) == "must have at least 8 characters"


@pytest.mark.parametrize("password", ["password", "PASSWORD", "12345678", "iloveyou", "Qwertyuiop"])
def test_what_is_tried_first_is_refused_in_any_case(password: str) -> None:
    assert reason(password) == "is among the most common passwords"


@pytest.mark.parametrize("password", ["ana.silva", "Ana.Silva@Example.com"])
def test_the_address_is_no_password(password: str) -> None:
    assert reason(password) == "must not be the e-mail address"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "zfgkqwje",
        "9" * 40 + "x",
        "senha difícil à beça",
        "🐎🔋🖇️✅🐎🔋🖇️✅",
    ],
)
def test_no_kinds_of_characters_are_asked_for(password: str) -> None:
    assert reason(password) is None


def test_sixty_four_characters_and_more_are_taken() -> None:
    assert reason("x" * 64) is None
    assert reason("x" * 128) is None


def test_the_list_is_the_standards_length_of_passwords_that_would_be_long_enough() -> None:
    assert len(GUESSABLE) == 3_000
    assert min(map(len, GUESSABLE)) >= LENGTH_MIN
    assert all(password == password.casefold().strip() for password in GUESSABLE)


@given(st.sampled_from(sorted(GUESSABLE)), st.randoms())
def test_case_does_not_hide_a_common_password(password: str, chance: object) -> None:
    assert reason(password.upper()) is not None
    assert reason(password.title()) is not None
