"""A raw ASGI POST: decodes an order and answers it. What an accepted order is compared with."""

from typing import Any, Final

import msgspec


class Item(msgspec.Struct):
    id: int
    quantity: int


class Order(msgspec.Struct):
    itens: list[Item]


class Placed(msgspec.Struct):
    id: int
    status: str


_decode: Final = msgspec.json.Decoder(Order).decode
_encode: Final = msgspec.json.Encoder().encode


async def app(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    message = await receive()
    body = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    order = _decode(body)
    answer = _encode(Placed(len(order.itens), "pending"))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
    ]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
