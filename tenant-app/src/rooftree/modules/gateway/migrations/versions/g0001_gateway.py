"""Browser sessions."""

from alembic import op

revision = "g0001"
down_revision = None
branch_labels = ("gateway",)
depends_on = "k0001"


def upgrade() -> None:
    op.execute("""
        CREATE SCHEMA gateway;
        CREATE TABLE gateway.sessions (
            secret_hash bytea PRIMARY KEY,
            user_id uuid NOT NULL,
            sealed bytea NOT NULL,
            version integer NOT NULL,
            access_expires_at timestamptz NOT NULL,
            renewing_until timestamptz,
            created_at timestamptz NOT NULL,
            used_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL
        );
        CREATE INDEX ix_gateway_sessions_user_id ON gateway.sessions (user_id);
        CREATE INDEX ix_gateway_sessions_expires_at ON gateway.sessions (expires_at);
    """)
