"""The tables of the simulated provider's books.

A charge's number is its rowid, so its id (`ch_<books>_<number>`) needs no index of its own.
`order_id` has no type: a number stays a number and a text a text. A charge row whose token is empty
is a key canceled before its charge came: the one unique constraint decides that race.
"""

from typing import Final

SCHEMA_VERSION: Final = 1

# synchronous=FULL: a commit is on the disk before its charges are answered.
PRAGMAS: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA cache_size = -16384;
"""

SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE books (
    tag TEXT NOT NULL
);
CREATE TABLE charges (
    number INTEGER PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    order_id,
    amount_cents INTEGER NOT NULL CHECK (amount_cents >= 0),
    currency TEXT NOT NULL,
    token TEXT NOT NULL,
    capture INTEGER NOT NULL,
    status TEXT NOT NULL,
    decline_reason TEXT,
    captured_cents INTEGER NOT NULL CHECK (captured_cents BETWEEN 0 AND amount_cents),
    refunded_cents INTEGER NOT NULL CHECK (refunded_cents BETWEEN 0 AND captured_cents),
    created_at TEXT NOT NULL
);
CREATE INDEX charges_ledger ON charges (order_id) WHERE captured_cents > 0;
CREATE TABLE refunds (
    number INTEGER PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    charge_id TEXT NOT NULL,
    amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
    reason TEXT,
    status TEXT NOT NULL,
    failure_reason TEXT,
    created_at TEXT NOT NULL
);
CREATE TABLE webhooks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    body BLOB NOT NULL,
    event_count INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL,
    exhausted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX webhooks_due ON webhooks (due_ms) WHERE exhausted = 0;
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""

INSERT_BOOKS: Final = "INSERT INTO books (tag) VALUES (?)"
SELECT_TAG: Final = "SELECT tag FROM books"

NEXT_CHARGE_NUMBER: Final = "SELECT COALESCE(MAX(number), 0) + 1 FROM charges"
_INSERT_CHARGES: Final = """
INSERT INTO charges (number, idempotency_key, order_id, amount_cents, currency, token, capture,
                     status, decline_reason, captured_cents, refunded_cents, created_at)
VALUES {rows}
ON CONFLICT (idempotency_key) DO NOTHING
"""
_CHARGE_ROW: Final = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_CHARGE: Final = _INSERT_CHARGES.format(rows=_CHARGE_ROW)
# Many rows a statement cost a fifth less CPU than one. 600 values: all SQLites take 999.
ROWS_AN_INSERT: Final = 50
INSERT_CHARGES: Final = _INSERT_CHARGES.format(rows=", ".join([_CHARGE_ROW] * ROWS_AN_INSERT))
SELECT_CHARGES_BY_KEY: Final = """
SELECT number, idempotency_key, order_id, amount_cents, currency, token, capture,
       status, decline_reason, captured_cents, refunded_cents, created_at
FROM charges WHERE idempotency_key IN (SELECT value FROM json_each(?))
"""
SELECT_CHARGES_BY_NUMBER: Final = """
SELECT number, idempotency_key, order_id, amount_cents, currency, token, capture,
       status, decline_reason, captured_cents, refunded_cents, created_at
FROM charges WHERE number IN (SELECT value FROM json_each(?)) AND token <> ''
"""
UPDATE_CHARGE: Final = """
UPDATE charges SET status = ?, captured_cents = ?, refunded_cents = ? WHERE number = ?
"""
INSERT_CANCELLATION: Final = """
INSERT INTO charges (number, idempotency_key, order_id, amount_cents, currency, token, capture,
                     status, captured_cents, refunded_cents, created_at)
VALUES (?, ?, '', 0, '', '', 0, 'voided', 0, 0, ?)
ON CONFLICT (idempotency_key) DO NOTHING
"""
FILL_CANCELLATION: Final = """
UPDATE charges SET order_id = ?, amount_cents = ?, currency = ?, token = ?, capture = ?,
                   created_at = ?
WHERE idempotency_key = ? AND token = ''
"""

NEXT_REFUND_NUMBER: Final = "SELECT COALESCE(MAX(number), 0) + 1 FROM refunds"
INSERT_REFUND: Final = """
INSERT INTO refunds (number, idempotency_key, charge_id, amount_cents, reason, status,
                     failure_reason, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
SELECT_REFUNDS_BY_KEY: Final = """
SELECT number, idempotency_key, charge_id, amount_cents, reason, status, failure_reason, created_at
FROM refunds WHERE idempotency_key IN (SELECT value FROM json_each(?))
"""

INSERT_WEBHOOK: Final = "INSERT INTO webhooks (body, event_count, due_ms) VALUES (?, ?, ?)"
SELECT_DUE_WEBHOOKS: Final = """
SELECT number, attempts FROM webhooks
WHERE exhausted = 0 AND due_ms <= ? ORDER BY due_ms, number LIMIT ?
"""
SELECT_NEXT_DUE: Final = "SELECT MIN(due_ms) FROM webhooks WHERE exhausted = 0 AND due_ms > ?"
SELECT_WEBHOOK_BODY: Final = "SELECT body FROM webhooks WHERE number = ?"
DELETE_WEBHOOK: Final = "DELETE FROM webhooks WHERE number = ?"
POSTPONE_WEBHOOK: Final = "UPDATE webhooks SET attempts = attempts + 1, due_ms = ? WHERE number = ?"
# What was given up is counted, its body is let go: a dead endpoint must not fill the disk.
EXHAUST_WEBHOOK: Final = """
UPDATE webhooks SET attempts = attempts + 1, exhausted = 1, body = x'' WHERE number = ?
"""

_LEDGER: Final = """
SELECT order_id, SUM(captured_cents), SUM(refunded_cents)
FROM charges WHERE captured_cents > 0 AND order_id {condition}
GROUP BY order_id ORDER BY order_id LIMIT ?
"""
LEDGER_AFTER: Final = _LEDGER.format(condition="> ?")
LEDGER_OF_ORDER: Final = _LEDGER.format(condition="IN (?, ?)")
LEDGER_SUMMARY: Final = """
SELECT
    (SELECT COUNT(*) FROM charges WHERE token <> ''),
    (SELECT COUNT(*) FROM charges WHERE captured_cents > 0),
    (SELECT COALESCE(SUM(captured_cents), 0) FROM charges),
    (SELECT COUNT(*) FROM refunds WHERE status = 'succeeded'),
    (SELECT COALESCE(SUM(amount_cents), 0) FROM refunds WHERE status = 'succeeded'),
    (SELECT COALESCE(SUM(event_count), 0) FROM webhooks WHERE exhausted = 0),
    (SELECT COALESCE(SUM(event_count), 0) FROM webhooks WHERE exhausted = 1)
"""
