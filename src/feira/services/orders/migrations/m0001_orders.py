"""Orders, and the copy of the catalog's prices."""

from feira.chassis.postgres.migrations import run_sql
from feira.chassis.postgres.schema import CHASSIS_TABLES, DROP_CHASSIS_TABLES

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(CHASSIS_TABLES)
    run_sql("""
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL,
    lines json NOT NULL,
    total_cents bigint NOT NULL CHECK (total_cents >= 0),
    delivery json,
    status text NOT NULL,
    payment json,
    payment_attempts smallint NOT NULL,
    pays_at_once boolean NOT NULL,
    payment_status text NOT NULL,
    inventory_status text NOT NULL,
    captured_cents bigint NOT NULL CHECK (captured_cents >= 0),
    refunded_cents bigint NOT NULL CHECK (refunded_cents BETWEEN 0 AND captured_cents),
    step smallint NOT NULL,
    settled boolean NOT NULL,
    reason text,
    tracking text,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX orders_of_customer ON orders (customer_id, id);
CREATE INDEX orders_unsettled ON orders (id) WHERE NOT settled;
CREATE TABLE product (
    product_id bigint PRIMARY KEY,
    price_cents bigint NOT NULL,
    version bigint NOT NULL,
    removed boolean NOT NULL
);
""")


def downgrade() -> None:
    run_sql("DROP TABLE product, orders;")
    run_sql(DROP_CHASSIS_TABLES)
