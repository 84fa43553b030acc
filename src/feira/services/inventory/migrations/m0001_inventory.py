"""Stock items, reservations and movements, with the views by which they are audited."""

from feira.chassis.postgres.migrations import run_sql
from feira.chassis.postgres.schema import CHASSIS_TABLES, DROP_CHASSIS_TABLES

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(CHASSIS_TABLES)
    run_sql("""
-- Updated once a batch each; no changing column is indexed and pages keep room: updates stay HOT.
CREATE TABLE stock_item (
    product_id bigint PRIMARY KEY,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    version bigint NOT NULL,
    CHECK (reserved >= 0 AND on_hand >= reserved)
) WITH (fillfactor = 50);
-- lines is [[product_id, quantity], ...]; missing is [[product_id, requested, available], ...].
CREATE TABLE reservation (
    order_id bigint PRIMARY KEY,
    status text NOT NULL
        CHECK (status IN ('held', 'confirmed', 'released', 'expired', 'refused')),
    lines json NOT NULL,
    missing json,
    expires_at timestamptz,
    confirmed_at timestamptz,
    version integer NOT NULL,
    CHECK (status <> 'held' OR expires_at IS NOT NULL),
    CHECK (status <> 'confirmed' OR confirmed_at IS NOT NULL),
    CHECK ((status = 'refused') = (missing IS NOT NULL))
);
CREATE INDEX reservation_held ON reservation (expires_at, order_id) WHERE status = 'held';
CREATE TABLE movement (
    id bigint NOT NULL,
    product_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('receipt', 'adjustment', 'count', 'restock')),
    quantity bigint NOT NULL CHECK (quantity <> 0 OR kind = 'count'),
    reason text,
    reference text,
    at timestamptz NOT NULL,
    PRIMARY KEY (product_id, id)
);
-- How far the announcement of all levels has come; no row when none is under way.
CREATE TABLE announcement (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL
);
-- Every change of on_hand. A sale is not written twice: the confirmed reservation is its entry.
CREATE VIEW stock_ledger AS
SELECT product_id, kind, quantity, reason, reference, at FROM movement
UNION ALL
SELECT (line ->> 0)::bigint, 'sale', -(line ->> 1)::bigint, NULL, 'order/' || order_id, confirmed_at
FROM reservation, json_array_elements(lines) AS line
WHERE confirmed_at IS NOT NULL;
-- What each stock item says beside what the ledger and the holds say: always the same.
CREATE VIEW stock_audit AS
SELECT item.product_id, item.on_hand, coalesce(ledger.on_hand, 0) AS ledger_on_hand,
       item.reserved, coalesce(held.units, 0) AS held
FROM stock_item AS item
LEFT JOIN (
    SELECT product_id, sum(quantity) AS on_hand FROM stock_ledger GROUP BY product_id
) AS ledger USING (product_id)
LEFT JOIN (
    SELECT (line ->> 0)::bigint AS product_id, sum((line ->> 1)::bigint) AS units
    FROM reservation, json_array_elements(lines) AS line
    WHERE status = 'held'
    GROUP BY 1
) AS held USING (product_id);
""")


def downgrade() -> None:
    run_sql("DROP VIEW stock_audit, stock_ledger;")
    run_sql("DROP TABLE announcement, movement, reservation, stock_item;")
    run_sql(DROP_CHASSIS_TABLES)
