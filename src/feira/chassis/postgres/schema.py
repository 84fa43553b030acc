"""The tables that every service's database has beside its own."""

from typing import Final

CHASSIS_TABLES: Final = """
-- One row an envelope handled, and one a transaction (its marker: did it commit?).
CREATE TABLE inbox (
    id uuid PRIMARY KEY,
    handled_at timestamptz NOT NULL DEFAULT now()
);
-- Messages handled by a bisection, until their whole envelope is.
CREATE TABLE inbox_part (
    envelope_id uuid NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (envelope_id, position)
);
-- First answers to keyed requests.
CREATE TABLE idempotency (
    caller text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    content_type text NOT NULL,
    body bytea NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_answered_at ON idempotency USING brin (answered_at);
-- Envelopes on their way to the broker; deleted when it has confirmed them.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    envelope_id uuid NOT NULL,
    topic text NOT NULL,
    partition smallint NOT NULL,
    body bytea NOT NULL,
    events smallint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE outbox ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id text NOT NULL,
    topic text NOT NULL,
    type text NOT NULL,
    body bytea NOT NULL,
    error text NOT NULL,
    buried_at timestamptz NOT NULL DEFAULT now(),
    redriven_at timestamptz
);
-- The broker's epoch as this service last saw it: another one means that the broker lost its data.
CREATE TABLE broker_epoch (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    epoch text NOT NULL
);
"""

DROP_CHASSIS_TABLES: Final = """
DROP TABLE broker_epoch, dead_letter, outbox, idempotency, inbox_part, inbox;
"""
