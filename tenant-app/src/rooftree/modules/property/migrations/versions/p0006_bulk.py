"""Imports and exports of own listings. Adds only: the release before goes on working."""

from alembic import op

revision = "p0006"
down_revision = "p0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(_IMPORTS)
    op.execute(_EXPORTS)


_IMPORTS = """
    CREATE TABLE property.imports (
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
    CREATE INDEX imports_by_actor ON property.imports (actor_id, id);
    CREATE INDEX imports_by_office ON property.imports (office_id, id);
    CREATE INDEX imports_by_change ON property.imports (changed_at);
    CREATE TABLE property.import_lines (
        import_id uuid NOT NULL REFERENCES property.imports ON DELETE CASCADE,
        number integer NOT NULL,
        cells jsonb NOT NULL,
        fault text,
        verdict text CONSTRAINT import_lines_verdict_check
            CHECK (verdict IN ('create', 'update', 'unchanged', 'faulty')),
        errors jsonb,
        outcome text CONSTRAINT import_lines_outcome_check
            CHECK (outcome IN ('create', 'update', 'unchanged', 'faulty')),
        property_id uuid,
        revision integer,
        before jsonb,
        undone boolean,
        PRIMARY KEY (import_id, number)
    );
    CREATE INDEX import_lines_faulty ON property.import_lines (import_id, number) WHERE verdict = 'faulty';
    CREATE INDEX import_lines_by_property ON property.import_lines (import_id, property_id)
        WHERE property_id IS NOT NULL;
"""

_EXPORTS = """
    CREATE TABLE property.exports (
        id uuid PRIMARY KEY,
        actor_id uuid NOT NULL,
        format text NOT NULL CONSTRAINT exports_format_check CHECK (format IN ('csv', 'xlsx', 'jsonl')),
        wanted jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        stored_at timestamptz
    );
    CREATE INDEX exports_by_creation ON property.exports (created_at);
"""
