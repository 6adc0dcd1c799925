"""What people are told of jobs, and when schedules run. Adds only: the release before goes on working."""

from alembic import op

revision = "k0004"
down_revision = "k0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE jobs.runs (
            id uuid PRIMARY KEY,
            kind text NOT NULL,
            actor_id uuid,
            office_id uuid,
            state text NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'running', 'succeeded', 'failed', 'cancelled')),
            attempt integer NOT NULL DEFAULT 0,
            done bigint NOT NULL DEFAULT 0,
            total bigint,
            message text,
            result text,
            error_code text,
            error_detail text,
            position jsonb,
            cancel_requested_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            started_at timestamptz,
            changed_at timestamptz NOT NULL DEFAULT now(),
            finished_at timestamptz
        ) WITH (fillfactor = 80);
        CREATE INDEX runs_by_actor ON jobs.runs (actor_id, id);
        CREATE INDEX runs_by_kind ON jobs.runs (kind, id);
        CREATE INDEX runs_by_state ON jobs.runs (state, id);
        CREATE INDEX runs_finished ON jobs.runs (finished_at) WHERE finished_at IS NOT NULL;
        CREATE TABLE jobs.schedules (
            kind text PRIMARY KEY,
            cron text NOT NULL
        );
    """)
