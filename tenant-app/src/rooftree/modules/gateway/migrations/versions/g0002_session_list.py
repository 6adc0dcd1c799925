"""Sessions that their owners can tell apart and end."""

from alembic import op

revision = "g0002"
down_revision = "g0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Processes of the release before still insert sessions without an id while this one starts.
    op.execute("""
        ALTER TABLE gateway.sessions
            ADD COLUMN id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
            ADD COLUMN sign_in_id uuid,
            ADD COLUMN user_agent text;
    """)
