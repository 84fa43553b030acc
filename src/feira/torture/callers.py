"""Callers of a running shop: customers and administrators, over kept connections."""

import io
import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from yarl import URL

from feira.audit.evidence import Call
from feira.kernel.ids import Ids
from feira.runtime.registry import SERVICES
from feira.torture.eventually import PATIENCE_SECONDS, eventually
from feira.torture.running_shop import RunningShop

ANSWER_TIMEOUT_SECONDS: Final = 40.0
LARGE_BYTES: Final = 1024 * 1024
CONNECTIONS_MAX: Final = 1_200
FIRST_CUSTOMER: Final = 7_000_000_000
ADMIN_ID: Final = 6_999_999_999
NOTHING: Final[Any] = object()

DELIVERY: Final = {
    "address": {
        "street": "Rua Exemplo",
        "number": "10A",
        "city": "São Paulo",
        "state": "SP",
        "country": "Brazil",
        "zipcode": "00000000",
    }
}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def said(self) -> Any:
        """What the body says, if it is JSON: a gateway's own answers need not be."""
        try:
            return self.json
        except ValueError:
            return None

    @property
    def code(self) -> str:
        """The code of a problem (RFC 9457)."""
        assert self.headers["Content-Type"].startswith("application/problem+json"), self
        return str(self.json["code"])


@dataclass(frozen=True, slots=True)
class Remembering:
    """Who calls, and the history in which their calls and answers are written down."""

    who: int
    history: list[Call]
    is_admin: bool = False


