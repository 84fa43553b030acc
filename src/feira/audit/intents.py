"""What clients wanted: calls with one key are one intent, however often it was sent."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from feira.audit.evidence import Call, Lines

PLACING: Final = frozenset({"POST /orders", "POST /api/orders"})
ABOUT_AN_ORDER: Final = re.compile(r"/orders/(\d+)(/cancel|/payment)?$")
STOCK_MOVE: Final = re.compile(r"POST /inventory/(\d+)/(receipt|adjustment)s$")
# Answers that depend on who asks and how often, and not on what was asked.
NOT_ABOUT_THE_REQUEST: Final = frozenset({401, 429})


@dataclass(slots=True)
class Intent:
    """Everything that was sent to have one thing done, and all that was answered."""

    calls: list[Call] = field(default_factory=list)

    @property
    def first(self) -> Call:
        return self.calls[0]

    @property
    def request(self) -> str:
        return self.first.request

    @property
    def granted(self) -> list[Call]:
        """The calls that were answered with a yes."""
        return [call for call in self.calls if call.status is not None and call.status < 300]

    @property
    def decided(self) -> list[Call]:
        return [
            call
            for call in self.calls
            if call.is_decided and call.status not in NOT_ABOUT_THE_REQUEST
        ]

    @property
    def is_unknown(self) -> bool:
        """Nobody who knows has answered: it was done, or it was not."""
        return not self.decided and any(not call.is_decided for call in self.calls)

    def __str__(self) -> str:
        return str(self.calls[-1])


def intents_of(history: Iterable[Call]) -> list[Intent]:
    """Calls that change something, gathered by caller, key and request."""
    found: dict[object, Intent] = {}
    for number, call in enumerate(history):
        if call.method == "GET":
            continue
        # without a key every call is an intent of its own
        name = (call.who, call.key, call.request, said(call.body)) if call.key else number
        found.setdefault(name, Intent()).calls.append(call)
    return list(found.values())


def order_id_of(call: Call) -> int | None:
    """Which order a call is about, as far as its path or its answer tells."""
    about = ABOUT_AN_ORDER.search(call.path)
    if about is not None:
        return int(about[1])
    return placed_id(call)


def placed_id(call: Call) -> int | None:
    """The order that a call was told it has placed."""
    if call.request not in PLACING or call.status not in (200, 201):
        return None
    named = call.answer.get("id") or call.answer.get("order_id")
    return int(named) if named else None


def paid_order_id(call: Call) -> int | None:
    """The order that a call offers a means of payment for."""
    about = ABOUT_AN_ORDER.search(call.path)
    return int(about[1]) if about is not None and about[2] == "/payment" else None


def customer_of(call: Call) -> int:
    """Whom an order is placed for."""
    body = call.body
    return int(body.get("customerId") or body.get("customer_id") or call.who)


def lines_of(call: Call) -> Lines:
    """What an order is placed for: quantities by product, several lines of one product together."""
    body = call.body
    lines: dict[int, int] = {}
    for item in body.get("itens") or body.get("items") or body.get("products") or ():
        product_id = int(item.get("id") or item["product_id"])
        lines[product_id] = lines.get(product_id, 0) + int(item["quantity"])
    return lines


def said(body: Any) -> str:
    """A body as one comparable value."""
    return repr(sorted(body.items())) if isinstance(body, dict) else repr(body)
