"""From route tables to the places NGINX looks an address up in."""

import pytest

from feira.kernel.errors import Misconfigured
from feira.services.gateway.routes import Match, places_of


def drawn(tables: dict[str, list[tuple[str, str]]]) -> list[tuple[str, str, str]]:
    return [(place.match.value, place.address, place.service) for place in places_of(tables)]


def test_an_address_without_parameters_is_exact() -> None:
    assert drawn({"orders": [("POST", "/orders"), ("GET", "/orders")]}) == [
        ("=", "/orders", "orders")
    ]


def test_addresses_of_one_service_share_a_prefix_that_asks_no_pattern() -> None:
    tables = {"orders": [("GET", "/orders/{id}"), ("POST", "/orders/{id}/cancel")]}
    assert drawn(tables) == [("^~", "/orders/", "orders")]


def test_another_service_may_have_addresses_below_the_same_prefix() -> None:
    tables = {
        "history": [("GET", "/orders/{order_id}/events")],
        "orders": [("GET", "/orders/{id}"), ("POST", "/orders/{id}/cancel")],
    }
    assert drawn(tables) == [
        ("", "/orders/", "orders"),
        ("~", "^/orders/[^/]+/events$", "history"),
    ]


def test_a_longer_prefix_may_belong_to_another_service() -> None:
    tables = {
        "identity": [("GET", "/me/addresses/{id}")],
        "other": [("GET", "/me/{thing}")],
    }
    assert drawn(tables) == [("^~", "/me/", "other"), ("^~", "/me/addresses/", "identity")]


def test_a_place_knows_the_methods_of_its_routes() -> None:
    tables = {"orders": [("GET", "/orders/{id}"), ("DELETE", "/orders/{order_id}")]}
    (place,) = places_of(tables)
    assert place.match is Match.FINAL_PREFIX
    assert place.methods == {"GET", "DELETE"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
def test_what_operators_ask_is_no_place(path: str) -> None:
    assert drawn({"orders": [("GET", path)]}) == []


def test_a_route_belongs_to_one_service() -> None:
    with pytest.raises(Misconfigured, match="orders and of other"):
        places_of({"orders": [("GET", "/orders/{id}")], "other": [("POST", "/orders/{number}")]})


@pytest.mark.parametrize(
    "path",
    ["/{id}", "/{anything}/x", "orders", "/orders;return 200", '/a"b', "/a b", "//", "/a{id}", ""],
)
def test_a_template_that_could_become_something_else_is_refused(path: str) -> None:
    with pytest.raises(Misconfigured):
        places_of({"orders": [("GET", path)]})
