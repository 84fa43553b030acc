"""A service's HTTP side as its clients meet it: hot and cold routes under the same rules."""

from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from feira.chassis.http.application import create_app
from feira.chassis.http.shell import ServiceShell
from feira.kernel.errors import Misconfigured
from tests.asgi import AsgiAnswer, AsgiClient
from tests.things import Tokens, cold_routes, things_shell

PART = {"thing_id": "5", "offered": Decimal("19.99"), "quantity": 2}
PLACE = {"parts": [PART]}
NEW = {"name": "Lamp", "price": Decimal("19.90")}


# ------------------------------------------------------------------ the good ways


async def test_a_hot_route_answers(buyer: AsgiClient) -> None:
    answer = await buyer.post("/things", PLACE)
    assert answer.status == 201
    assert answer.json == {"user_id": 7, "total": 39.98, "note": ""}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.body))


async def test_a_cold_route_answers(admin: AsgiClient) -> None:
    answer = await admin.post("/things/new", NEW | {"parent_id": "4", "labels": {"a": 1.5}})
    assert answer.status == 201
    seen = answer.json
    assert (seen["name"], seen["price"], seen["parent_id"]) == ("Lamp", 1990, 4)
    assert seen["labels"] == {"a": 1.5}


async def test_numbers_in_a_path_reach_the_handler(anyone: AsgiClient) -> None:
    answer = await anyone.get("/things/12/parts/9007199254740991?q=caf%C3%A9")
    assert answer.json == {"ids": [12, 9007199254740991], "query": {"q": "café"}}
    assert (await anyone.get("/things/12")).json == {"id": 12, "user_id": None}


async def test_an_answer_without_a_body_has_no_length(admin: AsgiClient) -> None:
    answer = await admin.delete("/things")
    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in answer.headers
    assert "content-type" not in answer.headers


async def test_pages_have_defaults_and_bounds(anyone: AsgiClient) -> None:
    assert (await anyone.get("/things")).json["page"] == {"page": 1, "limit": 20}
    answer = await anyone.get("/things?page=3&limit=100&min_price=0.29")
    assert answer.json == {"page": {"page": 3, "limit": 100}, "min_price": 29}
    for query in ("page=0", "limit=0", "limit=101", "page=x", "min_price=1.999", "min_price=NaN"):
        answer = await anyone.get(f"/things?{query}")
        assert (answer.status, answer.code) == (422, "invalid_parameter")
        assert answer.json["errors"][0]["pointer"] == "/" + query.split("=")[0]


# ------------------------------------------------------------------ who is calling


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/things", PLACE), ("PUT", "/things/7/opinion", None), ("DELETE", "/things", None)],
)
async def test_without_a_token_you_sign_in_first(
    anyone: AsgiClient, method: str, path: str, body: Any
) -> None:
    answer = await anyone.send(method, path, body)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/things", "/things/new", "/describe"])
async def test_a_bad_token_is_refused_even_where_none_is_needed(
    shell: ServiceShell, path: str
) -> None:
    answer = await AsgiClient(shell, "x.y.z").post(path, headers={"idempotency-key": "k"})
    expected = (401, "invalid_token") if path != "/things/new" else (400, "not_json")
    assert (answer.status, answer.code) == expected


@pytest.mark.parametrize(
    ("method", "path", "body"), [("DELETE", "/things", None), ("POST", "/things/new", NEW)]
)
async def test_admins_only(buyer: AsgiClient, method: str, path: str, body: Any) -> None:
    answer = await buyer.send(method, path, body)
    assert (answer.status, answer.code) == (403, "forbidden")


async def test_a_token_is_read_where_it_is_optional(buyer: AsgiClient) -> None:
    assert (await buyer.get("/things/12")).json == {"id": 12, "user_id": 7}
    assert (await buyer.post("/describe")).json["user_id"] == 7


