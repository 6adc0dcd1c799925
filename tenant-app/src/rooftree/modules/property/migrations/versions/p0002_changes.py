"""Versions, tombstones and places of listings; the history of runs. Adds only: the release before goes on working."""

from alembic import op

revision = "p0002"
down_revision = "p0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE property.properties
            ADD COLUMN version bigint NOT NULL DEFAULT 1,
            ADD COLUMN removed_at timestamptz,
            ADD COLUMN latitude double precision,
            ADD COLUMN longitude double precision,
            ADD COLUMN internet_address_display boolean NOT NULL DEFAULT true,
            ADD COLUMN photos_change_timestamp timestamptz;
        CREATE INDEX properties_by_place ON property.properties USING gist (point(longitude, latitude))
            WHERE latitude IS NOT NULL AND longitude IS NOT NULL AND removed_at IS NULL;
        ALTER TABLE property.feeds
            ADD COLUMN last_succeeded_at timestamptz,
            ADD COLUMN last_change_at timestamptz,
            ADD COLUMN surplus integer,
            ADD COLUMN compared_at timestamptz,
            ADD COLUMN withheld_at timestamptz,
            ADD COLUMN withheld_keys bytea,
            ADD COLUMN retry_at timestamptz,
            ADD COLUMN failures integer NOT NULL DEFAULT 0,
            ADD COLUMN outage_id uuid,
            ADD COLUMN outage_told_at timestamptz;
        CREATE TABLE property.feed_runs (
            id uuid PRIMARY KEY,
            feed text NOT NULL,
            kind text NOT NULL CHECK (kind IN ('full', 'incremental', 'purge')),
            state text NOT NULL CHECK (state IN ('running', 'succeeded', 'failed')),
            requested boolean NOT NULL,
            started_at timestamptz NOT NULL,
            finished_at timestamptz,
            seen integer NOT NULL DEFAULT 0,
            created integer NOT NULL DEFAULT 0,
            updated integer NOT NULL DEFAULT 0,
            removed integer NOT NULL DEFAULT 0,
            unchanged integer NOT NULL DEFAULT 0,
            rejected integer NOT NULL DEFAULT 0,
            total integer,
            error text,
            checkpoint text
        );
        CREATE UNIQUE INDEX feed_runs_running ON property.feed_runs (feed) WHERE state = 'running';
        CREATE INDEX feed_runs_by_feed ON property.feed_runs (feed, id);
    """)
