"""A crowd for a hundred units, through the gateway (B6, B7)."""

import asyncio
from typing import Any

import aiohttp

from tests.crowd import BUYERS, UNITS, Crowd
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.shop_client import ShopClient

POLICY = "content-security-policy"


async def test_a_crowd_for_a_hundred_units(client: ShopClient) -> None:
    crowd = await Crowd.gathers(client)
    watching = asyncio.create_task(sees_it_sell_out(client, crowd.sale_id))
    await crowd.rushes_in()
    await crowd.ends_well()
    assert await asyncio.wait_for(watching, PATIENCE_SECONDS), (
        "the event stream came to say that it is over"
    )
    await the_report_tells_it(crowd)


async def sees_it_sell_out(client: ShopClient, sale_id: int) -> bool:
    """Follow the sale's events through the gateway until every unit is sold."""
    address = f"{client.shop.address}/flash-sales/{sale_id}/events"
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(address) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        async for line in stream.content:
            if f'"sold":{UNITS}'.encode() in line:
                return True
    return False


async def the_report_tells_it(crowd: Crowd) -> None:
    path = f"/flash-sales/{crowd.sale_id}/report"

    async def everybody_is_in_it() -> Any:
        report = (await crowd.client.admin.get(path)).json
        refused = sum(refusal["count"] for refusal in report["refusals"])
        won = sum(reply.status == 201 for reply in crowd.answers.values())
        assert refused == BUYERS - won, report["refusals"]
        return report

    report = await eventually(everybody_is_in_it, what="all refusals are counted")
    assert report["sold"] == UNITS
    assert len({winner["customer_id"] for winner in report["winners"]}) == len(report["winners"])
    assert report["lapsed"] == len(report["winners"]) - UNITS
    page = await crowd.client.admin.get(f"{path}?format=html")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policies = [value for name, value in page.headers.items() if name.lower() == POLICY]
    assert len(policies) == 1, "the page's own, and not the gateway's beside it"
    assert "style-src 'sha256-" in policies[0]
