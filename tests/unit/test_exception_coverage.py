"""What counts as an exception handler, and when it has been executed."""

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from scripts.exception_coverage import all_handlers, noted_in
from scripts.noted_handlers import Notes, with_notes

CODE = """\
def guarded(do):
    try:
        do()
    except (KeyError, ValueError):
        return "handled"
    with suppress(OSError):
        do()
    return "done"


def condition(is_wanted):
    return dict(retry=is_wanted)["retry"]
"""
EXCEPT, SUPPRESS, RETRY = "code.py:4", "code.py:6", "code.py:12"


class Noted:
    """The code above with notes in it, and what they say."""

    def __init__(self, folder: Path) -> None:
        file = folder / "code.py"
        file.write_text(CODE)
        self.folder = folder
        tree, self.handlers = with_notes(file)
        self.code: dict[str, Any] = {"suppress": suppress}
        exec(compile(tree, str(file), "exec"), self.code)

    def places(self) -> frozenset[str]:
        return noted_in(self.folder)


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Noted:
    monkeypatch.setattr(sys, "_noted_handlers", Notes(tmp_path), raising=False)
    return Noted(tmp_path)


def test_handlers_suppressions_and_retries_are_found(noted: Noted) -> None:
    assert {(handler.place, handler.what) for handler in noted.handlers} == {
        (EXCEPT, "except (KeyError, ValueError)"),
        (SUPPRESS, "suppress(OSError)"),
        (RETRY, "is_wanted"),
    }


def test_an_except_is_noted_when_it_runs_and_does_what_it_did(noted: Noted) -> None:
    assert noted.code["guarded"](lambda: None) == "done"
    assert noted.places() == frozenset()
    assert noted.code["guarded"](raising(KeyError)) == "handled"
    assert noted.places() == {EXCEPT}


def test_a_suppression_is_noted_when_there_was_something_to_suppress(noted: Noted) -> None:
    assert noted.code["guarded"](raising(OSError, from_call=2)) == "done"
    assert noted.places() == {SUPPRESS}
    with pytest.raises(ZeroDivisionError):
        noted.code["guarded"](raising(ZeroDivisionError, from_call=2))


def test_a_retry_is_noted_when_it_is_made(noted: Noted) -> None:
    wants = noted.code["condition"](lambda state: state == "again")
    assert not wants("enough")
    assert noted.places() == frozenset()
    assert wants("again")
    assert noted.places() == {RETRY}


def test_the_chassis_and_the_services_are_looked_at() -> None:
    files = {handler.place.rpartition("/")[2].partition(":")[0] for handler in all_handlers()}
    assert {"lane.py", "store.py", "relay.py", "reconciler.py"} <= files


def raising(kind: type[Exception], from_call: int = 1) -> Callable[[], None]:
    calls = []

    def do() -> None:
        calls.append(1)
        if len(calls) >= from_call:
            raise kind

    return do
