"""Losers answered from memory, the event stream, the report."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.asgi import scope_of
from tests.component.flash_crowd.conftest import Sale
from tests.eventually import eventually


async def test_losers_are_answered_from_memory_and_winners_are_not(
    sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale_id = await sale.opens(stock=2, queue_max=0)
    first = await sale.claims(sale_id, 1, idempotency_key="mine")
    assert (first.status, (await sale.claims(sale_id, 2)).status) == (201, 201)

    async def is_known_to_be_sold_out() -> bool:
        path = f"/flash-sales/{sale_id}/orders"
        return (await sale.shop.nobody.post(path)).code == "sold_out"

    await eventually(is_known_to_be_sold_out, what="memory knows")
    with monkeypatch.context() as without_a_lane:
        without_a_lane.setattr(sale.shop.service.lane, "submit", None)
        losers = await asyncio.gather(*(sale.claims(sale_id, 100 + n) for n in range(200)))
    assert {(answer.status, answer.code) for answer in losers} == {(409, "sold_out")}
    again = await sale.claims(sale_id, 1, idempotency_key="mine")
    assert (again.status, again.body) == (201, first.body), "the answer may have been lost"
    assert (await sale.claims(sale_id, 2)).code == "already_claimed"


async def test_the_report_tells_of_everybody(sale: Sale) -> None:
    sale_id = await sale.opens(stock=2, queue_max=0)
    for customer in (1, 1, 2, 3):
        await sale.claims(sale_id, customer)
    path = f"/flash-sales/{sale_id}/report"

    async def all_are_counted() -> Any:
        report = (await sale.shop.admin.get(path)).json
        counted = {refusal["code"]: refusal["count"] for refusal in report["refusals"]}
        assert counted == {"already_claimed": 1, "sold_out": 1}, counted
        return report

    report = await eventually(all_are_counted, what="the refusals are saved")
    assert [winner["customer_id"] for winner in report["winners"]] == [1, 2]
    assert (report["units"], report["held"], report["claims"]) == (2, 2, 2)
    assert report["answers"]["p99_ms"] > 0
    page = await sale.shop.admin.get(f"{path}?format=html")
    assert page.headers["content-type"].startswith("text/html")
    assert "style-src 'sha256-" in page.headers["content-security-policy"]
    by_accept = await sale.shop.admin.get(path, headers={"Accept": "text/html"})
    assert by_accept.body.startswith(b"<!doctype html>")
    assert (await sale.shop.customer(1).get(path)).status == 403
    assert (await sale.shop.nobody.get(path)).status == 401
    assert (await sale.shop.admin.get("/flash-sales/999/report")).status == 404


async def test_who_watches_sees_the_units_go(sale: Sale) -> None:
    sale_id = await sale.opens(stock=2)
    watcher = Watcher(sale, f"/flash-sales/{sale_id}/events")
    async with watcher:
        await eventually(lambda: watcher.saw(left=2), what="the drop as it stands")
        await sale.claims(sale_id, 1)
        await eventually(lambda: watcher.saw(left=1, held=1), what="a unit is held")
    assert watcher.headers[b"x-accel-buffering"] == b"no"
    metrics = (await sale.shop.nobody.get("/metrics")).body
    assert b"feira_flash_event_streams" in metrics
    assert b'route="/flash-sales/{sale_id}/events"' not in metrics, "no answer time: it is its own"
    assert (await sale.shop.nobody.get("/flash-sales/999/events")).status == 404


async def test_who_waits_is_told_the_place(sale: Sale) -> None:
    sale_id = await sale.opens(stock=1)
    await sale.claims(sale_id, 1)
    answers = [await sale.claims(sale_id, customer) for customer in (2, 3)]
    assert [answer.json["place"] for answer in answers] == [1, 2]
    watcher = Watcher(sale, f"/flash-sales/{sale_id}/events", customer_id=3)
    async with watcher:
        await eventually(lambda: watcher.saw(queue_place=2), what="the place in the queue")


async def test_its_addresses_are_documented(sale: Sale) -> None:
    paths = sale.shop.service.app.app.openapi()["paths"]
    events = paths["/flash-sales/{sale_id}/events"]["get"]["responses"]["200"]["content"]
    assert "text/event-stream" in events
    assert {"/flash-sales/{sale_id}/admission", "/flash-sales/{sale_id}/report"} <= paths.keys()


class Watcher:
    """An open event stream, read as it comes."""

    def __init__(self, sale: Sale, path: str, customer_id: int | None = None) -> None:
        shop = sale.shop
        token = shop.signer.sign(customer_id, "customer", "watches") if customer_id else None
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        self._app = shop.service.app
        self._scope = scope_of("GET", path, b"", headers)
        self._leaves = asyncio.Event()
        self._text = b""
        self.headers: dict[bytes, bytes] = {}

    async def __aenter__(self) -> "Watcher":
        self._running = asyncio.create_task(self._app(self._scope, self._receive, self._send))
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._leaves.set()
        await self._running

    async def saw(self, **figures: int) -> bool:
        """An event with these figures."""
        lines = [line for line in self._text.split(b"\n") if line.startswith(b"data: ")]
        seen = [msgspec.json.decode(line.removeprefix(b"data: ")) for line in lines]
        return any(figures.items() <= event.items() for event in seen)

    async def _receive(self) -> dict[str, Any]:
        await self._leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.headers = dict(message["headers"])
        self._text += message.get("body", b"")
