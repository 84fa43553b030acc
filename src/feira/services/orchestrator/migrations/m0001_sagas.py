"""Purchase sagas."""

from feira.chassis.postgres.migrations import run_sql
from feira.chassis.postgres.schema import CHASSIS_TABLES, DROP_CHASSIS_TABLES

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(CHASSIS_TABLES)
    run_sql("""
CREATE TABLE saga (
    order_id bigint PRIMARY KEY,
    purchase json NOT NULL,
    started_at timestamptz NOT NULL,
    open boolean NOT NULL,
    deadline timestamptz NOT NULL,
    progress json NOT NULL,
    version integer NOT NULL
) WITH (fillfactor = 40);
CREATE INDEX saga_open ON saga (order_id) WHERE open;
""")


def downgrade() -> None:
    run_sql("DROP TABLE saga;")
    run_sql(DROP_CHASSIS_TABLES)
