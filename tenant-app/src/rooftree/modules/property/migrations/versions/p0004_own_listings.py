"""Own listings: revisions, private fields, history, edits, photos. Adds only: the release before goes on working."""

from alembic import op

revision = "p0004"
down_revision = "p0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE property.properties
            ADD COLUMN revision integer NOT NULL DEFAULT 1,
            ADD COLUMN list_agent_id uuid,
            ADD COLUMN list_office_id uuid,
            ADD COLUMN private_remarks text,
            ADD COLUMN showing_instructions text;
        CREATE INDEX properties_own ON property.properties (modification_timestamp, id) WHERE feed = '.own';
        CREATE SEQUENCE property.listing_numbers;
        CREATE TABLE property.history (
            id uuid PRIMARY KEY,
            property_id uuid NOT NULL REFERENCES property.properties ON DELETE CASCADE,
            at timestamptz NOT NULL,
            actor_id uuid,
            change_type text NOT NULL,
            field text NOT NULL CHECK (field IN ('list_price', 'standard_status', 'close_price')),
            from_value text,
            to_value text,
            reason text
        );
        CREATE INDEX history_by_property ON property.history (property_id, id);
        CREATE TABLE property.edits (
            property_id uuid NOT NULL REFERENCES property.properties ON DELETE CASCADE,
            revision integer NOT NULL,
            at timestamptz NOT NULL,
            actor_id uuid NOT NULL,
            fields text[] NOT NULL,
            PRIMARY KEY (property_id, revision)
        );
        CREATE TABLE property.photos (
            id uuid PRIMARY KEY,
            property_id uuid NOT NULL REFERENCES property.properties ON DELETE CASCADE,
            position integer NOT NULL,
            description text,
            state text NOT NULL CHECK (state IN ('uploading', 'processing', 'ready', 'failed')),
            width integer,
            height integer,
            created_at timestamptz NOT NULL,
            removed_at timestamptz
        );
        CREATE INDEX photos_by_property ON property.photos (property_id, position, id);
    """)
