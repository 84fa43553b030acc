"""A way through the worlds, told so that a person can follow it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from feira.model.promises import Standing
from feira.model.protocol import Label, Mishap, Protocol
from feira.model.search import Exploration, World

SAYS_NOTHING = frozenset(
    {"order_id", "customer_id", "lines", "hold_seconds", "payment_id", "token"}
)


def story(found: Exploration) -> str:
    """Why a scope fails, step by step."""
    assert found.fault is not None, "all is well"
    lines = [f"{found.fault.what}  ({found.scope.name})"]
    for number, (label, world) in enumerate(found.fault.path):
        told = told_of(label) if label else "the orders are accepted"
        lines.append(f"{number:3}. {told}")
        if world and label:
            lines.append(f"       {'; '.join(_standings(found.protocol, label.order_id, world))}")
    return "\n".join(lines)


def told_of(label: Label) -> str:
    """One step in words."""
    if isinstance(label.what, Mishap):
        about = f"order {label.order_id}: " if label.order_id else ""
        return f"{about}{label.what.what}"
    if isinstance(label.what, tuple) and not hasattr(label.what, "_fields"):
        call, *said = label.what
        return f"order {label.order_id}: provider gets {_named(call)}, and says {_all(said)}"
    return f"order {label.order_id}: {label.actor} takes {_named(label.what)}"


def _all(said: list[Any]) -> str:
    return ", ".join(map(_named, said)) or "nothing"


def _named(item: Any) -> str:
    fields = ", ".join(f"{name}={value!s}" for name, value in _fields(item))
    return f"{type(item).__name__}({fields})"


def _fields(item: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(item, msgspec.Struct):
        names: Any = item.__struct_fields__
    else:
        names = getattr(item, "_fields", None) or getattr(item, "__dataclass_fields__", ())
    for name in names:
        value = getattr(item, name)
        if name not in SAYS_NOTHING and value not in (None, ""):
            yield name, value


def _standings(protocol: Protocol, order_id: int, world: World) -> Iterator[str]:
    for course in world.courses:
        standing = protocol.standing(world.inventory, course)
        if order_id in (0, standing.order.id):
            yield _standing(standing)


def _standing(standing: Standing) -> str:
    saga = standing.saga.state if standing.saga else "none"
    stock = standing.reservation.status if standing.reservation else "untouched"
    payments = ", ".join(p.state for p in standing.payments.payments.values()) or "none"
    kept_cents = standing.books.kept_cents
    return (
        f"order {standing.order.id} {standing.order.status}, saga {saga}, stock {stock}, "
        f"payment {payments}, provider keeps {kept_cents}"
    )
