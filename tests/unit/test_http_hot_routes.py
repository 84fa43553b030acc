"""Hot routes are found by the shape of an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.chassis.http.hot import HotRoute, HotRoutes
from feira.chassis.http.request import HotRequest
from feira.chassis.work import Answer
from feira.kernel.ids import NUMBER_MAX


async def answer(_request: HotRequest) -> Answer:
    return Answer(200)


def route(method: str, path: str) -> HotRoute:
    return HotRoute(method=method, path=path, handler=answer)


LIST, PLACE, SHOW, CANCEL = (
    route("GET", "/things"),
    route("POST", "/things"),
    route("GET", "/things/{id}"),
    route("POST", "/things/{id}/cancel"),
)
ROUTES = HotRoutes([LIST, PLACE, SHOW, CANCEL])


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/things", (LIST, ())),
        ("HEAD", "/things", (LIST, ())),
        ("POST", "/things", (PLACE, ())),
        ("GET", "/things/7", (SHOW, (7,))),
        ("POST", "/things/7/cancel", (CANCEL, (7,))),
        ("GET", f"/things/{NUMBER_MAX}", (SHOW, (NUMBER_MAX,))),
    ],
)
def test_a_request_finds_its_route_and_its_numbers(
    method: str, path: str, expected: tuple[HotRoute, tuple[int, ...]]
) -> None:
    assert ROUTES.find(method, path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "/things/0",
        "/things/007",
        "/things/-7",
        "/things/+7",
        "/things/7.0",
        "/things/x",
        "/things/",
        "/things/7/",
        "//things/7",
        "/things/{}",
        "/things/{id}",
        "/things/²",
        "/things/٧",
        f"/things/{NUMBER_MAX + 1}",
        "/things/" + "9" * 5000,
        "",
        "/",
    ],
)
def test_an_address_has_one_spelling(path: str) -> None:
    assert ROUTES.find("GET", path) is None


def test_an_address_tells_its_methods() -> None:
    assert ROUTES.methods("/things") == {"GET", "HEAD", "POST"}
    assert ROUTES.methods("/things/7/cancel") == {"POST"}
    assert ROUTES.methods("/nothing") == frozenset()


def test_the_same_address_cannot_be_served_twice() -> None:
    with pytest.raises(ValueError, match="is there twice"):
        HotRoutes([SHOW, route("GET", "/things/{thing_id}")])


def test_a_route_names_its_parameters() -> None:
    assert route("GET", "/a/{x}/b/{y_id}").parameter_names == ["x", "y_id"]


@given(st.text())
def test_no_path_breaks_the_look_up(path: str) -> None:
    ROUTES.find("GET", path)
    ROUTES.methods(path)


@given(st.integers(1, NUMBER_MAX))
def test_every_number_is_found_again(number: int) -> None:
    assert ROUTES.find("GET", f"/things/{number}") == (SHOW, (number,))
