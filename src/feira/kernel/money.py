"""Money: whole centavos and a currency, never a float."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

BRL: Final = "BRL"
CENTS_MAX: Final = 10**12  # ten billion reais: far above any order, far below 2^53


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units: `Money(1_00)` is one real."""

    cents: int
    currency: str = BRL

    def __add__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.cents + other.cents, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.cents - other.cents, self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.cents * quantity, self.currency)

    def __str__(self) -> str:
        return f"{to_decimal(self.cents)} {self.currency}"

    def _same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")


def to_decimal(cents: int) -> Decimal:
    """19_99 -> Decimal("19.99"): always two decimals."""
    return Decimal(cents).scaleb(-2)


def to_cents(amount: Decimal) -> int:
    """Decimal("19.99") -> 19_99.

    Raises ValueError when the amount is not finite, has more than two decimals, is negative or
    exceeds `CENTS_MAX` (API.md, "Everywhere").
    """
    if not amount.is_finite():
        raise ValueError("must be a finite number")
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or amount.adjusted() > len(str(CENTS_MAX)):
        raise ValueError("is too large")
    cents = amount.scaleb(2)
    if cents != cents.to_integral_value():
        raise ValueError("must have at most two decimals")
    if not 0 <= cents <= CENTS_MAX:
        raise ValueError(f"must be between 0 and {to_decimal(CENTS_MAX)}")
    return int(cents)
