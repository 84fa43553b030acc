"""Users, their sessions with the refresh tokens these issued, failed logins, address books."""

from feira.chassis.postgres.migrations import run_sql
from feira.chassis.postgres.schema import CHASSIS_TABLES, DROP_CHASSIS_TABLES

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(CHASSIS_TABLES)
    run_sql("""
CREATE TABLE users (
    id bigint PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text NOT NULL,
    phone text,
    role text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE TABLE session (
    id uuid PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    role text NOT NULL,
    refresh_hash bytea NOT NULL,
    rotations integer NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
) WITH (fillfactor = 75);
CREATE INDEX session_of_user ON session (user_id) WHERE ended_at IS NULL;
CREATE INDEX session_expires_at ON session (expires_at);
CREATE INDEX session_ended_at ON session (ended_at) WHERE ended_at IS NOT NULL;
-- Every refresh token that was ever issued, to know a spent one from one that never was.
CREATE TABLE refresh_token (
    hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE
);
CREATE INDEX refresh_token_of_session ON refresh_token (session_id);
-- Of any address that was tried, registered or not.
CREATE TABLE login_attempts (
    email text PRIMARY KEY,
    empty_at timestamptz NOT NULL
) WITH (fillfactor = 75);
CREATE TABLE address_book (
    user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    addresses json NOT NULL
);
""")


def downgrade() -> None:
    run_sql("DROP TABLE address_book, login_attempts, refresh_token, session, users;")
    run_sql(DROP_CHASSIS_TABLES)
