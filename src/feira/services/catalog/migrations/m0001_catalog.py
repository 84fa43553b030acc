"""Products and categories, and the copy of what inventory can still sell."""

from feira.chassis.postgres.migrations import run_sql
from feira.chassis.postgres.schema import CHASSIS_TABLES, DROP_CHASSIS_TABLES

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(CHASSIS_TABLES)
    run_sql("""
CREATE TABLE category (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    parent_id bigint REFERENCES category
);
CREATE INDEX category_parent ON category (parent_id);
CREATE TABLE product (
    id bigint PRIMARY KEY,
    code text,  -- NULL only while it passes from one product to another
    name text COLLATE "C" NOT NULL,
    price_cents bigint NOT NULL CHECK (price_cents > 0),
    description text NOT NULL,
    category_ids bigint[] NOT NULL,
    attributes json NOT NULL,
    initial_stock bigint NOT NULL CHECK (initial_stock >= 0),
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    removed boolean NOT NULL
);
CREATE UNIQUE INDEX product_code ON product (code) WHERE NOT removed;
CREATE INDEX product_sold ON product (id) WHERE NOT removed;
CREATE INDEX product_name ON product (name, id) WHERE NOT removed;
CREATE INDEX product_price ON product (price_cents, id) WHERE NOT removed;
CREATE INDEX product_categories ON product USING gin (category_ids) WHERE NOT removed;
-- Apart from products, for it changes with every sale: small rows, updated in place (HOT).
CREATE TABLE stock_level (
    product_id bigint PRIMARY KEY,
    available bigint NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE announcement (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL
);
""")


def downgrade() -> None:
    run_sql("DROP TABLE announcement, stock_level, product, category;")
    run_sql(DROP_CHASSIS_TABLES)
