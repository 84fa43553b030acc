"""Every planted bug still is one: its text is there once, and the tests that catch it exist."""

import ast
from pathlib import Path

import pytest

from scripts.mutants import Mutant, all_mutants
from tests.architecture.source_tree import ROOT

MUTANTS = all_mutants()
MUTANTS_MIN = 40

mutants = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


def test_there_are_enough_of_them_with_names_of_their_own() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(names) >= MUTANTS_MIN
    assert len(set(names)) == len(names)


@mutants
def test_a_mutant_applies(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    changed = mutant.applied_to(text)
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text)), "it changes nothing"


@mutants
def test_what_catches_it_exists(mutant: Mutant) -> None:
    paths = [argument for argument in mutant.tests if argument.startswith("tests/")]
    assert paths
    for file, _, test in (path.partition("::") for path in paths):
        assert (ROOT / file).exists(), file
        assert f"def {test.partition('[')[0]}(" in (ROOT / file).read_text() if test else True


def test_a_text_that_is_not_there_once_is_refused() -> None:
    mutant = Mutant("area", "a name", "a reason", "file.py", "a\n", "b\n", ("tests/unit",))
    assert mutant.applied_to("x\na\ny\n") == "x\nb\ny\n"
    for text in ("x\n", "a\na\n"):
        with pytest.raises(ValueError, match="not once"):
            mutant.applied_to(text)


def test_the_tables_are_where_they_are_looked_for() -> None:
    tables = {mutant.area for mutant in MUTANTS}
    assert tables == {path.stem for path in Path(ROOT / "tests" / "mutants").glob("*.toml")}
