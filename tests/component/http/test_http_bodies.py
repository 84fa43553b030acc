"""Bodies: JSON or not, fitting or not, whole or in pieces, under the same rules hot and cold."""

import asyncio
import json

import pytest
from starlette.types import Message

from feira.chassis.http import intake
from feira.chassis.http.shell import ServiceShell
from tests.asgi import AsgiClient, exchange, scope_of
from tests.things import Tokens

BODY_ROUTES = pytest.mark.parametrize("path", ["/things", "/things/new"])


@BODY_ROUTES
@pytest.mark.parametrize("body", [b"", b"{", b"nope", b'{"a": NaN}', b'"\xff"', b"[" * 100_000])
async def test_what_is_no_json(admin: AsgiClient, path: str, body: bytes) -> None:
    answer = await admin.send("POST", path, body=body)
    assert (answer.status, answer.code) == (400, "not_json")


@BODY_ROUTES
@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"5",
        b"{}",
        b'{"price": 1e400, "name": "x"}',
        b'{"parts": [{"thing_id": 1, "offered": 1.999}]}',
        b'{"parts": [{"thing_id": 1, "offered": ' + b"9" * 5000 + b"}]}",
        b'{"parts": [], "is_admin": true}',
    ],
)
async def test_json_that_does_not_fit(admin: AsgiClient, path: str, body: bytes) -> None:
    answer = await admin.send("POST", path, body=body)
    assert (answer.status, answer.code) == (422, "invalid_body")
    assert answer.json["errors"]


@BODY_ROUTES
@pytest.mark.parametrize("text", [rb"\u0000", rb"\ud800", rb"\udc00\ud800"])
async def test_text_that_no_database_keeps(admin: AsgiClient, path: str, text: bytes) -> None:
    answer = await admin.send("POST", path, body=b'{"name": "' + text + b'"}')
    assert (answer.status, answer.code) == (422, "invalid_text")


async def test_each_wrong_field_is_told(admin: AsgiClient) -> None:
    answer = await admin.post("/things/new", {"name": "", "price": -1, "role": "admin"})
    told = {error["pointer"]: error["detail"] for error in answer.json["errors"]}
    assert set(told) == {"/name", "/price", "/role"}
    assert told["/price"].startswith("must be between 0 and")


async def test_the_hundredth_fault_is_not_told(admin: AsgiClient) -> None:
    answer = await admin.post("/things/new", {str(number): 0 for number in range(1000)})
    assert answer.status == 422
    assert len(answer.json["errors"]) == 50


@BODY_ROUTES
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "", "multipart/form-data"]
)
async def test_other_media_are_not_supported(
    admin: AsgiClient, path: str, content_type: str
) -> None:
    answer = await admin.send("POST", path, body=b"{}", headers={"content-type": content_type})
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


@BODY_ROUTES
async def test_a_body_that_does_not_say_what_it_is_is_taken_for_json(
    admin: AsgiClient, tokens: Tokens, shell: ServiceShell, path: str
) -> None:
    body = json.dumps({"name": "x", "price": 1}).encode()
    headers = [
        (b"authorization", f"Bearer {tokens.of(1, 'admin')}".encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    answer = await exchange(shell, scope_of("POST", path, b"", headers), [body])
    assert answer.status == (201 if path == "/things/new" else 422)


async def test_an_optional_body_may_be_left_out(buyer: AsgiClient) -> None:
    assert (await buyer.put("/things/7/opinion")).json["stars"] is None
    assert (await buyer.put("/things/7/opinion", {"stars": 3})).json["stars"] == 3
    assert (await buyer.send("PUT", "/things/7/opinion", body=b"{")).code == "not_json"


@BODY_ROUTES
async def test_a_body_is_a_mebibyte_at_most(admin: AsgiClient, path: str) -> None:
    fits, exceeds = b" " * (1024 * 1024), b" " * (1024 * 1024 + 1)
    assert (await admin.send("POST", path, body=fits)).code == "not_json"
    for answer in (
        await admin.send("POST", path, body=exceeds),
        await admin.send("POST", path, body=b"", headers={"content-length": "1048577"}),
        await admin.send("POST", path, body=b"", headers={"content-length": "9" * 400}),
        await admin.send("POST", path, chunks=[b" " * 100_000] * 11),
    ):
        assert (answer.status, answer.code) == (413, "body_too_large")


async def test_a_body_in_pieces_is_put_together(buyer: AsgiClient, admin: AsgiClient) -> None:
    pieces = [b'{"parts": [{"thing_id": 5,', b' "offered": 1}]', b"}"]
    assert (await buyer.send("POST", "/things", chunks=pieces)).status == 201
    pieces = [b'{"name": "x",', b' "price": 1}', b""]
    assert (await admin.send("POST", "/things/new", chunks=pieces)).status == 201


@BODY_ROUTES
async def test_a_body_that_does_not_come_is_not_waited_for(
    shell: ServiceShell, tokens: Tokens, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BODY_TIMEOUT_SECONDS", 0.01)
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [
        (b"authorization", f"Bearer {tokens.of(1, 'admin')}".encode()),
        (b"content-length", b"5"),
    ]
    await asyncio.wait_for(shell(scope_of("POST", path, b"", headers), receive, send), 60)
    assert sent[0]["status"] == 400
    assert b"body_too_slow" in sent[1]["body"]


async def test_a_client_that_goes_away_is_not_answered(shell: ServiceShell, tokens: Tokens) -> None:
    sent: list[Message] = []
    steps: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return steps.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [
        (b"authorization", f"Bearer {tokens.of(7)}".encode()),
        (b"transfer-encoding", b"chunked"),
    ]
    await shell(scope_of("POST", "/things", b"", headers), receive, send)
    assert sent == []


async def test_a_request_cancelled_by_the_server_is_told_to_come_back(shell: ServiceShell) -> None:
    cancelled = asyncio.Event()
    sent: list[Message] = []

    async def receive() -> Message:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = scope_of("POST", "/describe", b"", [(b"content-length", b"5")])
    request = asyncio.create_task(shell(scope, receive, send))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert cancelled.is_set()
    assert sent[0]["status"] == 503
