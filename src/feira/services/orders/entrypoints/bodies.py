"""Bodies of the orders API, in the dialects of the documents it comes from (O2, I1)."""

from typing import Annotated, Final, Literal

import msgspec

from feira.chassis.auth.principal import Principal
from feira.chassis.http.fields import AmountNumber, IdNumber, cents_of, id_of, wrong_field
from feira.kernel.errors import Category, Refused, Rejected
from feira.services.orders.domain.order import (
    LINES_MAX,
    QUANTITY_MAX,
    Payment,
    WantedLine,
    Wish,
)

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=QUANTITY_MAX)]
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

NOT_YOURS: Final = Refused(
    Category.FORBIDDEN, "forbidden", "Only administrators order for other customers."
)


class ItemBody(msgspec.Struct, kw_only=True):
    id: IdNumber
    quantity: Quantity


class AddressBody(msgspec.Struct, kw_only=True, omit_defaults=True):
    street: Word
    number: Word
    city: Word
    state: Word
    country: Word
    zipcode: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    district: Word | None = None
    complement: Word | None = None


class DeliveryBody(msgspec.Struct, kw_only=True):
    address: AddressBody


class PaymentBody(msgspec.Struct, kw_only=True):
    """A provider's token stands for the card: card numbers never come here."""

    method: Literal["card"]
    token: Token


Items = Annotated[list[ItemBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


class OrderBody(msgspec.Struct, kw_only=True):
    """`POST /orders` (O2); `items` may be said for `itens`, `customerId` only by administrators."""

    itens: Items | None = None
    items: Items | None = None
    customerId: IdNumber | None = None  # noqa: N815 - the document's own spelling
    delivery: DeliveryBody | None = None
    payment: PaymentBody | None = None


class ProductBody(msgspec.Struct, kw_only=True):
    product_id: IdNumber
    quantity: Quantity
    price: AmountNumber


class ApiOrderBody(msgspec.Struct, kw_only=True):
    """`POST /api/orders` (I1)."""

    customer_id: IdNumber
    products: Annotated[list[ProductBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    payment: PaymentBody | None = None


_encode: Final = msgspec.json.Encoder().encode


def wish_of(body: OrderBody, caller: Principal) -> Wish:
    items = body.itens or body.items
    if items is None or (body.itens and body.items):
        raise wrong_field("/itens", "either `itens` or `items` is required")
    return Wish(
        customer_id=_customer(body.customerId, "/customerId", caller),
        lines=[
            WantedLine(id_of(item.id, f"/itens/{at}/id"), item.quantity)
            for at, item in enumerate(items)
        ],
        delivery=_encode(body.delivery) if body.delivery else None,
        payment=payment_of(body.payment) if body.payment else None,
    )


def api_wish_of(body: ApiOrderBody, caller: Principal) -> Wish:
    return Wish(
        customer_id=_customer(body.customer_id, "/customer_id", caller),
        lines=[
            WantedLine(
                id_of(product.product_id, f"/products/{at}/product_id"),
                product.quantity,
                cents_of(product.price, f"/products/{at}/price"),
            )
            for at, product in enumerate(body.products)
        ],
        payment=payment_of(body.payment) if body.payment else None,
    )


def payment_of(body: PaymentBody) -> Payment:
    return Payment(body.method, body.token)


def _customer(given: int | str | None, pointer: str, caller: Principal) -> int:
    """Whom the order is for: the caller, or for administrators whom they say."""
    if given is None:
        return caller.id
    customer_id = id_of(given, pointer)
    if customer_id != caller.id and not caller.is_admin:
        raise Rejected(NOT_YOURS)
    return customer_id
