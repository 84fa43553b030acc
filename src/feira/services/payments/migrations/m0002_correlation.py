"""A payment keeps the story it is part of, for what is said once the provider has answered."""

from feira.chassis.postgres.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql("ALTER TABLE payment ADD COLUMN correlation_id text NOT NULL DEFAULT '';")


def downgrade() -> None:
    run_sql("ALTER TABLE payment DROP COLUMN correlation_id;")
