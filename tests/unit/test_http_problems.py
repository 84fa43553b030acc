"""Refusals as problem documents (RFC 9457)."""

import msgspec
import pytest

from feira.chassis.http.problems import STATUS_OF, answer_for, method_not_allowed, problem_answer
from feira.chassis.work import Answer
from feira.kernel.errors import (
    Category,
    FieldError,
    Misconfigured,
    Overloaded,
    Refused,
    Rejected,
    Unavailable,
)


def header(answer: Answer, name: str) -> str | None:
    return dict(answer.headers).get(name)


def test_every_category_has_its_status() -> None:
    assert set(STATUS_OF) == set(Category)
    assert len(set(STATUS_OF.values())) == len(Category)


@pytest.mark.parametrize("category", Category)
def test_a_refusal_becomes_a_problem_document(category: Category) -> None:
    errors = (FieldError("/items/0/quantity", "must be positive"),)
    answer = problem_answer(Refused(category, "sold_out", "None left.", errors), "/things/7")
    assert answer.status == STATUS_OF[category]
    assert answer.content_type == "application/problem+json"
    assert msgspec.json.decode(answer.body) == {
        "type": "/problems/sold_out",
        "title": "Sold out",
        "status": answer.status,
        "detail": "None left.",
        "instance": "/things/7",
        "code": "sold_out",
        "errors": [{"pointer": "/items/0/quantity", "detail": "must be positive"}],
    }


def test_errors_are_left_out_where_no_field_is_wrong() -> None:
    answer = problem_answer(Refused(Category.CONFLICT, "sold_out", "None left."), "/")
    assert "errors" not in msgspec.json.decode(answer.body)


@pytest.mark.parametrize(
    ("path", "instance"),
    [("/a b", "/a%20b"), ("/é", "/%C3%A9"), ("/a?b#c", "/a%3Fb%23c"), ("/\ud800", "/%3F")],
)
def test_the_instance_is_a_uri_reference(path: str, instance: str) -> None:
    answer = problem_answer(Refused(Category.NOT_FOUND, "not_found", "Nothing."), path)
    assert msgspec.json.decode(answer.body)["instance"] == instance


def test_when_to_come_back_is_said_in_a_header() -> None:
    refused = Refused(Category.TOO_MANY, "slow_down", "Too fast.", retry_after_seconds=7)
    assert header(problem_answer(refused, "/"), "Retry-After") == "7"


def test_a_401_says_how_to_sign_in() -> None:
    """RFC 6750, section 3: an error code only where a token was given."""
    no_token = Refused(Category.UNAUTHENTICATED, "unauthenticated", "Sign in first.")
    bad_token = Refused(Category.UNAUTHENTICATED, "invalid_token", "The token has expired.")
    assert header(problem_answer(no_token, "/"), "WWW-Authenticate") == "Bearer"
    assert header(problem_answer(bad_token, "/"), "WWW-Authenticate") == (
        'Bearer error="invalid_token", error_description="The token has expired."'
    )


def test_a_405_names_the_methods_there_are() -> None:
    answer = method_not_allowed(frozenset({"POST", "GET"}), "/things")
    assert answer.status == 405
    assert header(answer, "Allow") == "GET, POST"


def test_exceptions_of_the_tree_have_their_answers() -> None:
    refused = Refused(Category.INVALID, "idempotency_key_reused", "Another body.")
    for error, status, code in (
        (Rejected(refused), 422, "idempotency_key_reused"),
        (Overloaded("lane", retry_after_seconds=3), 503, "overloaded"),
        (Unavailable("database"), 503, "unavailable"),
    ):
        answer = answer_for(error, "/")
        assert answer is not None
        assert (answer.status, msgspec.json.decode(answer.body)["code"]) == (status, code)
    busy = answer_for(Overloaded("lane", retry_after_seconds=3), "/")
    assert busy is not None
    assert header(busy, "Retry-After") == "3"


@pytest.mark.parametrize("error", [RuntimeError("bug"), Misconfigured("settings")])
def test_all_other_exceptions_are_bugs(error: Exception) -> None:
    assert answer_for(error, "/") is None
