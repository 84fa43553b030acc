"""Money: whole centavos, exact, and never of two currencies."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.kernel.money import CENTS_MAX, Money, to_cents, to_decimal

cents = st.integers(0, CENTS_MAX)


@given(cents)
def test_amounts_survive_the_way_there_and_back(amount: int) -> None:
    assert to_cents(to_decimal(amount)) == amount


@given(cents)
def test_amounts_are_written_with_two_decimals(amount: int) -> None:
    whole, _, decimals = str(to_decimal(amount)).partition(".")
    assert len(decimals) == 2
    assert int(whole + decimals) == amount


@given(cents, cents, st.integers(0, 100))
def test_money_calculates_like_its_cents(a: int, b: int, quantity: int) -> None:
    assert Money(a) + Money(b) == Money(a + b)
    assert Money(a) - Money(b) == Money(a - b)
    assert Money(a) * quantity == Money(a * quantity)
    assert (Money(a) < Money(b)) == (a < b)


def test_currencies_do_not_mix() -> None:
    for mixing in (Money.__add__, Money.__sub__):
        with pytest.raises(ValueError, match="cannot mix BRL and USD"):
            mixing(Money(1), Money(1, "USD"))


def test_money_is_shown_with_its_currency() -> None:
    assert str(Money(1_05)) == "1.05 BRL"


@pytest.mark.parametrize(
    "amount",
    [
        *("0.001", "-0.01", "-1", "NaN", "sNaN", "Infinity", "-Infinity", "1E+999999", "1e40"),
        *("10000000000.01", "1E-3", "19.999"),
    ],
)
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"must|too large"):
        to_cents(Decimal(amount))


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        *(("19.99", 19_99), ("1E+2", 100_00), ("0", 0), ("-0", 0), ("0.10", 10), ("1.500", 1_50)),
        ("10000000000", CENTS_MAX),
    ],
)
def test_amounts_are_exact_in_every_notation(amount: str, expected: int) -> None:
    assert to_cents(Decimal(amount)) == expected
