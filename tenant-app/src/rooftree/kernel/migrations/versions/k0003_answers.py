"""Answers that are kept for requests with an Idempotency-Key. Adds only: the release before goes on working."""

from alembic import op

revision = "k0003"
down_revision = "k0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE SCHEMA requests;
        CREATE TABLE requests.answers (
            id bytea PRIMARY KEY,
            fingerprint bytea NOT NULL,
            sealed bytea NOT NULL,
            answered_at timestamptz NOT NULL
        );
        CREATE INDEX answers_by_age ON requests.answers (answered_at);
    """)
