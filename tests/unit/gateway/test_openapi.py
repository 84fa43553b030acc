"""The services' documents as one."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from feira.kernel.errors import Misconfigured
from feira.services.gateway.openapi import merge
from feira.services.gateway.site import PAGES, write_site

PROBLEM = {"type": "object"}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def document(path: str, schemas: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "paths": {path: {"get": operation}},
        "components": {"schemas": schemas},
    }


def test_what_is_the_same_everywhere_stays_one() -> None:
    merged = merge(
        {
            "orders": document("/orders", {"Problem": PROBLEM}, {"operationId": "find"}),
            "catalog": document("/products", {"Problem": PROBLEM}, {"operationId": "list"}),
        }
    )
    assert set(merged["paths"]) == {"/orders", "/products"}
    assert merged["components"]["schemas"] == {"Problem": PROBLEM}
    assert merged["paths"]["/orders"]["get"]["operationId"] == "find"


def test_a_name_with_two_meanings_is_called_after_its_service_wherever_it_is_used() -> None:
    orders = document(
        "/orders", {"Item": {"type": "object"}, "List": {"items": ref("Item")}}, {"x": ref("List")}
    )
    catalog = document(
        "/products",
        {"Item": {"type": "string"}, "List": {"items": ref("Item")}},
        {"x": ref("Item")},
    )
    merged = merge({"orders": orders, "catalog": catalog})
    schemas = merged["components"]["schemas"]
    assert schemas["OrdersItem"] == {"type": "object"}
    assert schemas["CatalogItem"] == {"type": "string"}
    assert schemas["OrdersList"] == {"items": ref("OrdersItem")}
    assert schemas["CatalogList"] == {"items": ref("CatalogItem")}
    assert merged["paths"]["/orders"]["get"]["x"] == ref("OrdersList")
    assert merged["paths"]["/products"]["get"]["x"] == ref("CatalogItem")


def test_a_discriminator_follows_the_new_names() -> None:
    tagged = {"discriminator": {"propertyName": "t", "mapping": {"a": ref("Item")["$ref"]}}}
    merged = merge(
        {
            "orders": document("/orders", {"Item": {"type": "object"}, "Any": tagged}, {}),
            "catalog": document("/products", {"Item": {"type": "string"}}, {}),
        }
    )
    mapping = merged["components"]["schemas"]["Any"]["discriminator"]["mapping"]
    assert mapping == {"a": "#/components/schemas/OrdersItem"}


def test_operations_have_ids_of_their_own() -> None:
    merged = merge(
        {
            "orders": document("/orders", {}, {"operationId": "find"}),
            "catalog": document("/products", {}, {"operationId": "find"}),
        }
    )
    assert merged["paths"]["/orders"]["get"]["operationId"] == "orders_find"
    assert merged["paths"]["/products"]["get"]["operationId"] == "catalog_find"


def test_two_services_cannot_have_one_operation() -> None:
    with pytest.raises(Misconfigured, match="GET /orders"):
        merge({"orders": document("/orders", {}, {}), "other": document("/orders", {}, {})})


def test_the_services_documents_stay_as_they_were() -> None:
    orders = document("/orders", {"Item": {"a": 1}}, {"x": ref("Item")})
    catalog = document("/products", {"Item": {"a": 2}}, {"x": ref("Item")})
    before = msgspec.json.encode([orders, catalog])
    merge({"orders": orders, "catalog": catalog})
    assert msgspec.json.encode([orders, catalog]) == before


def test_the_site_is_the_document_and_its_pages(tmp_path: Path) -> None:
    static_dir = tmp_path / "static"
    for _ in range(2):
        write_site(static_dir, {"orders": document("/orders", {}, {})}, {"docs/more.html": b"m"})
    files = {file.relative_to(static_dir).as_posix() for file in static_dir.rglob("*.*")}
    assert files == {
        "openapi.json",
        "dead-letters.json",
        "docs/index.html",
        "docs/docs.js",
        "docs/docs.css",
        "docs/more.html",
    }
    assert "/orders" in msgspec.json.decode((static_dir / "openapi.json").read_bytes())["paths"]
    assert all((static_dir / file).stat().st_mode & 0o004 for file in files)


def test_the_pages_need_nothing_from_elsewhere() -> None:
    for page in PAGES.iterdir():
        text = page.read_text()
        assert "http://" not in text
        assert "https://" not in text
        assert "innerHTML" not in text
