"""Offices and teams, invitations of colleagues."""

from alembic import op

revision = "i0002"
down_revision = "i0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE identity.offices (
            id uuid PRIMARY KEY,
            name text NOT NULL,
            name_key text NOT NULL UNIQUE,
            phone text,
            address text,
            version integer NOT NULL
        );
        CREATE TABLE identity.teams (
            id uuid PRIMARY KEY,
            office_id uuid NOT NULL REFERENCES identity.offices,
            name text NOT NULL,
            name_key text NOT NULL,
            version integer NOT NULL,
            UNIQUE (office_id, name_key)
        );
        ALTER TABLE identity.users
            ADD COLUMN office_id uuid REFERENCES identity.offices,
            ADD COLUMN version integer NOT NULL DEFAULT 1;
        CREATE INDEX ix_identity_users_office_id ON identity.users (office_id);
        CREATE TABLE identity.team_members (
            user_id uuid NOT NULL REFERENCES identity.users,
            team_id uuid NOT NULL REFERENCES identity.teams ON DELETE CASCADE,
            PRIMARY KEY (user_id, team_id)
        );
        CREATE INDEX ix_identity_team_members_team_id ON identity.team_members (team_id);
        ALTER TABLE identity.invitations
            ADD COLUMN office_id uuid REFERENCES identity.offices ON DELETE SET NULL,
            ADD COLUMN team_ids uuid[] NOT NULL DEFAULT '{}',
            ADD COLUMN invited_by uuid REFERENCES identity.users,
            ADD COLUMN links integer NOT NULL DEFAULT 1;
        CREATE INDEX ix_identity_invitations_office_id ON identity.invitations (office_id);
        CREATE INDEX ix_identity_invitations_invited_by ON identity.invitations (invited_by);
    """)
