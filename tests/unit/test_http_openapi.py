"""One document for hot and cold routes."""

from typing import Any

import pytest

from tests.things import things_shell


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return things_shell().app.openapi()


def test_hot_and_cold_routes_stand_side_by_side(document: dict[str, Any]) -> None:
    assert set(document["paths"]["/things"]) == {"get", "post", "delete"}
    assert set(document["paths"]["/things/{id}"]) == {"get"}


def test_operators_addresses_are_not_public(document: dict[str, Any]) -> None:
    assert not {"/healthz", "/readyz", "/metrics"} & set(document["paths"])


def test_a_hot_route_tells_its_bodies_its_access_and_its_parameters(
    document: dict[str, Any],
) -> None:
    place = document["paths"]["/things"]["post"]
    assert place["summary"] == "Place things"
    assert place["security"] == [{"bearer": []}]
    assert place["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/PlaceThings"
    }
    assert place["responses"]["201"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/PlacedView"
    }
    part = document["paths"]["/things/{id}/parts/{part_id}"]["get"]
    assert [parameter["name"] for parameter in part["parameters"]] == ["id", "part_id"]
    assert "security" not in part


def test_routes_that_make_something_tell_of_the_key(document: dict[str, Any]) -> None:
    for path in ("/things", "/things/new"):
        headers = [
            parameter["name"]
            for parameter in document["paths"][path]["post"]["parameters"]
            if parameter["in"] == "header"
        ]
        assert headers == ["Idempotency-Key"]


def test_amounts_are_numbers_hot_and_cold(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    parts = schemas["PlaceThings"]["properties"]["parts"]["items"]
    offered = schemas[parts["$ref"].rpartition("/")[2]]["properties"]["offered"]
    for amount in (offered, schemas["NewThing"]["properties"]["price"]):
        assert (amount["type"], amount["minimum"]) == ("number", 0)
        assert amount["examples"] == [19.99]
        assert "format" not in amount


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    found = set(references(document))
    assert found
    assert found <= schemas


def test_errors_are_problems_everywhere(document: dict[str, Any]) -> None:
    operations = [op for methods in document["paths"].values() for op in methods.values()]
    for operation in operations:
        assert "422" not in operation["responses"]
        assert "application/problem+json" in operation["responses"]["default"]["content"]
    conflict = document["paths"]["/things/new"]["post"]["responses"]["409"]
    assert "application/problem+json" in conflict["content"]


def test_operations_have_different_ids(document: dict[str, Any]) -> None:
    ids = [op["operationId"] for methods in document["paths"].values() for op in methods.values()]
    assert len(set(ids)) == len(ids)


def test_the_route_table_lists_what_a_gateway_forwards() -> None:
    assert things_shell().route_table() == [
        ("DELETE", "/things"),
        ("GET", "/things"),
        ("GET", "/things/{id}"),
        ("GET", "/things/{id}/parts/{part_id}"),
        ("POST", "/describe"),
        ("POST", "/fail"),
        ("POST", "/things"),
        ("POST", "/things/new"),
        ("POST", "/things/{id}/failure"),
        ("PUT", "/things/{id}/opinion"),
    ]


def references(node: Any) -> list[str]:
    match node:
        case {"$ref": str(target)}:
            return [target]
        case dict():
            return [target for value in node.values() for target in references(value)]
        case list():
            return [target for value in node for target in references(value)]
        case _:
            return []
