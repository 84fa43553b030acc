"""The waiting room, and what is counted of a crowd."""

from feira.chassis.postgres.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql("""
CREATE TABLE waiting_room (
    drop_id bigint PRIMARY KEY,
    arrivals integer NOT NULL CHECK (arrivals >= 0)
) WITH (fillfactor = 50);
CREATE TABLE arrival (
    drop_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    place integer NOT NULL CHECK (place > 0),
    PRIMARY KEY (drop_id, customer_id)
);
CREATE TABLE crowd_count (
    drop_id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (drop_id, kind, name)
) WITH (fillfactor = 50);
""")


def downgrade() -> None:
    run_sql("DROP TABLE crowd_count, arrival, waiting_room;")
