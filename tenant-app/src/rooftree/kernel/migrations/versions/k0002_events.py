"""Outbox, inbox and the sequences of aggregates. Adds only: the release before goes on working."""

from alembic import op

revision = "k0002"
down_revision = "k0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE SCHEMA events;
        CREATE TABLE events.sequences (
            aggregate_id uuid PRIMARY KEY,
            last bigint NOT NULL
        ) WITH (fillfactor = 90);
        CREATE TABLE events.outbox (
            position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            id uuid NOT NULL,
            aggregate_id uuid NOT NULL,
            sequence bigint NOT NULL,
            type text NOT NULL,
            data text NOT NULL,
            actor_id text NOT NULL,
            traceparent text,
            created_at timestamptz NOT NULL DEFAULT now(),
            sent_at timestamptz
        );
        CREATE INDEX outbox_unsent ON events.outbox (position) WHERE sent_at IS NULL;
        CREATE INDEX outbox_sent ON events.outbox (sent_at) WHERE sent_at IS NOT NULL;
        CREATE TABLE events.inbox (
            consumer text NOT NULL,
            event_id uuid NOT NULL,
            aggregate_id uuid NOT NULL,
            sequence bigint NOT NULL,
            handled_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (consumer, event_id)
        );
        CREATE INDEX inbox_by_aggregate ON events.inbox (consumer, aggregate_id, sequence);
        CREATE INDEX inbox_by_age ON events.inbox (handled_at);
    """)
