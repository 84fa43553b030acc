"""Refusals and errors as HTTP answers (RFC 9457): the only map from a category to a status."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from feira.chassis.work import Answer
from feira.kernel.errors import (
    Category,
    FieldError,
    Overloaded,
    Refused,
    Rejected,
    Unavailable,
)

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_SECONDS_DEFAULT: Final = 1

STATUS_OF: Final[dict[Category, int]] = {
    Category.MALFORMED: 400,
    Category.UNAUTHENTICATED: 401,
    Category.FORBIDDEN: 403,
    Category.NOT_FOUND: 404,
    Category.CONFLICT: 409,
    Category.TOO_LARGE: 413,
    Category.UNSUPPORTED_MEDIA: 415,
    Category.INVALID: 422,
    Category.TOO_MANY: 429,
    Category.UNAVAILABLE: 503,
    Category.INTERNAL: 500,
}

NOT_FOUND: Final = Refused(Category.NOT_FOUND, "not_found", "There is nothing at this address.")
NOT_JSON_MEDIA: Final = Refused(
    Category.UNSUPPORTED_MEDIA, "unsupported_media_type", "The body must be application/json."
)
INVALID_TEXT: Final = Refused(
    Category.INVALID, "invalid_text", "Text must hold neither NUL characters nor lone surrogates."
)
UNEXPECTED: Final = Refused(
    Category.INTERNAL, "internal_error", "Something went wrong on our side; it has been recorded."
)
STOPPING: Final = Refused(
    Category.UNAVAILABLE,
    "unavailable",
    "The service is stopping; try again.",
    retry_after_seconds=RETRY_AFTER_SECONDS_DEFAULT,
)

_encode = msgspec.json.Encoder().encode


def problem_answer(
    refused: Refused,
    instance: str,
    headers: tuple[tuple[str, str], ...] = (),
    members: Mapping[str, Any] = {},
) -> Answer:
    """The problem document of `refused`; `instance` is the path of the request, unescaped.

    `members` are extension members (RFC 9457, section 3.2). Adds `Retry-After` where the refusal
    says when to come back, and `WWW-Authenticate` to a 401.
    """
    status = STATUS_OF[refused.category]
    if refused.retry_after_seconds is not None:
        headers += (("Retry-After", str(refused.retry_after_seconds)),)
    if status == 401 and not any(name == "WWW-Authenticate" for name, _ in headers):
        headers += (("WWW-Authenticate", challenge(refused)),)
    return problem(status, refused.code, refused.detail, instance, refused.errors, headers, members)


def challenge(refused: Refused) -> str:
    """RFC 6750, section 3: no error code where no token came at all."""
    if refused.code != "invalid_token":
        return "Bearer"
    return f'Bearer error="invalid_token", error_description="{refused.detail}"'


def method_not_allowed(allowed: frozenset[str], instance: str) -> Answer:
    """405 with the methods that the address knows (RFC 9110, section 15.5.6)."""
    allow = ", ".join(sorted(allowed))
    detail = f"This address knows {allow}."
    return problem(405, "method_not_allowed", detail, instance, (), (("Allow", allow),))


def answer_for(error: Exception, instance: str) -> Answer | None:
    """The answer to an exception of the tree in `kernel/errors.py`; None for an unexpected one."""
    if isinstance(error, Rejected):
        return problem_answer(error.refused, instance)
    if isinstance(error, Overloaded):
        return problem_answer(_busy("overloaded", error.retry_after_seconds), instance)
    if isinstance(error, Unavailable):
        return problem_answer(_busy("unavailable", RETRY_AFTER_SECONDS_DEFAULT), instance)
    return None


def _busy(code: str, retry_after_seconds: int) -> Refused:
    return Refused(
        Category.UNAVAILABLE,
        code,
        "The service cannot take this now; try again.",
        retry_after_seconds=retry_after_seconds,
    )


def problem(
    status: int,
    code: str,
    detail: str,
    instance: str,
    errors: tuple[FieldError, ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
    members: Mapping[str, Any] = {},
) -> Answer:
    """A problem document, for the statuses that no category stands for."""
    document: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": quote(instance, safe="/:@!$&'()*+,;=-._~", errors="replace"),
        "code": code,
    }
    document.update(members)
    if errors:
        document["errors"] = [{"pointer": e.pointer, "detail": e.detail} for e in errors]
    return Answer(status, _encode(document), PROBLEM_JSON, headers)
