"""Indexes for what lists count and order by and had none. Adds only; writes wait while they are made."""

from alembic import op

revision = "c0002"
down_revision = "c0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX people_counted ON crm.people (stage_id, source) INCLUDE (id, assigned_to, office_id)")
    op.execute("CREATE INDEX tasks_by_due ON crm.tasks (due_at, id) INCLUDE (person_id) WHERE done_at IS NULL")
    op.execute("CREATE INDEX tasks_by_done ON crm.tasks (done_at, id) INCLUDE (person_id) WHERE done_at IS NOT NULL")
    op.execute("CREATE INDEX leads_by_state ON crm.leads (state, id) INCLUDE (person_id)")
