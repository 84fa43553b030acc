"""Campaigns, drops and claims, with the view by which they are audited."""

from feira.chassis.postgres.migrations import run_sql
from feira.chassis.postgres.schema import CHASSIS_TABLES, DROP_CHASSIS_TABLES

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(CHASSIS_TABLES)
    run_sql("""
CREATE TABLE campaign (
    id bigint PRIMARY KEY,
    product_id bigint NOT NULL,
    price_cents bigint NOT NULL CHECK (price_cents > 0),
    units integer NOT NULL CHECK (units > 0),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    created_at timestamptz NOT NULL,
    first_hour smallint CHECK (first_hour BETWEEN 0 AND 23),
    last_hour smallint CHECK (last_hour BETWEEN 0 AND 23),
    per_customer integer NOT NULL CHECK (per_customer > 0),
    queue_max integer NOT NULL CHECK (queue_max >= 0),
    pay_seconds integer NOT NULL CHECK (pay_seconds > 0),
    carries_over boolean NOT NULL,
    admission boolean NOT NULL,
    admission_per_second integer NOT NULL,
    admission_at_once integer NOT NULL,
    challenge_bits smallint NOT NULL,
    carried_units integer NOT NULL CHECK (carried_units >= 0),
    last_slot timestamptz,
    plan_at timestamptz,
    CHECK ((first_hour IS NULL) = (last_hour IS NULL)),
    CHECK (ends_at IS NOT NULL OR first_hour IS NOT NULL)
);
CREATE INDEX campaign_to_plan ON campaign (plan_at) WHERE plan_at IS NOT NULL;
-- Updated once a batch. The slot makes a drop one of a kind: whoever plans it second is refused.
CREATE TABLE sale_drop (
    id bigint PRIMARY KEY,
    campaign_id bigint NOT NULL,
    slot timestamptz NOT NULL,
    product_id bigint NOT NULL,
    price_cents bigint NOT NULL CHECK (price_cents > 0),
    units integer NOT NULL CHECK (units > 0),
    per_customer integer NOT NULL,
    queue_max integer NOT NULL,
    pay_seconds integer NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    prepare_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN
        ('planned', 'preparing', 'ready', 'open', 'closing', 'returning', 'closed')),
    set_aside integer CHECK (set_aside BETWEEN 0 AND units),
    held integer NOT NULL CHECK (held >= 0),
    sold integer NOT NULL CHECK (sold >= 0),
    given_back integer NOT NULL CHECK (given_back >= 0),
    claims integer NOT NULL,
    queued integer NOT NULL,
    served integer NOT NULL CHECK (served BETWEEN 0 AND queued),
    asked integer NOT NULL,
    ask_at timestamptz,
    due_at timestamptz,
    version bigint NOT NULL,
    UNIQUE (campaign_id, slot),
    CHECK (held + sold + given_back <= coalesce(set_aside, 0)),
    CHECK (due_at IS NOT NULL OR status IN ('closing', 'closed'))
) WITH (fillfactor = 50);
CREATE INDEX sale_drop_due ON sale_drop (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX sale_drop_live ON sale_drop (starts_at, id) WHERE status <> 'closed';
-- In the order of arrival (seq), which is the order of the queue too (queue_no).
CREATE TABLE claim (
    drop_id bigint NOT NULL,
    seq integer NOT NULL,
    customer_id bigint NOT NULL,
    nth integer NOT NULL,
    status text NOT NULL CHECK (status IN ('waiting', 'won', 'sold', 'lapsed')),
    order_id bigint,
    queue_no integer,
    arrived_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    won_at timestamptz,
    pay_until timestamptz,
    settled_at timestamptz,
    delivery json,
    payment_method text,
    payment_token text,
    PRIMARY KEY (drop_id, seq),
    UNIQUE (drop_id, customer_id, nth),
    CHECK ((status = 'waiting') = (order_id IS NULL)),
    CHECK ((status = 'waiting') = (won_at IS NULL)),
    CHECK (status <> 'waiting' OR queue_no IS NOT NULL)
);
CREATE UNIQUE INDEX claim_of_order ON claim (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX claim_waiting ON claim (drop_id, seq) WHERE status = 'waiting';
-- What each drop says beside what its claims say: always the same.
CREATE VIEW sale_drop_audit AS
SELECT sale_drop.id, sale_drop.status, coalesce(set_aside, 0) AS set_aside, sale_drop.held, sold,
       given_back, coalesce(set_aside, 0) - sale_drop.held - sold - given_back AS units_left,
       coalesce(of_claims.won, 0) AS claims_won, coalesce(of_claims.sold_claims, 0) AS claims_sold,
       claims, coalesce(of_claims.all_claims, 0) AS claims_there,
       queued - served AS waiting, coalesce(of_claims.waiting_claims, 0) AS claims_waiting
FROM sale_drop
LEFT JOIN (
    SELECT drop_id, count(*) AS all_claims,
           count(*) FILTER (WHERE claim.status = 'won') AS won,
           count(*) FILTER (WHERE claim.status = 'sold') AS sold_claims,
           count(*) FILTER (WHERE claim.status = 'waiting') AS waiting_claims
    FROM claim GROUP BY drop_id
) AS of_claims ON of_claims.drop_id = sale_drop.id;
""")


def downgrade() -> None:
    run_sql("DROP VIEW sale_drop_audit;")
    run_sql("DROP TABLE claim, sale_drop, campaign;")
    run_sql(DROP_CHASSIS_TABLES)
