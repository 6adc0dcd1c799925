"""People, leads, assignments, stages, notes, tasks, activities, and the history of all of them."""

from alembic import op

revision = "c0001"
down_revision = None
branch_labels = ("crm",)
depends_on = "k0001"


def upgrade() -> None:
    op.execute(_PEOPLE)
    op.execute(_WORK)
    op.execute(_RECORDS)


_PEOPLE = """
    CREATE SCHEMA crm;
    CREATE TABLE crm.stages (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        name_key text NOT NULL UNIQUE,
        position integer NOT NULL,
        version integer NOT NULL
    );
    CREATE TABLE crm.agents (
        user_id uuid PRIMARY KEY,
        role text NOT NULL,
        office_id uuid,
        team_ids uuid[] NOT NULL,
        is_active boolean NOT NULL,
        sequence bigint NOT NULL
    );
    CREATE TABLE crm.people (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        name_key text NOT NULL,
        search_text text NOT NULL,
        stage_id uuid NOT NULL REFERENCES crm.stages,
        source text NOT NULL,
        tags text[] NOT NULL,
        assigned_to uuid,
        office_id uuid,
        revision integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        last_activity_at timestamptz NOT NULL
    );
    CREATE INDEX people_by_activity ON crm.people (last_activity_at, id);
    CREATE INDEX people_by_creation ON crm.people (created_at, id);
    CREATE INDEX people_by_name ON crm.people (name_key, id);
    CREATE INDEX people_by_stage ON crm.people (stage_id, last_activity_at, id);
    CREATE INDEX people_by_assignee ON crm.people (assigned_to);
    CREATE INDEX people_by_office ON crm.people (office_id);
    CREATE INDEX people_by_tag ON crm.people USING gin (tags);
    CREATE INDEX people_search_text ON crm.people USING gin (search_text extensions.gin_trgm_ops);
    CREATE TABLE crm.contacts (
        person_id uuid NOT NULL REFERENCES crm.people ON DELETE CASCADE,
        kind text NOT NULL CONSTRAINT contacts_kind_check CHECK (kind IN ('email', 'phone')),
        position integer NOT NULL,
        typed text NOT NULL,
        key text NOT NULL,
        e164 text,
        PRIMARY KEY (person_id, kind, position)
    );
    CREATE INDEX contacts_by_key ON crm.contacts (kind, key);
    CREATE TABLE crm.leads (
        id uuid PRIMARY KEY,
        person_id uuid NOT NULL REFERENCES crm.people ON DELETE CASCADE,
        lead_type text NOT NULL,
        source text NOT NULL,
        name text NOT NULL,
        email text,
        phone text,
        message text,
        property_id uuid,
        listing_key text,
        listing_address text,
        utm jsonb NOT NULL,
        consent boolean NOT NULL,
        captured_by uuid,
        received_at timestamptz NOT NULL,
        state text NOT NULL CONSTRAINT leads_state_check CHECK (state IN ('new', 'assigned', 'responded')),
        responded_at timestamptz
    );
    CREATE INDEX leads_by_person ON crm.leads (person_id, id);
    CREATE INDEX leads_unanswered ON crm.leads (person_id) WHERE state <> 'responded';
"""

_WORK = """
    CREATE TABLE crm.notes (
        id uuid PRIMARY KEY,
        person_id uuid NOT NULL REFERENCES crm.people ON DELETE CASCADE,
        author_id uuid NOT NULL,
        text text NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz,
        revision integer NOT NULL
    );
    CREATE INDEX notes_by_person ON crm.notes (person_id, created_at, id);
    CREATE TABLE crm.tasks (
        id uuid PRIMARY KEY,
        person_id uuid NOT NULL REFERENCES crm.people ON DELETE CASCADE,
        title text NOT NULL,
        due_at timestamptz,
        time_zone text NOT NULL,
        assigned_to uuid,
        created_by uuid NOT NULL,
        created_at timestamptz NOT NULL,
        done_at timestamptz,
        done_by uuid,
        revision integer NOT NULL
    );
    CREATE INDEX tasks_by_person ON crm.tasks (person_id, id);
    CREATE INDEX tasks_open ON crm.tasks (assigned_to, due_at, id) WHERE done_at IS NULL;
    CREATE INDEX tasks_done ON crm.tasks (assigned_to, done_at, id) WHERE done_at IS NOT NULL;
    CREATE TABLE crm.activities (
        id uuid PRIMARY KEY,
        person_id uuid NOT NULL REFERENCES crm.people ON DELETE CASCADE,
        kind text NOT NULL CONSTRAINT activities_kind_check
            CHECK (kind IN ('call', 'email', 'text', 'meeting', 'viewing')),
        direction text CONSTRAINT activities_direction_check CHECK (direction IN ('incoming', 'outgoing')),
        at timestamptz NOT NULL,
        outcome text,
        created_by uuid NOT NULL,
        created_at timestamptz NOT NULL
    );
    CREATE INDEX activities_by_person ON crm.activities (person_id, at, id);
"""

_RECORDS = """
    CREATE TABLE crm.stage_changes (
        id uuid PRIMARY KEY,
        person_id uuid NOT NULL REFERENCES crm.people ON DELETE CASCADE,
        at timestamptz NOT NULL,
        actor_id uuid,
        from_stage_id uuid NOT NULL,
        from_name text NOT NULL,
        to_stage_id uuid NOT NULL,
        to_name text NOT NULL
    );
    CREATE INDEX stage_changes_by_person ON crm.stage_changes (person_id, at, id);
    CREATE TABLE crm.assignments (
        id uuid PRIMARY KEY,
        person_id uuid NOT NULL REFERENCES crm.people ON DELETE CASCADE,
        at timestamptz NOT NULL,
        actor_id uuid,
        from_user_id uuid,
        to_user_id uuid,
        reason text NOT NULL,
        note text
    );
    CREATE INDEX assignments_by_person ON crm.assignments (person_id, at, id);
    CREATE TABLE crm.history (
        id uuid PRIMARY KEY,
        at timestamptz NOT NULL,
        actor_id uuid,
        subject text NOT NULL CONSTRAINT history_subject_check
            CHECK (subject IN ('person', 'lead', 'note', 'task', 'activity', 'stage')),
        subject_id uuid NOT NULL,
        person_id uuid REFERENCES crm.people ON DELETE CASCADE,
        action text NOT NULL CONSTRAINT history_action_check CHECK (action IN ('created', 'changed', 'deleted')),
        revision integer NOT NULL,
        fields text[] NOT NULL
    );
    CREATE INDEX history_by_subject ON crm.history (subject_id, revision);
    CREATE INDEX history_by_person ON crm.history (person_id, id);
    CREATE TABLE crm.attempts (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key bytea NOT NULL,
        at timestamptz NOT NULL
    );
    CREATE INDEX attempts_key_at ON crm.attempts (key, at);
"""
