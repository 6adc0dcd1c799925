"""Users, invitations, sign-ins and attempts."""

from alembic import op

revision = "i0001"
down_revision = None
branch_labels = ("identity",)
depends_on = "k0001"


def upgrade() -> None:
    op.execute("""
        CREATE SCHEMA identity;
        CREATE TABLE identity.users (
            id uuid PRIMARY KEY,
            email text NOT NULL,
            email_key text NOT NULL UNIQUE,
            name text NOT NULL,
            role text NOT NULL,
            password_hash text NOT NULL,
            created_at timestamptz NOT NULL,
            deactivated_at timestamptz
        );
        CREATE TABLE identity.invitations (
            id uuid PRIMARY KEY,
            email text NOT NULL,
            email_key text NOT NULL,
            name text NOT NULL,
            role text NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            accepted_at timestamptz,
            accepted_by uuid REFERENCES identity.users,
            revoked_at timestamptz
        );
        CREATE UNIQUE INDEX invitations_open_email ON identity.invitations (email_key)
            WHERE accepted_at IS NULL AND revoked_at IS NULL;
        CREATE TABLE identity.families (
            id uuid PRIMARY KEY,
            user_id uuid NOT NULL REFERENCES identity.users,
            client_id text NOT NULL,
            scope text NOT NULL,
            authenticated_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz,
            revoked_because text
        );
        CREATE INDEX ix_identity_families_user_id ON identity.families (user_id);
        CREATE INDEX ix_identity_families_expires_at ON identity.families (expires_at);
        CREATE TABLE identity.codes (
            code_hash bytea PRIMARY KEY,
            user_id uuid NOT NULL REFERENCES identity.users,
            client_id text NOT NULL,
            redirect_uri text NOT NULL,
            challenge text NOT NULL,
            nonce text,
            scope text NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            family_id uuid REFERENCES identity.families ON DELETE CASCADE
        );
        CREATE INDEX ix_identity_codes_expires_at ON identity.codes (expires_at);
        CREATE TABLE identity.refresh_tokens (
            token_hash bytea PRIMARY KEY,
            family_id uuid NOT NULL REFERENCES identity.families ON DELETE CASCADE,
            issued_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            used_at timestamptz
        );
        CREATE INDEX ix_identity_refresh_tokens_family_id ON identity.refresh_tokens (family_id);
        CREATE TABLE identity.attempts (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            key bytea NOT NULL,
            at timestamptz NOT NULL
        );
        CREATE INDEX attempts_key_at ON identity.attempts (key, at);
    """)
