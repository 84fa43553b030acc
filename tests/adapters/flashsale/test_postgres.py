"""What flash sales cost in PostgreSQL."""

from typing import Any

import msgspec
import pytest

from feira.chassis.postgres.connection import Connection
from feira.services.flashsale.adapters.postgres import campaigns, claims, drops, queries
from tests.adapters.flashsale.conftest import World
from tests.unit.flashsale.world import START, claiming


async def test_a_crowd_is_written_once_a_batch(postgres_world: World) -> None:
    drop_id = await postgres_world.open_drop(1_000)
    before = (await postgres_world.drop(drop_id)).version
    for start in range(0, 1_000, 500):
        await postgres_world.batches.do(
            *(claiming(drop_id, customer) for customer in range(start, start + 500))
        )
    after = await postgres_world.drop(drop_id)
    assert (after.held, after.version - before) == (1_000, 2)


async def test_the_books_of_a_drop_agree_with_its_claims(
    postgres_world: World, connection: Connection
) -> None:
    drop_id = await postgres_world.open_drop(2)
    await postgres_world.batches.do(*(claiming(drop_id, customer) for customer in range(4)))
    audit = await connection.fetchrow("SELECT * FROM sale_drop_audit WHERE id = $1", drop_id)
    assert audit is not None
    assert (audit["held"], audit["claims_won"], audit["units_left"]) == (2, 2, 0)
    assert (audit["waiting"], audit["claims_waiting"]) == (2, 2)
    assert (audit["claims"], audit["claims_there"]) == (4, 4)


@pytest.mark.parametrize(
    ("statement", "arguments", "index"),
    [
        (drops.LOCK, [[7, 8, 9]], "sale_drop_pkey"),
        (drops.LOCK_DUE, [START, 100], "sale_drop_due"),
        (drops.CURRENT_OF, [[7, 8]], "sale_drop_campaign_id_slot_key"),
        (campaigns.LOCK_DUE, [START, 100], "campaign_to_plan"),
        (claims.COUNT_OF, [[7, 7], [1, 2]], "claim_drop_id_customer_id_nth_key"),
        (claims.OF_ORDERS, [[1, 2]], "claim_of_order"),
        (claims.NEXT_IN_QUEUE, [7, 10], "claim_waiting"),
        (claims.UNSETTLED, [7, 10], "claim_"),
        (queries.NEWEST_CLAIM, [7, 1], "claim_drop_id_customer_id_nth_key"),
        (queries.NEXT_DUE, [], "sale_drop_due"),
    ],
)
async def test_every_statement_finds_its_rows_by_an_index(
    connection: Connection, statement: str, arguments: list[Any], index: str
) -> None:
    plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *arguments)
    nodes = list(nodes_of(msgspec.json.decode(plan)[0]["Plan"]))
    assert any(node.get("Index Name", "").startswith(index) for node in nodes)
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}


def nodes_of(node: dict[str, Any]) -> Any:
    yield node
    for inner in node.get("Plans", []):
        yield from nodes_of(inner)
