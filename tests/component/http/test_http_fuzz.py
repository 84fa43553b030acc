"""Whatever bytes come in, the answer is never a 5xx, and every refusal is a problem document."""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given
from hypothesis import strategies as st

from feira.chassis.http.shell import ServiceShell
from tests.asgi import AsgiAnswer, exchange, scope_of
from tests.things import Tokens, things_shell

METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW", ""])
KNOWN_PATHS = [
    "/things",
    "/things/new",
    "/things/1",
    "/things/1/opinion",
    "/things/1/parts/2",
    "/describe",
    "/openapi.json",
    "/metrics",
]
SEGMENTS = st.text(st.characters(codec=None), max_size=12) | st.integers().map(str)
PATHS = st.sampled_from(KNOWN_PATHS) | st.lists(SEGMENTS).map(lambda parts: "/".join(["", *parts]))
QUERIES = st.binary(max_size=60) | st.sampled_from(
    [b"page=%00", b"min_price=1e999999", b"limit=9" + b"9" * 5000, b"page=%ED%A0%80", b"&" * 200]
)
HEADER_NAMES = st.sampled_from(
    [
        b"accept",
        b"content-type",
        b"cookie",
        b"idempotency-key",
        b"traceparent",
        b"transfer-encoding",
        b"x-correlation-id",
        b"x-real-ip",
    ]
) | st.binary(min_size=1, max_size=10)
HEADERS = st.lists(st.tuples(HEADER_NAMES, st.binary(max_size=300)), max_size=6)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["parts", "thing_id", "offered", "name", "price", "stars", "\0"]), inner
        )
    ),
)
BODIES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode())


@cache
def fixed() -> tuple[ServiceShell, bytes]:
    """A shell, and the `Authorization` of its administrator."""
    with TemporaryDirectory() as folder:
        tokens = Tokens(Path(folder))
        authorization = f"Bearer {tokens.of(1, 'admin')}".encode()
        tokens.verifier.authenticate(authorization)
    return things_shell(tokens.verifier), authorization


def check(answer: AsgiAnswer) -> None:
    assert answer.status < 500, answer
    assert answer.headers["x-correlation-id"].isprintable()
    if answer.status >= 400 and answer.body:
        problem = answer.json
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == answer.status
        assert {"type", "title", "detail", "instance", "code"} <= set(problem)


@given(METHODS, PATHS, QUERIES, HEADERS, BODIES, st.booleans())
@example("POST", "/things", b"", [], b'{"parts":[{"thing_id":1,"offered":1e999999999}]}', True)
@example("POST", "/things", b"", [(b"content-length", b"-1")], b"x", True)
@example("POST", "/things/new", b"", [], b'{"name":"x","price":1e-999999999}', True)
@example("POST", "/things/new", b"", [], b'{"name":"x","price":1,"weight":1e400}', True)
@example("PUT", "/things/1/opinion", b"", [], b'{"stars":' + b"9" * 4301 + b"}", True)
@example("GET", "/things/1/parts/2", b"q=%ED%A0%80", [], b"", False)
@example("GET", "//things//1", b";a;b", [], b"", False)
async def test_no_request_is_a_server_error(
    method: str,
    path: str,
    query: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    signed_in: bool,
) -> None:
    shell, authorization = fixed()
    named = [(b"content-length", str(len(body)).encode()), *headers]
    if signed_in:
        named.append((b"authorization", authorization))
    check(await exchange(shell, scope_of(method, path, query, named), [body]))


@given(st.binary(max_size=200))
async def test_no_authorization_is_a_server_error(authorization: bytes) -> None:
    shell, _ = fixed()
    for path in ("/things", "/things/new", "/describe"):
        headers = [(b"authorization", authorization), (b"idempotency-key", b"k")]
        check(await exchange(shell, scope_of("POST", path, b"", headers), [b""]))


@given(BODIES, st.lists(st.integers(0, 200), max_size=5))
async def test_a_body_means_the_same_however_it_is_cut(body: bytes, cuts: list[int]) -> None:
    shell, authorization = fixed()
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    pieces = [body[start:end] for start, end in pairwise(places)] or [b""]
    common = [(b"authorization", authorization), (b"x-correlation-id", b"c-1")]
    for path in ("/things", "/things/new"):
        whole = [*common, (b"content-length", str(len(body)).encode())]
        cut = [*common, (b"transfer-encoding", b"chunked")]
        answers = [
            await exchange(shell, scope_of("POST", path, b"", whole), [body]),
            await exchange(shell, scope_of("POST", path, b"", cut), pieces),
        ]
        assert answers[0] == answers[1]
