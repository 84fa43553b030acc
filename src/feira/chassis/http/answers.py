"""Answers: what a route gives back, made from structs, dataclasses or dicts."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

from feira.chassis.work import Answer

NO_CONTENT: Final = Answer(204, b"", "")

_encode = msgspec.json.Encoder(decimal_format="number").encode


def json_answer(status: int, body: Any, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer with a JSON body: a msgspec struct, a dataclass, a dict, a list."""
    return Answer(status, _encode(body), "application/json", headers)


def amount(cents: int) -> float:
    """19_99 -> 19.99, for a body.

    Exact: a double keeps 15 significant digits and `CENTS_MAX` has 13, so the double nearest to
    `cents / 100` is written as those same two decimals.
    """
    return cents / 100


def to_response(answer: Answer) -> Response:
    """The same answer for a FastAPI route; annotate the route's return type as `Response`."""
    response = Response(answer.body, answer.status)
    if answer.content_type:
        response.headers["content-type"] = answer.content_type
    for name, value in answer.headers:
        response.headers.append(name, value)
    return response