class Caller:
    """Somebody who calls the API; without a token, nobody in particular."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: str,
        token: str | None = None,
        remembering: Remembering | None = None,
    ) -> None:
        self._session = session
        self._address = address
        self._token = token
        self._remembering = remembering

    @property
    def who(self) -> int:
        """The user whose calls are remembered."""
        assert self._remembering is not None, "nobody's calls are remembered"
        return self._remembering.who

    def with_token(self, token: str | None, remembering: Remembering | None = None) -> "Caller":
        return Caller(self._session, self._address, token, remembering)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = NOTHING,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """`body` is sent as JSON, or as it is when it is bytes (or a stream of them)."""
        sent_at, reply = time.monotonic(), None
        try:
            reply = await self._send(method, path, body, key=key, headers=headers)
        finally:
            # what was cut off may have been done: it is remembered, too
            self._remember(method, path, body, key, sent_at, reply)
        return reply

    def _remember(
        self,
        method: str,
        path: str,
        body: Any,
        key: str | None,
        sent_at: float,
        reply: Reply | None,
    ) -> None:
        if self._remembering is None:
            return
        who = self._remembering
        who.history.append(
            Call(
                who=who.who,
                is_admin=who.is_admin,
                method=method,
                path=path,
                body=None if body is NOTHING else body,
                key=key,
                sent_at=sent_at,
                answered_at=time.monotonic() if reply else None,
                status=reply.status if reply else None,
                answer=reply.said if reply else None,
            )
        )

    async def _send(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        key: str | None,
        headers: Mapping[str, str] | None,
    ) -> Reply:
        sent = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if key is not None:
            sent["Idempotency-Key"] = key
        data: Any = None
        if body is not NOTHING:
            sent["Content-Type"] = "application/json"
            is_raw = isinstance(body, bytes) or hasattr(body, "__aiter__")
            data = body if is_raw else json.dumps(body).encode()
            if isinstance(data, bytes) and len(data) > LARGE_BYTES:
                data = io.BytesIO(data)  # aiohttp warns of sending so much in one go
        sent.update(headers or {})
        url = URL(self._address + path, encoded=True)
        async with self._session.request(
            method, url, data=data, headers=sent, allow_redirects=False
        ) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def get(self, path: str) -> Reply:
        return await self.send("GET", path)

    async def post(self, path: str, body: Any = NOTHING, *, key: str | None = None) -> Reply:
        return await self.send("POST", path, body, key=key)

    async def put(self, path: str, body: Any) -> Reply:
        return await self.send("PUT", path, body)

    async def delete(self, path: str) -> Reply:
        return await self.send("DELETE", path)

    # --- what customers do ---------------------------------------------------------------------

    async def buys(
        self, *items: tuple[int, int], token: str | None = "tok_visa", key: str | None = None
    ) -> int:
        """Place an order of (product, quantity) pairs, which is accepted; its id."""
        reply = await self.post("/orders", order_body(*items, token=token), key=key)
        assert reply.status == 201, reply
        order_id = reply.json["id"]
        assert isinstance(order_id, int)
        return order_id

    async def order(self, order_id: int) -> Any:
        reply = await self.get(f"/orders/{order_id}")
        assert reply.status == 200, reply
        return reply.json

    async def sees(
        self, order_id: int, *statuses: str, timeout_seconds: float = PATIENCE_SECONDS, **more: str
    ) -> Any:
        """The order, as soon as it has one of those statuses, and `payment` and `inventory` ones.

        `await ana.sees(order_id, "paid", payment="approved", inventory="sold")`
        """

        async def seen() -> Any:
            order = await self.order(order_id)
            assert order["status"] in statuses, order
            assert all(order[part]["status"] == status for part, status in more.items()), order
            return order

        return await eventually(seen, timeout_seconds, f"order {order_id} is {statuses} {more}")


class ShopClient:
    """Everybody who meets one shop. With a `history` all they ask and are answered is kept."""

    _customers = itertools.count(FIRST_CUSTOMER)

    def __init__(
        self,
        shop: RunningShop,
        session: aiohttp.ClientSession,
        history: list[Call] | None = None,
    ) -> None:
        self.shop = shop
        self.history = history
        self.nobody = Caller(session, shop.address)
        self.admin = self.nobody.with_token(
            shop.token(ADMIN_ID, "admin"), self._remembering(ADMIN_ID, is_admin=True)
        )
        self.sandbox = Caller(session, shop.sandbox_address)
        self._session = session

    def customer(self, customer_id: int | None = None) -> Caller:
        """A customer; a new one unless told whom."""
        who = customer_id or next(self._customers)
        return self.nobody.with_token(self.shop.token(who), self._remembering(who))

    def _remembering(self, who: int, *, is_admin: bool = False) -> Remembering | None:
        return None if self.history is None else Remembering(who, self.history, is_admin)

    async def product(self, *, stock: int, price: float = 10.00) -> int:
        """A new product that can be bought: orders knows its price, inventory has its stock."""
        code = f"TEST-{Ids().uuid7()}"
        body = {"code": code, "name": "A test's product", "price": price, "stock": stock}
        reply = await self.admin.post("/products", body, key=code)
        assert reply.status == 201, reply
        product_id = reply.json["id"]
        assert isinstance(product_id, int)
        await eventually(lambda: self._is_sold(product_id), what=f"product {product_id} is sold")
        await self.has_stock(product_id, on_hand=stock, reserved=0)
        return product_id

    async def has_stock(self, product_id: int, **expected: int) -> None:
        """Inventory comes to say so: `on_hand`, `reserved`, `available`."""

        async def says() -> bool:
            reply = await self.admin.get(f"/inventory/{product_id}")
            assert reply.status == 200, reply
            said = {name: reply.json[name] for name in expected}
            assert said == expected, f"product {product_id} has {said}, not {expected}"
            return True

        await eventually(says, what=f"the stock of {product_id}")

    async def shows_stock(
        self, product_id: int, available: int, timeout_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """The catalog comes to show customers that much."""

        async def shows() -> bool:
            reply = await self.nobody.get(f"/products/{product_id}")
            assert reply.status == 200, reply
            assert reply.json["stock"] == available, reply.json
            return True

        await eventually(shows, timeout_seconds, f"the catalog's stock of {product_id}")

    async def books(self, order_id: int) -> dict[str, int]:
        """What the provider's own books say of an order, in centavos."""
        reply = await self.sandbox.get(f"/ledger?order_id={order_id}")
        assert reply.status == 200, reply
        entries = reply.json or [{"captured_cents": 0, "refunded_cents": 0}]
        assert len(entries) == 1, entries
        return {name: entries[0][name] for name in ("captured_cents", "refunded_cents")}

    async def is_ready(self) -> bool:
        """Every service, the provider and the gateway: each says so itself.

        Raises `aiohttp.ClientError` or `TimeoutError` when one does not answer.
        """
        answers = [
            *[await self._readiness(self.shop.service_address(service)) for service in SERVICES],
            await self.sandbox.get("/healthz"),
            await self.nobody.get("/products?limit=1"),
        ]
        return all(reply.status == 200 for reply in answers)

    async def _readiness(self, address: str) -> Reply:
        return await Caller(self._session, address).get("/readyz")

    async def play(self, **controls: Any) -> None:
        """Change how the sandbox provider behaves."""
        reply = await self.sandbox.post("/control", controls)
        assert reply.status == 200, reply

    async def _is_sold(self, product_id: int) -> bool:
        """Ask for it at a price that it never has: the refusal tells, and nothing is ordered."""
        body = {
            "customer_id": FIRST_CUSTOMER,
            "products": [{"product_id": product_id, "quantity": 1, "price": 0.01}],
        }
        return (await self.admin.post("/api/orders", body)).code == "price_changed"


def order_body(*items: tuple[int, int], token: str | None = "tok_visa") -> dict[str, Any]:
    body: dict[str, Any] = {
        "itens": [{"id": product_id, "quantity": quantity} for product_id, quantity in items],
        "delivery": DELIVERY,
    }
    if token is not None:
        body["payment"] = {"method": "card", "token": token}
    return body


@asynccontextmanager
async def clients_of(
    shop: RunningShop, history: list[Call] | None = None
) -> AsyncIterator[ShopClient]:
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
        timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_SECONDS),
        auto_decompress=True,
    ) as session:
        yield ShopClient(shop, session, history)
