"""Indexes for what lists count, order and filter by and had none. Adds only; writes wait while they are made."""

from alembic import op

revision = "i0004"
down_revision = "i0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE INDEX users_by_name ON identity.users (lower(name), id);
        CREATE INDEX users_by_role ON identity.users (role, office_id) INCLUDE (id, deactivated_at);
        CREATE INDEX users_active ON identity.users (office_id) WHERE deactivated_at IS NULL;
        CREATE INDEX users_words ON identity.users
            USING gin (name extensions.gin_trgm_ops, email extensions.gin_trgm_ops);
        CREATE INDEX delegations_by_assistant ON identity.delegations (assistant_id);
        CREATE INDEX delegations_by_end ON identity.delegations (expires_at) INCLUDE (for_user_id)
            WHERE revoked_at IS NULL;
        CREATE INDEX invitations_accepted ON identity.invitations (id) WHERE accepted_at IS NOT NULL;
        CREATE INDEX invitations_revoked ON identity.invitations (id)
            WHERE accepted_at IS NULL AND revoked_at IS NOT NULL;
    """)
