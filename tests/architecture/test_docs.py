"""The documents say what is there: their links lead somewhere, and their tables are held to."""

import re
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.source_tree import ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
ROWS_BY_DOCUMENT = {"K": 10, "I": 8, "B": 8, "O": 5, "E": 17}
STATES = {"built", "partly", "planned"}

LINK = re.compile(r"\]\((?!\w+:)([^)#]+)")
PATH = re.compile(r"`([^`]+)`")


class Requirement(NamedTuple):
    row: str
    asks: str
    code: str
    tests: str
    state: str


def table_rows(page: Path) -> list[list[str]]:
    """The cells of every table row of a page, headings included."""
    lines = page.read_text(encoding="utf-8").splitlines()
    rows = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    )
    return [cells for cells in rows if not set("".join(cells)) <= set("-: ")]


def requirements() -> list[Requirement]:
    rows = table_rows(DOCS / "requirements.md")
    return [Requirement(*cells) for cells in rows if re.fullmatch(r"[A-Z]\d+", cells[0])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_requirement_has_one_row() -> None:
    expected = [
        f"{letter}{n + 1}" for letter, count in ROWS_BY_DOCUMENT.items() for n in range(count)
    ]
    assert [requirement.row for requirement in requirements()] == expected


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.row)
def test_a_requirement_is_where_its_row_says(requirement: Requirement) -> None:
    code, tests = PATH.findall(requirement.code), PATH.findall(requirement.tests)
    assert [path for path in chain(code, tests) if not (ROOT / path).exists()] == []
    assert requirement.state.split(":")[0] in STATES
    if requirement.state != "planned":
        assert code, "what is built has a place"
    if requirement.state == "built":
        assert tests, "what is built has a test"
        assert all(path.startswith("tests/") for path in tests)


def test_one_word_has_one_meaning() -> None:
    headings = {"word", "meaning"}
    words = Counter(cells[0].lower() for cells in table_rows(DOCS / "glossary.md"))
    assert [word for word, count in words.items() if count > 1 and word not in headings] == []


def test_every_decision_is_in_the_index() -> None:
    index = (DOCS / "adr" / "README.md").read_text(encoding="utf-8")
    decisions = [page.name for page in (DOCS / "adr").glob("[0-9]*.md")]
    assert decisions
    assert [name for name in decisions if f"({name})" not in index] == []
