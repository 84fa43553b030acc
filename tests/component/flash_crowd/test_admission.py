"""The waiting room: a place, a ticket, and its turn (B6, B7)."""

import asyncio
import hashlib
from itertools import count

from tests.component.flash_crowd.conftest import Sale
from tests.eventually import eventually


async def test_without_a_waiting_room_everybody_may_claim(sale: Sale) -> None:
    sale_id = await sale.opens()
    assert (await sale.claims(sale_id, 5)).status == 201
    asked = await sale.shop.customer(6).post(f"/flash-sales/{sale_id}/admission")
    assert (asked.status, asked.code) == (409, "no_waiting_room")


async def test_with_one_a_claim_needs_a_ticket_whose_turn_has_come(sale: Sale) -> None:
    sale_id = await sale.opens(
        admission=True, admission_at_once=1, admission_per_second=1, stock=50
    )
    refused = await sale.claims(sale_id, 5)
    assert (refused.status, refused.code) == (403, "not_admitted")
    places = await asyncio.gather(
        *(
            sale.shop.customer(customer).post(f"/flash-sales/{sale_id}/admission")
            for customer in range(100, 140)
        )
    )
    assert {answer.status for answer in places} == {201}
    assert len({answer.json["place"] for answer in places}) == len(places), "a place is one's own"
    early, late = places[0].json, places[39].json
    assert late["place"] > early["place"]
    again = (await sale.shop.customer(139).post(f"/flash-sales/{sale_id}/admission")).json
    assert again["place"] == late["place"], "who asks again keeps the place"
    waits = await sale.claims(sale_id, 139, admission_ticket=late["ticket"])
    assert (waits.status, waits.code) == (403, "not_admitted")
    assert int(waits.headers["retry-after"]) >= 1
    another = await sale.claims(sale_id, 5, admission_ticket=late["ticket"])
    assert (another.status, another.code) == (403, "not_admitted"), "a ticket is one customer's"


async def test_whose_turn_it_is_gets_a_unit(sale: Sale) -> None:
    sale_id = await sale.opens(admission=True)
    place = (await sale.shop.customer(5).post(f"/flash-sales/{sale_id}/admission")).json
    assert place["ahead"] == 0
    won = await sale.claims(sale_id, 5, admission_ticket=place["ticket"])
    assert won.status == 201


async def test_a_sale_may_ask_for_work_first(sale: Sale) -> None:
    sale_id = await sale.opens(admission=True, challenge_bits=8)
    ana = sale.shop.customer(5)
    path = f"/flash-sales/{sale_id}"
    unsolved = await ana.post(f"{path}/admission", {"challenge": "x", "nonce": "1"})
    assert (unsolved.status, unsolved.code) == (403, "challenge_unsolved")
    asked = (await ana.get(f"{path}/challenge")).json
    assert (asked["bits"], asked["algorithm"]) == (8, "sha-256")
    nonce = next(
        str(n)
        for n in count()
        if hashlib.sha256(f"{asked['challenge']}.{n}".encode()).digest()[0] == 0
    )
    solved = {"challenge": asked["challenge"], "nonce": nonce}
    assert (await ana.post(f"{path}/admission", solved)).status == 201
    stolen = await sale.shop.customer(6).post(f"{path}/admission", solved)
    assert (stolen.status, stolen.code) == (403, "challenge_unsolved")


async def test_after_the_end_no_places_are_given(sale: Sale) -> None:
    sale_id = await sale.opens(admission=True)
    assert (await sale.claims(sale_id, 4)).code == "not_admitted"
    ana = sale.shop.customer(5)
    first = await ana.post(f"/flash-sales/{sale_id}/admission")
    won = await sale.claims(sale_id, 5, admission_ticket=first.json["ticket"])
    assert won.status == 201, "who holds a unit keeps the drop alive after its end"
    assert (await sale.shop.admin.delete(f"/flash-sales/{sale_id}")).status == 200

    async def is_over() -> bool:
        answer = await sale.shop.customer(6).post(f"/flash-sales/{sale_id}/admission")
        return (answer.status, answer.code) == (409, "not_open") if answer.status != 201 else False

    await eventually(is_over, 5, "memory knows of the end")


async def test_what_is_wrong_is_refused_as_everywhere(sale: Sale) -> None:
    sale_id = await sale.opens(admission=True)
    path = f"/flash-sales/{sale_id}/admission"
    assert (await sale.shop.nobody.post(path)).status == 401
    ana = sale.shop.customer(5)
    assert (await ana.post("/flash-sales/12345/admission")).code == "flash_sale_not_found"
    assert (await ana.post(path, body=b"{")).status == 400
    assert (await ana.post(path, {"nonce": "x" * 100})).status == 422
    assert (await ana.get(f"/flash-sales/{sale_id}/challenge")).code == "no_challenge"
    strange = await sale.claims(sale_id, 5, admission_ticket="é" * 2_000)
    assert (strange.status, strange.code) == (403, "not_admitted")
