"""Leave for assistants to work on others' records, for a time."""

from alembic import op

revision = "i0003"
down_revision = "i0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE identity.delegations (
            id uuid PRIMARY KEY,
            assistant_id uuid NOT NULL REFERENCES identity.users,
            for_user_id uuid NOT NULL REFERENCES identity.users,
            resources text[] NOT NULL CHECK (cardinality(resources) > 0),
            granted_by uuid NOT NULL REFERENCES identity.users,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz,
            revoked_by uuid REFERENCES identity.users,
            CONSTRAINT delegations_assistant_check CHECK (assistant_id <> for_user_id),
            CONSTRAINT delegations_end_check CHECK (expires_at > created_at)
        );
        CREATE INDEX ix_identity_delegations_assistant_id ON identity.delegations (assistant_id)
            WHERE revoked_at IS NULL;
        CREATE INDEX ix_identity_delegations_for_user_id ON identity.delegations (for_user_id);
    """)
