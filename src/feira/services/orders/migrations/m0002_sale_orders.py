"""Orders of flash sales: what their stock is drawn from, and until when they can be paid."""

from feira.chassis.postgres.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql("""
ALTER TABLE orders ADD COLUMN allotment_id bigint, ADD COLUMN hold_until timestamptz;
""")


def downgrade() -> None:
    run_sql("ALTER TABLE orders DROP COLUMN allotment_id, DROP COLUMN hold_until;")
