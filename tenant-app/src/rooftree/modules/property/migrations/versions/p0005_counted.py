"""Indexes for what lists count, order and filter by and had none. Adds only; writes wait while they are made."""

from alembic import op

revision = "p0005"
down_revision = "p0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE INDEX properties_counted ON property.properties (standard_status, city)
        INCLUDE (id, feed, list_price, living_area, bedrooms_total, bathrooms_total, year_built, property_sub_type,
                 postal_code, latitude, longitude, internet_display, internet_address_display)
        WHERE removed_at IS NULL
    """)
    op.execute("CREATE INDEX properties_by_year ON property.properties (COALESCE(year_built, 0), id)")
    op.execute("""
        CREATE INDEX properties_by_subdivision ON property.properties
        USING gin ((details ->> 'subdivision_name') extensions.gin_trgm_ops)
    """)
    op.execute("CREATE INDEX rejections_by_feed ON property.rejections (feed, id)")
    op.execute("CREATE INDEX feed_runs_by_state ON property.feed_runs (feed, state, id)")
