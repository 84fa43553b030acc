"""The documents made from the contracts are up to date, and promise what was promised before."""

import shutil
from pathlib import Path

import msgspec
import pytest

from feira.kernel.errors import Misconfigured
from feira.published.files import SCHEMAS, problems, published_schemas, write
from scripts.docs import committed_schemas
from tests.architecture.source_tree import ROOT

NAME = "feira.orders.order_created.v1"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The generated documents in a folder of their own."""
    shutil.copytree(ROOT / "docs" / "schemas", tmp_path / SCHEMAS)
    for name in ("asyncapi.yaml", "events.md"):
        shutil.copyfile(ROOT / "docs" / name, tmp_path / "docs" / name)
    return tmp_path


def test_the_documents_are_what_the_contracts_make() -> None:
    assert problems(ROOT, committed_schemas(ROOT, "HEAD")) == []


def test_a_document_that_is_out_of_date_is_found_and_written_anew(copy: Path) -> None:
    for path in ("docs/events.md", f"{SCHEMAS}/{NAME}.json"):
        (copy / path).unlink()
    found = problems(copy, {})
    assert [problem.split(" is not")[0] for problem in found] == [
        "docs/events.md",
        f"{SCHEMAS}/{NAME}.json",
    ]
    assert write(copy, {}) == ["docs/events.md", f"{SCHEMAS}/{NAME}.json"]
    assert problems(copy, {}) == []
    assert write(copy, {}) == []


def test_a_broken_promise_is_refused_by_the_check_and_by_the_writing(copy: Path) -> None:
    promise_another_field(copy)
    assert f"{NAME}: loyalty was removed" in problems(copy, {})
    with pytest.raises(Misconfigured, match="loyalty was removed"):
        write(copy, {})


def test_an_edited_schema_does_not_hide_it(copy: Path) -> None:
    promise_another_field(copy)
    promised = published_schemas(copy)
    (copy / SCHEMAS / f"{NAME}.json").unlink()
    assert f"{NAME}: loyalty was removed" in problems(copy, promised)
    with pytest.raises(Misconfigured, match="loyalty was removed"):
        write(copy, promised)


def test_without_git_only_the_files_count(tmp_path: Path) -> None:
    assert committed_schemas(tmp_path, "HEAD") == {}


def promise_another_field(root: Path) -> None:
    """As if an earlier version had had a field that the contracts do not have now."""
    file = root / SCHEMAS / f"{NAME}.json"
    schema = msgspec.json.decode(file.read_bytes())
    schema["properties"]["loyalty"] = {"type": "string"}
    file.write_bytes(msgspec.json.encode(schema))
