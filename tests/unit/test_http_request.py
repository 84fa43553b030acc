"""What a request says of itself: its origin, its key, its client, its query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.chassis.http.request import HttpRequest
from feira.kernel.errors import Category, Rejected
from tests.asgi import scope_of


def request(
    headers: dict[str, str] | None = None,
    *,
    body: bytes = b"{}",
    query: bytes = b"",
    path: str = "/things",
    client: str | None = "192.0.2.7",
) -> HttpRequest:
    raw = {n.encode(): v.encode("latin-1") for n, v in (headers or {}).items()}
    scope = scope_of("POST", path, query, list(raw.items()))
    scope["client"] = None if client is None else (client, 50_000)
    made = HttpRequest(scope, raw, "c-1", None)
    made.body = body
    return made


def key_of(header: str) -> str:
    key = request({"idempotency-key": header}).idempotency
    assert key is not None
    return key.key


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("abc", "abc"),
        ('"abc"', "abc"),
        ("a b", "a b"),
        (r'"a\"b\\c"', 'a"b\\c'),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("x" * 255, "x" * 255),
        ('"' + "x" * 255 + '"', "x" * 255),
    ],
)
def test_a_key_is_taken_bare_or_quoted(header: str, key: str) -> None:
    assert key_of(header) == key


@pytest.mark.parametrize(
    "header",
    ["", '""', '"', '"a', '"a"b"', r'"a\b"', '"a";q=1', "x" * 256, "é", "a\tb", "\x7f", '"\xe9"'],
)
def test_a_key_out_of_form_is_refused(header: str) -> None:
    with pytest.raises(Rejected) as caught:
        key_of(header)
    assert caught.value.refused.code == "invalid_idempotency_key"
    assert caught.value.refused.category is Category.MALFORMED


def test_without_the_header_there_is_no_key() -> None:
    assert request().idempotency is None


def test_who_is_not_signed_in_is_known_by_address() -> None:
    key = request({"idempotency-key": "k"}).idempotency
    assert key is not None
    assert key.caller == "anonymous:192.0.2.7"


def test_the_fingerprint_is_of_method_path_and_body() -> None:
    def fingerprint(body: bytes = b"{}", path: str = "/things") -> bytes:
        key = request({"idempotency-key": "k"}, body=body, path=path).idempotency
        assert key is not None
        return key.fingerprint

    assert len(fingerprint()) == 16
    assert fingerprint() == fingerprint()
    assert len({fingerprint(), fingerprint(b"{ }"), fingerprint(path="/others")}) == 3


@pytest.mark.parametrize(
    ("client", "address"),
    [
        ("127.0.0.1", "203.0.113.9"),
        ("::1", "203.0.113.9"),
        (None, "203.0.113.9"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_only_the_gateway_says_where_a_client_is(client: str | None, address: str) -> None:
    assert request({"x-real-ip": "203.0.113.9"}, client=client).client_address == address


def test_the_origin_carries_a_well_formed_traceparent_on() -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert request({"traceparent": traceparent}).origin.traceparent == traceparent
    assert request({"traceparent": "00-xyz"}).origin.traceparent is None
    assert request().origin.traceparent is None
    assert request().origin.correlation_id == "c-1"


def test_the_query_is_read_with_its_escapes() -> None:
    assert request(query=b"q=caf%C3%A9+1&empty=&a=1&a=2").query == {
        "q": "café 1",
        "empty": "",
        "a": "2",
    }


def test_headers_are_found_in_any_case() -> None:
    made = request({"x-thing": "é"})
    assert made.header("X-Thing") == "é"
    assert made.header("x-other") is None


def test_without_a_verifier_nobody_is_signed_in() -> None:
    made = request({"authorization": "Bearer x"})
    assert made.principal is None
    with pytest.raises(Rejected) as caught:
        _ = made.current_principal
    assert caught.value.refused.category is Category.UNAUTHENTICATED


@given(st.text(st.characters(max_codepoint=255), max_size=300))
def test_any_header_is_a_key_or_refused(header: str) -> None:
    try:
        key = key_of(header)
    except Rejected:
        return
    assert 1 <= len(key) <= 255
    assert key.isascii()
    assert key.isprintable()
