"""What the gateway answers itself, as problems (RFC 9457) in the form of the services' own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

RETRY_AFTER_SECONDS: Final = 1
PLACE: Final = "/gateway-problems"
"""Where NGINX goes for them, internally; from outside there is nothing there."""
INSTANCE: Final = "$instance"
"""The path as it was sent, up to the first character that JSON would have to escape."""

INSTANCE_MAP: Final = (
    "map $request_uri $instance {",
    '    default "/";',
    r"""    "~^(?<plain>[A-Za-z0-9/:@!&'()*+,;=._~%-]+)" $plain;""",
    "}",
)


@dataclass(frozen=True, slots=True)
class Problem:
    """`statuses`: what NGINX calls it, the first being what the client is told."""

    statuses: tuple[int, ...]
    code: str
    detail: str
    retries: bool = False

    @property
    def status(self) -> int:
        return self.statuses[0]


PROBLEMS: Final = (
    Problem((400,), "bad_request", "The request is not HTTP as the gateway reads it."),
    Problem((404,), "not_found", "There is nothing at this address."),
    Problem((405,), "method_not_allowed", "This address does not know that method."),
    Problem((408,), "request_too_slow", "The request did not arrive in time."),
    Problem((413,), "body_too_large", "The body is too large."),
    Problem((414,), "address_too_long", "The address is too long."),
    Problem((431, 494), "headers_too_large", "The headers are too large."),
    Problem((429,), "too_many_requests", "Too many requests from this address.", retries=True),
    Problem((500,), "internal_error", "Something went wrong at the gateway."),
    Problem((501,), "not_implemented", "The gateway does not know that transfer coding."),
    Problem(
        (503, 502, 504), "unavailable", "The service cannot take this now; try again.", retries=True
    ),
    Problem((505,), "http_version_not_supported", "The gateway speaks HTTP/1.1 and HTTP/2."),
)


def error_pages(problems: Sequence[Problem] = PROBLEMS, place: str = PLACE) -> list[str]:
    return [
        f"error_page {status} ={problem.status} {place}/{problem.code};"
        for problem in problems
        for status in problem.statuses
    ]


def problem_places(headers: Sequence[str], quota: str | None) -> list[str]:
    """Internal places that answer; `headers` are the lines every answer carries."""
    return [line for problem in PROBLEMS for line in _place(problem, headers, quota)]


def _place(problem: Problem, headers: Sequence[str], quota: str | None) -> list[str]:
    extra = ["add_header X-Correlation-Id $correlation_id always;"]
    if problem.status == 405:  # what the gateway itself has is only there to be read
        extra.append('add_header Allow "GET, HEAD" always;')
    if problem.retries:
        extra.append(f"add_header Retry-After {RETRY_AFTER_SECONDS} always;")
    if problem.status == 429 and quota:
        extra.append(f"add_header RateLimit-Policy '{quota}' always;")
        extra.append(f"""add_header RateLimit '"clients";r=0;t={RETRY_AFTER_SECONDS}' always;""")
    return [
        f"location = {PLACE}/{problem.code} {{",
        "    internal;",
        "    default_type application/problem+json;",
        *(f"    {line}" for line in (*headers, *extra)),
        f"    return {problem.status} '{document_of(problem)}';",
        "}",
    ]


def document_of(problem: Problem) -> str:
    """The body, in which NGINX fills in the instance."""
    document = {
        "type": f"/problems/{problem.code}",
        "title": problem.code.replace("_", " ").capitalize(),
        "status": problem.status,
        "detail": problem.detail,
        "instance": INSTANCE,
        "code": problem.code,
    }
    return msgspec.json.encode(document).decode()
