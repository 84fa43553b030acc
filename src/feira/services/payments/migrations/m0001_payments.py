"""Payments, refunds, and the ledger."""

from feira.chassis.postgres.migrations import run_sql
from feira.chassis.postgres.schema import CHASSIS_TABLES, DROP_CHASSIS_TABLES

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(CHASSIS_TABLES)
    run_sql("""
CREATE TABLE payment (
    order_id bigint NOT NULL,
    attempt smallint NOT NULL,
    id bigint NOT NULL,
    amount_cents bigint NOT NULL CHECK (amount_cents >= 0),
    method text NOT NULL,
    token text,
    requested_at timestamptz NOT NULL,
    state text NOT NULL,
    charge_id text,
    reason text,
    captured_cents bigint NOT NULL CHECK (captured_cents >= 0),
    refunded_cents bigint NOT NULL CHECK (refunded_cents >= 0),
    refunding_cents bigint NOT NULL CHECK (refunding_cents >= 0),
    next_check_at timestamptz,
    PRIMARY KEY (order_id, attempt),
    CHECK (refunded_cents + refunding_cents <= captured_cents)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX payment_id ON payment (id);
CREATE INDEX payment_unresolved ON payment (next_check_at) WHERE next_check_at IS NOT NULL;
-- Orders for which no money may be taken any more, whether or not there was a payment.
CREATE TABLE canceled_order (
    order_id bigint PRIMARY KEY,
    canceled_at timestamptz NOT NULL
);
CREATE TABLE refund (
    id bigint PRIMARY KEY,
    payment_id bigint NOT NULL,
    order_id bigint NOT NULL,
    attempt smallint NOT NULL,
    key text NOT NULL UNIQUE,
    charge_id text NOT NULL,
    amount_cents bigint NOT NULL CHECK (amount_cents > 0),
    reason text NOT NULL,
    requested_at timestamptz NOT NULL,
    state text NOT NULL,
    failures integer NOT NULL,
    failure_reason text,
    next_check_at timestamptz
);
CREATE INDEX refund_unsettled ON refund (next_check_at) WHERE next_check_at IS NOT NULL;
-- Double entry, one row a movement; refund_id 0 is the capture. Never changed.
CREATE TABLE ledger_entry (
    payment_id bigint NOT NULL,
    refund_id bigint NOT NULL,
    kind text NOT NULL,
    debit_account text NOT NULL,
    credit_account text NOT NULL CHECK (credit_account <> debit_account),
    amount_cents bigint NOT NULL CHECK (amount_cents > 0),
    booked_at timestamptz NOT NULL,
    PRIMARY KEY (payment_id, refund_id)
);
""")


def downgrade() -> None:
    run_sql("DROP TABLE ledger_entry, refund, canceled_order, payment;")
    run_sql(DROP_CHASSIS_TABLES)
