"""Properties, their media, feeds and what was rejected."""

from alembic import op

revision = "p0001"
down_revision = None
branch_labels = ("property",)
depends_on = "k0001"


def upgrade() -> None:
    op.execute("""
        CREATE SCHEMA property;
        CREATE TABLE property.feeds (
            name text PRIMARY KEY,
            url text NOT NULL,
            state text NOT NULL CHECK (state IN ('idle', 'importing', 'failed')),
            checkpoint text,
            run_began_at timestamptz,
            complete_until timestamptz,
            last_started_at timestamptz,
            last_finished_at timestamptz,
            last_error text
        );
        CREATE TABLE property.properties (
            id uuid PRIMARY KEY,
            feed text NOT NULL,
            listing_key text NOT NULL,
            standard_status text NOT NULL,
            property_type text NOT NULL,
            property_sub_type text,
            currency text NOT NULL,
            list_price bigint NOT NULL,
            close_price bigint,
            unparsed_address text NOT NULL,
            city text,
            state_or_province text,
            postal_code text,
            bedrooms_total integer,
            bathrooms_total integer,
            living_area integer,
            lot_size_area integer,
            year_built integer,
            internet_display boolean NOT NULL,
            modification_timestamp timestamptz NOT NULL,
            details jsonb NOT NULL,
            fingerprint bytea NOT NULL,
            search_text text NOT NULL,
            search_document tsvector NOT NULL,
            updated_at timestamptz NOT NULL,
            UNIQUE (feed, listing_key)
        );
        CREATE INDEX properties_by_modified ON property.properties (modification_timestamp, id);
        CREATE INDEX properties_by_price ON property.properties (list_price, id);
        CREATE INDEX properties_by_area ON property.properties (COALESCE(living_area, 0), id);
        CREATE INDEX properties_by_status ON property.properties (standard_status, property_sub_type);
        CREATE INDEX properties_search_document ON property.properties USING gin (search_document);
        CREATE INDEX properties_search_text ON property.properties USING gin (search_text extensions.gin_trgm_ops);
        CREATE TABLE property.media (
            property_id uuid NOT NULL REFERENCES property.properties ON DELETE CASCADE,
            number integer NOT NULL,
            url text NOT NULL,
            description text,
            width integer,
            height integer,
            PRIMARY KEY (property_id, number)
        );
        CREATE TABLE property.rejections (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            feed text NOT NULL,
            identity text NOT NULL,
            listing_key text,
            reasons jsonb NOT NULL,
            record jsonb NOT NULL,
            seen_at timestamptz NOT NULL,
            UNIQUE (feed, identity)
        );
    """)