# ------------------------------------------------------------------ addresses and methods


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/things/0",
        "/things/01",
        "/things/-1",
        "/things/x",
        "/things/9007199254740992",
        "/things/1/",
        "/things/" + "9" * 5000,
        "/docs",
        "/redoc",
    ],
)
async def test_what_is_not_there(anyone: AsgiClient, path: str) -> None:
    answer = await anyone.get(path)
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("path", ["/things/x", "/things/x/opinion", "/things/0/failure", "/nil"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_wrong_path_is_not_there_whatever_the_method(
    anyone: AsgiClient, method: str, path: str
) -> None:
    answer = await anyone.send(method, path)
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/things", "DELETE, GET, HEAD, POST"),
        ("GET", "/describe", "POST"),
        ("HEAD", "/describe", "POST"),
        ("POST", "/things/1", "GET, HEAD"),
        ("GET", "/things/1/opinion", "PUT"),
        ("POST", "/healthz", "GET, HEAD"),
        ("BREW", "/things/1/parts/2", "GET, HEAD"),
    ],
)
async def test_what_cannot_be_done_there(
    anyone: AsgiClient, method: str, path: str, allowed: str
) -> None:
    answer = await anyone.send(method, path)
    assert answer.status == 405
    assert answer.headers["allow"] == allowed
    if method != "HEAD":
        assert answer.code == "method_not_allowed"


@pytest.mark.parametrize("path", ["/things/1/parts/2", "/things/1", "/healthz", "/nothing"])
async def test_head_is_get_without_the_body(anyone: AsgiClient, path: str) -> None:
    head, get = await anyone.send("HEAD", path), await anyone.get(path)
    assert (head.status, head.body) == (get.status, b"")
    same = ("content-type", "content-length")
    assert [head.headers[name] for name in same] == [get.headers[name] for name in same]


# ------------------------------------------------------------------ queries and paths


@pytest.mark.parametrize(
    "target", ["/things?q=%00", "/things?%00", "/things/1\0", "/\ud800", "/describe?a=%00"]
)
async def test_an_address_with_nul_or_half_a_character(anyone: AsgiClient, target: str) -> None:
    answer = await anyone.get(target)
    assert (answer.status, answer.code) == (422, "invalid_text")


async def test_an_escaped_percent_sign_is_no_nul(anyone: AsgiClient) -> None:
    assert (await anyone.get("/things/1/parts/2?q=%2500")).json["query"] == {"q": "%00"}


async def test_a_query_has_an_end(anyone: AsgiClient) -> None:
    assert (await anyone.get("/things?" + "&".join("a=1" for _ in range(100)))).status == 200
    answer = await anyone.get("/things?" + "&".join("a=1" for _ in range(101)))
    assert (answer.status, answer.code) == (422, "invalid_parameter")


# ------------------------------------------------------------------ keys and origins


async def test_a_key_and_an_origin_reach_hot_and_cold_handlers(
    buyer: AsgiClient, admin: AsgiClient
) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"idempotency-key": '"k-1"', "x-correlation-id": "c-1", "traceparent": traceparent}
    hot = await buyer.send("POST", "/describe", body=b"{}", headers=headers)
    cold = await admin.post("/things/new", NEW, headers=headers)
    origin = {"correlation_id": "c-1", "message_id": None, "traceparent": traceparent}
    assert (hot.json["caller"], hot.json["key"], hot.json["origin"]) == ("7", "k-1", origin)
    assert (cold.json["key"], cold.json["origin"]) == ("k-1", origin)


async def test_the_same_request_has_the_same_fingerprint(buyer: AsgiClient) -> None:
    async def fingerprint(body: bytes) -> str:
        answer = await buyer.send("POST", "/describe", body=body, headers={"idempotency-key": "k"})
        found: str = answer.json["fingerprint"]
        return found

    assert await fingerprint(b"{}") == await fingerprint(b"{}")
    assert await fingerprint(b"{}") != await fingerprint(b"{ }")


@pytest.mark.parametrize("path", ["/describe", "/things/new"])
async def test_a_key_out_of_form_is_refused(admin: AsgiClient, path: str) -> None:
    answer = await admin.post(path, NEW, headers={"idempotency-key": "é"})
    assert (answer.status, answer.code) == (400, "invalid_idempotency_key")


