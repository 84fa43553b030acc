"""Allotments: stock that is set aside for a flash sale."""

from feira.chassis.postgres.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql("""
ALTER TABLE stock_item
    ADD COLUMN allotted bigint NOT NULL DEFAULT 0 CHECK (allotted >= 0),
    ADD CHECK (reserved + allotted <= on_hand);
ALTER TABLE reservation ADD COLUMN allotment_id bigint;
-- product_id is null where it was closed before it was heard of.
CREATE TABLE allotment (
    id bigint PRIMARY KEY,
    product_id bigint,
    units bigint NOT NULL CHECK (units >= 0),
    units_left bigint NOT NULL CHECK (units_left BETWEEN 0 AND units),
    set_aside_at timestamptz NOT NULL,
    closed_at timestamptz,
    given_back bigint NOT NULL CHECK (given_back BETWEEN 0 AND units),
    CHECK (closed_at IS NULL OR units_left = 0),
    CHECK (closed_at IS NOT NULL OR given_back = 0),
    CHECK (product_id IS NOT NULL OR closed_at IS NOT NULL)
) WITH (fillfactor = 50);
CREATE OR REPLACE VIEW stock_audit AS
SELECT item.product_id, item.on_hand, coalesce(ledger.on_hand, 0) AS ledger_on_hand,
       item.reserved, coalesce(held.units, 0) AS held,
       item.allotted, coalesce(aside.units, 0) AS set_aside
FROM stock_item AS item
LEFT JOIN (
    SELECT product_id, sum(quantity) AS on_hand FROM stock_ledger GROUP BY product_id
) AS ledger USING (product_id)
LEFT JOIN (
    SELECT (line ->> 0)::bigint AS product_id, sum((line ->> 1)::bigint) AS units
    FROM reservation, json_array_elements(lines) AS line
    WHERE status = 'held'
    GROUP BY 1
) AS held USING (product_id)
LEFT JOIN (
    SELECT product_id, sum(units_left) AS units FROM allotment GROUP BY product_id
) AS aside USING (product_id);
-- What each allotment says beside what the reservations that drew from it say.
CREATE VIEW allotment_audit AS
SELECT allotment.id, product_id, units, units_left, given_back, closed_at IS NOT NULL AS is_closed,
       coalesce(drawn.held, 0) AS held, coalesce(drawn.sold, 0) AS sold
FROM allotment
LEFT JOIN (
    SELECT allotment_id,
           sum((line ->> 1)::bigint) FILTER (WHERE status = 'held') AS held,
           sum((line ->> 1)::bigint) FILTER (WHERE status = 'confirmed') AS sold
    FROM reservation, json_array_elements(lines) AS line
    WHERE allotment_id IS NOT NULL
    GROUP BY 1
) AS drawn ON drawn.allotment_id = allotment.id;
""")


def downgrade() -> None:
    run_sql("""
DROP VIEW allotment_audit, stock_audit;
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
DROP TABLE allotment;
ALTER TABLE reservation DROP COLUMN allotment_id;
ALTER TABLE stock_item DROP COLUMN allotted;
""")
