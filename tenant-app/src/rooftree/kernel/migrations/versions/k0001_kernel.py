"""Extensions and the job queue of procrastinate 3.10.

The queue's definition is copied from the library version that is pinned today, so that a newer library never changes
what this migration did.
"""

from pathlib import Path

from alembic import op

revision = "k0001"
down_revision = None
branch_labels = ("kernel",)
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA extensions")
    for extension in ("pg_trgm", "btree_gist", "unaccent"):
        op.execute(f"CREATE EXTENSION {extension} WITH SCHEMA extensions")
    op.execute("CREATE SCHEMA jobs")
    op.execute("SET LOCAL search_path TO jobs, pg_catalog")
    definition = (Path(__file__).parent / "k0001_procrastinate.sql").read_text()
    # The driver itself: many statements at once need the protocol without parameters.
    op.get_bind().connection.driver_connection.execute(definition)
    op.execute("SET LOCAL search_path TO pg_catalog, extensions, jobs, pg_temp")
