"""What counts as an exception handler, and when it has been executed."""

from pathlib import Path

from scripts.exception_coverage import all_handlers, handlers_of

CODE = """\
def f():
    try:
        g()
    except (KeyError, ValueError) as error:
        log(error)
        return
    finally:
        h()
    with suppress(OSError):
        close()


@retry(retry=retry_if_exception_type(Unavailable))
def g():
    pass
"""


def test_handlers_suppressions_and_retries_are_found(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text(CODE)

    found = {(handler.what, handler.line, handler.body) for handler in handlers_of(file)}

    assert found == {
        ("except (KeyError, ValueError)", 4, frozenset({5, 6})),
        ("suppress(OSError)", 9, frozenset({10})),
        ("retry_if_exception_type(Unavailable)", 13, frozenset({13})),
    }


def test_the_chassis_and_the_services_are_looked_at() -> None:
    files = {handler.file.name for handler in all_handlers()}
    assert {"lane.py", "store.py", "relay.py", "reconciler.py"} <= files
