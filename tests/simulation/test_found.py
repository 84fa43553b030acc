"""Seeds that found a bug once: what each showed, and that it holds now."""

import pytest

from feira.simulation.plan import plan
from feira.simulation.run import run

FOUND = [
    # A unit of a drop whose sale was undone went to everybody, and the drop counted it as its own.
    ("7", 300),
    # Two clocks differ about the end of a sale: a unit was free while others waited, and the next
    # order that was paid called more of them than had been read.
    ("403164333", 1000),
]


@pytest.mark.parametrize(("seed", "orders"), FOUND)
def test_what_was_found_stays_mended(seed: str, orders: int) -> None:
    assert run(plan(seed, orders)).violations == []
