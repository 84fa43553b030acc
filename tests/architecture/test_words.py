"""Words stay where they belong: business nouns in services, transactions in the chassis."""

import pytest

from tests.architecture.source_tree import (
    PACKAGE,
    Module,
    assert_nowhere,
    layers_named,
    modules_under,
    words_of,
)

BUSINESS_NOUNS = {
    "buyer", "campaign", "cart", "catalog", "checkout", "coupon", "customer", "inventory", "order",
    "payment", "pix", "price", "product", "promotion", "purchase", "refund", "reservation", "saga",
    "shipment", "sku", "stock",
}  # fmt: skip
TRANSACTION_WORDS = {"commit", "rollback", "savepoint"}
VAGUE_MODULES = {"common", "helper", "manager", "misc", "util"}


def test_chassis_and_kernel_name_no_business_noun() -> None:
    modules = modules_under(PACKAGE / "chassis", PACKAGE / "kernel")
    assert modules
    assert_nowhere(spelled(modules, BUSINESS_NOUNS))


def test_nothing_in_application_can_spell_commit() -> None:
    """One transaction a batch, opened and committed by the lane (STYLE, habit 13)."""
    assert_nowhere(spelled(modules_under(*layers_named("application")), TRANSACTION_WORDS))


def test_no_module_has_a_vague_name() -> None:
    vague = [
        module.at(1)
        for module in modules_under(PACKAGE)
        for part in module.path.relative_to(PACKAGE).with_suffix("").parts
        if singular(part.lower()) in VAGUE_MODULES or words_in(part) & VAGUE_MODULES
    ]
    assert_nowhere(vague)


@pytest.mark.parametrize(
    ("code", "noun"),
    [
        ("from feira.contracts import orders", "order"),
        ("def reserve(stockItems): ...", "stock"),
        ("class CARTKeeper: ...", "cart"),
        ("row.saga_id", "saga"),
        ("send(customerId=1)", "customer"),
        ("inventories = ()", "inventory"),
    ],
)
def test_the_word_rule_bites(code: str, noun: str) -> None:
    module = Module(PACKAGE / "chassis" / "bad.py", code)
    assert spelled([module], BUSINESS_NOUNS) == [f"src/feira/chassis/bad.py:1: {noun}"]


def test_the_word_rule_lets_other_words_be() -> None:
    code = """
from collections import OrderedDict
reordered = "an order in a text is not code"
@dataclass(order=True)
class Position: ...
"""
    assert spelled([Module(PACKAGE / "chassis" / "good.py", code)], BUSINESS_NOUNS) == []


def spelled(modules: list[Module], words: set[str]) -> list[str]:
    """Where identifiers contain one of the words, in singular or plural."""
    return [
        f"{module.at(line)}: {word}"
        for module in modules
        for identifier, line in module.identifiers()
        for word in sorted(words_in(identifier) & words)
    ]


def words_in(identifier: str) -> set[str]:
    return {form for word in words_of(identifier) for form in (word, singular(word))}


def singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word.removesuffix("s")
