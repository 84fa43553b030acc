"""Who tells what to whom is read from the services, and is so."""

import ast

import pytest

from feira.contracts.message import Message
from feira.published.directory import Entry, directory, topics
from feira.published.events_page import events_page
from feira.published.schemas import schema_of, without_unit
from feira.published.site import message_site, messages_html
from feira.runtime.registry import FOLLOWED_BY_ALL, SERVICES, listened_to_by
from tests.architecture.source_tree import PACKAGE, modules_under
from tests.architecture.source_tree import SERVICES as SERVICES_FOLDER

ENTRIES = directory()


def test_every_message_of_the_contracts_is_there() -> None:
    declared = {
        node.name
        for module in modules_under(PACKAGE / "contracts")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Message" for base in node.bases)
    }
    assert {entry.name for entry in ENTRIES} == declared


def test_a_message_is_sent_by_the_service_whose_file_it_stands_in() -> None:
    """Only that service makes it, and that service does make it."""
    for entry in ENTRIES:
        makers = {service for service in SERVICES if entry.name in named_in(service)}
        listeners = {service for service in SERVICES if entry.kind in listened_to_by(service)}
        assert entry.producer in makers, entry.name
        assert makers - listeners == {entry.producer}, entry.name


def named_in(service: str) -> set[str]:
    """What a service's application takes from contracts, by name."""
    found: set[str] = set()
    for module in modules_under(SERVICES_FOLDER / service / "application"):
        origins = contract_names(module.tree)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name) and node.id in origins:
                found.add(origins[node.id])
            elif (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in origins
            ):
                found.add(node.attr)
    return found


def contract_names(tree: ast.Module) -> dict[str, str]:
    """Names in a module that come from `feira.contracts`, and what they are called there."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("feira.contracts")
        for alias in node.names
    }


def test_what_every_process_follows_is_what_the_runtime_follows() -> None:
    calls = [
        node
        for module in modules_under(PACKAGE / "runtime", PACKAGE / "chassis")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "follow"
    ]
    followed = [ast.unparse(call.args[1]) for call in calls]
    assert followed == [kind.__name__ for kind in FOLLOWED_BY_ALL]


def test_a_topic_has_one_producer() -> None:
    for held in topics(ENTRIES).values():
        assert len({entry.producer for entry in held}) == 1


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_message_says_what_it_means_in_known_units(entry: Entry) -> None:
    assert entry.says, "write a docstring"
    assert without_unit(schema_of(entry)) == [], "name it …_cents, …_seconds, or type its unit"


def test_a_number_without_a_unit_is_found() -> None:
    class Weighed(Message, frozen=True, kw_only=True):
        TYPE = "feira.tests.weighed.v1"
        TOPIC = "tests.events"
        KEY = "parcel_id"
        parcel_id: int
        weight: int
        sums: tuple[float, ...] = ()
        price_cents: int | None = None

    assert without_unit(schema_of(Entry(Weighed, "tests", ()))) == ["weight", "sums"]


def test_the_page_of_events_tells_of_each() -> None:
    page = events_page(ENTRIES)
    assert "| [OrderCreated](#feiraordersorder_createdv1) | orders | orchestrator |" in page
    assert "| `lines[].unit_price_cents` | integer | BRL centavos |  |" in page
    assert "| `initial_stock` | integer | pieces | `0` |" in page
    assert all(f"### {entry.kind.TYPE}\n" in page for entry in ENTRIES)


def test_the_site_is_a_page_and_the_document() -> None:
    site = message_site()
    assert set(site) == {"asyncapi.yaml", "docs/asyncapi.html"}
    page = site["docs/asyncapi.html"].decode()
    assert all(f'id="{entry.kind.TYPE}"' in page for entry in ENTRIES)
    assert "<script" not in page
    assert page.count("<details") == page.count("</details>") == len(ENTRIES)


def test_texts_are_escaped_on_the_page() -> None:
    class Sharp(Message, frozen=True, kw_only=True):
        """Less than <b>nothing</b>."""

        TYPE = "feira.tests.sharp.v1"
        TOPIC = "tests.events"
        KEY = "sharp_id"
        sharp_id: int

    page = messages_html([Entry(Sharp, "tests", ())])
    assert "<b>" not in page
    assert "&lt;b&gt;nothing" in page
