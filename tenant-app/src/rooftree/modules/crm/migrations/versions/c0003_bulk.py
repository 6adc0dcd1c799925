"""Imports and exports of people. Adds only: the release before goes on working."""

from alembic import op

revision = "c0003"
down_revision = "c0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(_IMPORTS)
    op.execute(_EXPORTS)


_IMPORTS = """
    CREATE TABLE crm.imports (
        id uuid PRIMARY KEY,
        file_name text NOT NULL,
        format text NOT NULL CONSTRAINT imports_format_check CHECK (format IN ('csv', 'xlsx', 'jsonl')),
        encoding text,
        state text NOT NULL CONSTRAINT imports_state_check CHECK (state IN
            ('receiving', 'checking', 'checked', 'applying', 'applied', 'undoing', 'undone', 'failed')),
        job_id uuid,
        row_count integer NOT NULL,
        columns jsonb,
        counts jsonb NOT NULL,
        outcome jsonb NOT NULL,
        actor_id uuid NOT NULL,
        office_id uuid,
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        applied_at timestamptz,
        undone_at timestamptz,
        undone integer,
        kept integer,
        error_code text,
        error_detail text,
        version integer NOT NULL
    );
    CREATE INDEX imports_by_actor ON crm.imports (actor_id, id);
    CREATE INDEX imports_by_office ON crm.imports (office_id, id);
    CREATE INDEX imports_by_change ON crm.imports (changed_at);
    CREATE TABLE crm.import_lines (
        import_id uuid NOT NULL REFERENCES crm.imports ON DELETE CASCADE,
        number integer NOT NULL,
        cells jsonb NOT NULL,
        fault text,
        verdict text CONSTRAINT import_lines_verdict_check
            CHECK (verdict IN ('create', 'update', 'unchanged', 'faulty')),
        errors jsonb,
        outcome text CONSTRAINT import_lines_outcome_check
            CHECK (outcome IN ('create', 'update', 'unchanged', 'faulty')),
        person_id uuid,
        revision integer,
        before jsonb,
        undone boolean,
        PRIMARY KEY (import_id, number)
    );
    CREATE INDEX import_lines_faulty ON crm.import_lines (import_id, number) WHERE verdict = 'faulty';
    CREATE INDEX import_lines_by_person ON crm.import_lines (import_id, person_id) WHERE person_id IS NOT NULL;
"""

_EXPORTS = """
    CREATE TABLE crm.exports (
        id uuid PRIMARY KEY,
        actor_id uuid NOT NULL,
        format text NOT NULL CONSTRAINT exports_format_check CHECK (format IN ('csv', 'xlsx', 'jsonl')),
        wanted jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        stored_at timestamptz
    );
    CREATE INDEX exports_by_creation ON crm.exports (created_at);
"""