@pytest.mark.parametrize("given", ["c-1", "x" * 64, "{a b}"])
async def test_a_sane_correlation_id_is_kept(anyone: AsgiClient, given: str) -> None:
    for path in ("/things", "/describe", "/nothing"):
        answer = await anyone.get(path, headers={"X-Correlation-Id": given})
        assert answer.headers["x-correlation-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "é", "a\tb", "\x7f"])
async def test_another_one_is_replaced(anyone: AsgiClient, given: str) -> None:
    answers = [await anyone.get("/things", headers={"x-correlation-id": given}) for _ in range(2)]
    made = {answer.headers["x-correlation-id"] for answer in answers}
    assert len(made) == 2
    assert given not in made


# ------------------------------------------------------------------ what goes wrong

FAILING = pytest.mark.parametrize("path", ["/fail", "/things/7/failure"])


@FAILING
@pytest.mark.parametrize(
    ("how", "status", "code", "retry_after"),
    [
        ("refused", 409, "sold_out", None),
        ("overloaded", 503, "overloaded", "3"),
        ("unavailable", 503, "unavailable", "1"),
    ],
)
async def test_expected_failures_are_problems(
    anyone: AsgiClient, path: str, how: str, status: int, code: str, retry_after: str | None
) -> None:
    answer = await anyone.post(f"{path}?how={how}")
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers.get("retry-after") == retry_after
    assert answer.json["instance"] == path


@FAILING
async def test_a_bug_is_logged_and_not_told(anyone: AsgiClient, path: str) -> None:
    with capture_logs() as logs:
        answer = await anyone.post(f"{path}?how=bug")
    assert (answer.status, answer.code) == (500, "internal_error")
    assert b"12345" not in answer.body
    (entry,) = logs
    assert (entry["event"], entry["path"]) == ("request_failed", path)
    assert str(entry["exc_info"]) == "the password is 12345"


async def test_a_full_service_refuses_at_once_and_stays_alive(tokens: Tokens) -> None:
    shell = things_shell(tokens.verifier, requests_under_way_max=0)
    client = AsgiClient(shell)
    for path in ("/things", "/describe", "/things/7"):
        answer = await client.send("GET" if path != "/describe" else "POST", path)
        assert (answer.status, answer.code) == (503, "overloaded")
        assert answer.headers["retry-after"] == "1"
    assert (await client.get("/healthz")).status == 200


# ------------------------------------------------------------------ what operators ask


async def test_health_readiness_and_metrics() -> None:
    async def well() -> None:
        pass

    async def ill() -> None:
        raise OSError

    ready = AsgiClient(things_shell(readiness={"database": well}))
    unready = AsgiClient(things_shell(readiness={"database": ill}))
    assert (await ready.get("/readyz")).status == 200
    assert (await unready.get("/readyz")).status == 503
    health = await unready.get("/healthz")
    assert (health.status, health.json) == (200, {"status": "pass"})
    metrics = await ready.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b'route="/readyz"' in metrics.body


async def test_requests_are_counted_by_template(buyer: AsgiClient) -> None:
    for path in ("/things/1", "/things/2", "/nowhere/3"):
        await buyer.get(path)
    await buyer.send("BREW", "/things")
    metrics = (await buyer.get("/metrics")).body.decode()
    counted = [line for line in metrics.splitlines() if "_count{" in line]
    assert any('method="GET",route="/things/{id}"' in line for line in counted)
    assert any('route="unmatched"' in line for line in counted)
    assert any('method="OTHER"' in line for line in counted)
    assert not any("nowhere" in line or "BREW" in line for line in counted)


async def test_the_document_of_the_service_is_served(anyone: AsgiClient) -> None:
    answer: AsgiAnswer = await anyone.get("/openapi.json")
    assert set(answer.json["paths"]["/things"]) == {"get", "post", "delete"}


def test_routes_of_other_makes_are_refused_at_the_start() -> None:
    router = cold_routes()
    router.include_router(cold_routes(), prefix="/more")
    with pytest.raises(Misconfigured):
        create_app("Things", [router])
