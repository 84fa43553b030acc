"""What comes over the wire from strangers: envelopes without an id, servers that are no Valkey."""

import asyncio

import pytest

from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Envelope
from feira.chassis.transports.wire import envelope_id
from feira.kernel.errors import Unavailable
from feira.kernel.ids import uuid7


@pytest.mark.parametrize("text", [None, "", "no id", "12345678"])
def test_an_envelope_without_an_id_has_one_made_of_its_place_and_body(text: str | None) -> None:
    """The same at each delivery, so that it is known again."""
    made = envelope_id(text, b"[]", "jars.commands", 3, 17)
    assert made == envelope_id(text, b"[]", "jars.commands", 3, 17)
    assert made != envelope_id(text, b"[{}]", "jars.commands", 3, 17)
    assert made.version == 8
    places = [("jars.commands", 3, 17), ("jars.commands", 31, 7), ("jars.events", 3, 17)]
    assert len({envelope_id(text, b"[]", *place) for place in places}) == 3


def test_an_envelope_keeps_the_id_it_came_with() -> None:
    given = uuid7()
    assert envelope_id(str(given), b"[]", "jars.commands", 3, 17) == given


async def test_what_does_not_speak_as_valkey_does_is_trouble() -> None:
    """The port may be another program's: what it says is not taken for an answer."""
    asked = asyncio.Event()

    async def web_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1_000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        asked.set()

    server = await asyncio.start_server(web_server, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = open_transport(f"valkey://127.0.0.1:{port}", partitions=1, member="m")
    with pytest.raises(Unavailable):
        await transport.publish([Envelope(uuid7(), "jars.commands", 0, b"[]")])
    assert asked.is_set()
    await transport.close()
    server.close()
    await server.wait_closed()
