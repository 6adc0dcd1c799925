"""How a feed's records were read when its copy was made. Adds only: the release before goes on working."""

from alembic import op

revision = "p0003"
down_revision = "p0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE property.feeds ADD COLUMN reading integer")
