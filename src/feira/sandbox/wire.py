"""Requests read within bounds, errors as problem+json (RFC 9457)."""

from typing import TypeVar

from msgspec import DecodeError, ValidationError, json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from feira.sandbox.books import BooksUnavailable
from feira.sandbox.group_commit import TooManyWrites
from feira.sandbox.messages import encode

T = TypeVar("T")

TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Content too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    500: "Internal server error",
    503: "Service unavailable",
    504: "Gateway timeout",
}


class Problem(Exception):
    """An answer that is an error. `code` is for programs, `detail` for people."""

    def __init__(
        self, status: int, code: str, detail: str, errors: tuple[dict[str, str], ...] = ()
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors


async def read_body(receive: Receive, bytes_max: int) -> bytes:
    """The whole body of a request. Raises `Problem` 413 as soon as it is longer than `bytes_max`,
    400 if the caller left in the middle of it."""
    chunks: list[bytes] = []
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "incomplete_body", "The body ended too early.")
        chunk = message.get("body", b"")
        size_bytes += len(chunk)
        if size_bytes > bytes_max:
            raise Problem(413, "body_too_large", f"A body has at most {bytes_max} bytes.")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def decode(decoder: json.Decoder[T], body: bytes) -> T:
    """Raises `Problem` 400 for what is not JSON, 422 for values that don't fit."""
    try:
        return decoder.decode(body)
    except ValidationError as error:
        detail, _, path = str(error).partition(" - at `$")
        errors = ({"pointer": json_pointer(path.rstrip("`")), "detail": detail},)
        raise Problem(422, "invalid_request", detail, errors) from None
    except (DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, "not_json", str(error)) from None


def json_pointer(path: str) -> str:
    """`.charges[0].token` as RFC 6901 spells it: `/charges/0/token`."""
    return path.replace("[", "/").replace("]", "").replace(".", "/")


def json_response(value: object, status: int = 200) -> Response:
    return Response(encode(value), status, media_type="application/json")


def problem_response(request: Request, problem: Problem) -> Response:
    body = {
        "type": "about:blank",
        "title": TITLES.get(problem.status, "Error"),
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.url.path,
        "code": problem.code,
        "errors": problem.errors,
        "simulated": True,
    }
    headers = {"retry-after": "1"} if problem.status == 503 else None
    return Response(
        encode(body), problem.status, headers=headers, media_type="application/problem+json"
    )


def answer_error(request: Request, error: Exception) -> Response:
    """The one place where an exception becomes an answer."""
    match error:
        case Problem():
            problem = error
        case TooManyWrites():
            problem = Problem(503, "overloaded", "Too many requests wait for the books.")
        case BooksUnavailable():
            problem = Problem(503, "books_unavailable", "The books can't be written.")
        case HTTPException():
            code = TITLES.get(error.status_code, "error").lower().replace(" ", "_")
            problem = Problem(error.status_code, code, error.detail)
        case _:
            problem = Problem(500, "internal_error", "The sandbox failed; its log says why.")
    return problem_response(request, problem)
