"""The PostgreSQL adapter against a real server, as the role that production gives it: CREATEDB CREATEROLE, no more."""

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import LiteralString, Self

import psycopg
import pytest
from psycopg import conninfo, sql
from rooftree_operator import keys, names, registry, scram
from rooftree_operator.adapters.postgres import Postgres
from rooftree_operator.adapters.postgres_sessions import Login, Server
from rooftree_operator.errors import Blocked, Unavailable, Waiting
from rooftree_operator.kept import NEVER
from rooftree_operator.names import TenantId

from .sent import effects

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

# What a migration leaves behind, in the kinds that ownership and grants treat differently.
CONTENT = """
CREATE SCHEMA extensions; CREATE EXTENSION pg_trgm SCHEMA extensions; CREATE EXTENSION btree_gist SCHEMA extensions;
CREATE SCHEMA migrations; CREATE TABLE migrations.alembic_version (version_num text PRIMARY KEY);
INSERT INTO migrations.alembic_version VALUES ('r1');
CREATE SCHEMA listing; CREATE TYPE listing.kind AS ENUM ('house', 'condo');
CREATE TABLE listing.home (id bigserial PRIMARY KEY, kind listing.kind, words text);
CREATE INDEX home_words ON listing.home USING gin (words extensions.gin_trgm_ops);
CREATE VIEW listing.houses AS SELECT * FROM listing.home WHERE kind = 'house';
CREATE FUNCTION listing.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE UPDATE ON listing.home FOR EACH ROW EXECUTE FUNCTION listing.touch();
"""
SCHEMAS = ("extensions", "migrations", "listing")


def admin_dsn() -> str:
    dsn = os.environ.get("ROOFTREE_TEST_POSTGRES")
    if not dsn:
        pytest.fail("ROOFTREE_TEST_POSTGRES is not set: run `make test-integration`")
    return dsn


class Place:
    """An operator's role and database of this test's own, and what the test made with them."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.admin = connection
        self.mark = f"t{secrets.token_hex(4)}"
        self.role = f"{self.mark}_operator"
        self.template_owner = f"{self.mark}_template"
        self.password = secrets.token_urlsafe(16)
        create = sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}")
        connection.execute(create.format(sql.Identifier(self.role), sql.Literal(self.password)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(self.mark), sql.Identifier(self.role))
        )

    @classmethod
    @contextmanager
    def made(cls) -> Iterator[Self]:
        """One that is there while this is open."""
        with psycopg.connect(admin_dsn(), autocommit=True) as connection:
            place = cls(connection)
            try:
                yield place
            finally:
                place.remove()

    def server(self, **changes: object) -> Server:
        given = conninfo.conninfo_to_dict(admin_dsn())
        values = {
            "host": str(given["host"]),
            "port": int(given.get("port") or 5432),
            "user": self.role,
            "password": self.password,
            "database": self.mark,
            "ca_file": str(given["sslrootcert"]) if "sslrootcert" in given else None,
        }
        return Server(**{**values, **changes})  # type: ignore[arg-type]

    def tenant(self, slug: str = "home") -> TenantId:
        return names.mint(f"{self.mark}-{slug}", secrets.token_bytes(4))

    def enter(self, user: str, password: str, database: str) -> psycopg.Connection:
        return psycopg.connect(
            conninfo.make_conninfo(admin_dsn(), user=user, password=password, dbname=database), autocommit=True
        )

    def remove(self) -> None:
        like = (f"{self.mark}%", f"template-{self.mark}%")
        for (name,) in self.admin.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s OR datname LIKE %s", like
        ):
            database = sql.Identifier(name)
            self.admin.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(database))
            self.admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
        found = self.admin.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE %s ORDER BY rolname = %s", (f"{self.mark}%", self.role)
        ).fetchall()
        for (name,) in found:
            self.admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture
def place() -> Iterator[Place]:
    with Place.made() as made:
        yield made


@pytest.fixture
async def postgres(place: Place) -> AsyncIterator[Postgres]:
    made = Postgres(place.server())
    yield made
    await made.close()


async def template(place: Place, postgres: Postgres) -> str:
    """A sealed template database whose objects belong to another role than the database."""
    name = f"template-{place.mark}"
    await postgres.ensure_role(place.template_owner, verifier=None, connection_limit=-1, comment="t", exists=False)
    await postgres.create_database(name, owner=None, template="template0")
    await postgres.secure_database(name, connect=[], create=[place.template_owner], comment="t")
    async with postgres.connect(name) as connection:
        await connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(place.template_owner)))
        await connection.execute("SET search_path = public")
        await connection.execute(CONTENT)
    await postgres.seal_template(name)
    return name


async def tenant_in(place: Place, postgres: Postgres, slug: str = "home") -> tuple[TenantId, dict[str, str]]:
    """A whole tenant, made by the adapter's own verbs in the order of the database provisioner."""
    name = f"template-{place.mark}"
    if await postgres.database(name, place.template_owner) is None:
        await template(place, postgres)
    tenant = place.tenant(slug)
    owner, migrator, app = names.owner_role(tenant), names.migrator_role(tenant), names.app_role(tenant)
    passwords = {migrator: keys.password(), app: keys.password()}
    for role in (owner, migrator, app):
        verifier = scram.verifier(passwords[role]) if role in passwords else None
        await postgres.ensure_role(role, verifier=verifier, connection_limit=3, comment="c", exists=False)
    await postgres.grant_role(owner, to=migrator)
    database = names.database(tenant)
    await postgres.create_database(database, owner=owner, template=name)
    await postgres.secure_database(database, connect=[app, migrator], create=(), comment=names.mark(tenant))
    await postgres.reassign(database, old=place.template_owner, new=owner)
    missing = await postgres.ungranted_schemas(database, SCHEMAS, owner=owner, app=app)
    await postgres.grant_schemas(database, missing, owner=owner, app=app)
    return tenant, passwords


async def test_the_operators_role_is_no_superuser(place: Place, postgres: Postgres) -> None:
    query: LiteralString = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = CURRENT_USER"
    rows = await postgres._rows(query)
    assert rows == [(False, True, True)]


async def test_a_clone_belongs_to_the_tenant_and_the_template_stays_the_operators(
    place: Place, postgres: Postgres
) -> None:
    tenant, passwords = await tenant_in(place, postgres)
    seen = await postgres.database(names.database(tenant), place.template_owner)
    source = await postgres.database(f"template-{place.mark}", place.template_owner)
    assert seen is not None
    assert source is not None
    assert (seen.owner, seen.foreign_objects, seen.public_can_connect) == (names.owner_role(tenant), False, False)
    assert (source.owner, source.is_template) == (place.role, True)
    assert seen.can_connect >= {names.app_role(tenant), names.migrator_role(tenant)}
    login = Login(names.migrator_role(tenant), passwords[names.migrator_role(tenant)], names.owner_role(tenant))
    assert await postgres.heads(names.database(tenant), login) == {"r1"}


async def test_what_is_granted_once_is_not_missing_again(place: Place, postgres: Postgres) -> None:
    tenant, _ = await tenant_in(place, postgres)
    roles = {"owner": names.owner_role(tenant), "app": names.app_role(tenant)}
    assert await postgres.ungranted_schemas(names.database(tenant), SCHEMAS, **roles) == []
    assert (await postgres.roles([roles["app"]]))[roles["app"]].connection_limit == 3


async def test_a_grant_that_somebody_revoked_is_missing_again(place: Place, postgres: Postgres) -> None:
    tenant, passwords = await tenant_in(place, postgres)
    migrator = names.migrator_role(tenant)
    with place.enter(migrator, passwords[migrator], names.database(tenant)) as own:
        own.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(names.owner_role(tenant))))
        own.execute(sql.SQL("REVOKE DELETE ON listing.home FROM {}").format(sql.Identifier(names.app_role(tenant))))
    roles = {"owner": names.owner_role(tenant), "app": names.app_role(tenant)}
    assert await postgres.ungranted_schemas(names.database(tenant), SCHEMAS, **roles) == ["listing"]


async def test_the_verifier_lets_the_app_in_and_what_the_owner_makes_later_is_granted(
    place: Place, postgres: Postgres
) -> None:
    tenant, passwords = await tenant_in(place, postgres)
    app, migrator = names.app_role(tenant), names.migrator_role(tenant)
    with place.enter(migrator, passwords[migrator], names.database(tenant)) as own:
        own.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(names.owner_role(tenant))))
        own.execute("CREATE TABLE listing.later (id bigserial PRIMARY KEY)")
        own.execute("DROP INDEX listing.home_words")
        own.execute(
            "CREATE OR REPLACE FUNCTION listing.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'"
        )
    with place.enter(app, passwords[app], names.database(tenant)) as own:
        own.execute("INSERT INTO listing.later DEFAULT VALUES")
        own.execute("INSERT INTO listing.home (kind) VALUES ('house')")
        assert own.execute("SELECT count(*) FROM listing.houses").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            own.execute("DROP TABLE listing.later")


async def test_a_tenant_is_proven_to_get_into_its_database_and_into_no_other(place: Place, postgres: Postgres) -> None:
    one, passwords = await tenant_in(place, postgres, "one")
    other, _ = await tenant_in(place, postgres, "other")
    app = names.app_role(one)
    await postgres.probe(names.database(one), Login(app, passwords[app]))
    for login, database in ((Login(app, passwords[app]), other), (Login(app, "wrong"), one)):
        with pytest.raises(Unavailable) as caught:
            await postgres.probe(names.database(database), login)
        assert caught.value.reason == "PostgresRefused"
    await postgres.revoke_logins([app])
    with pytest.raises(Unavailable):
        await postgres.probe(names.database(one), Login(app, passwords[app]))


async def test_no_tenant_enters_another_ones_database(place: Place, postgres: Postgres) -> None:
    one, passwords = await tenant_in(place, postgres, "one")
    other, _ = await tenant_in(place, postgres, "other")
    for role, password in passwords.items():
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            place.enter(role, password, names.database(other))
    assert names.app_role(one) in passwords


async def test_a_new_database_lets_nobody_in_before_it_is_secured(place: Place, postgres: Postgres) -> None:
    tenant, passwords = await tenant_in(place, postgres)
    login = names.app_role(tenant), passwords[names.app_role(tenant)]
    database = f"{place.mark}-new"
    await postgres.create_database(database, owner=names.owner_role(tenant), template="template0")
    seen = await postgres.database(database, place.template_owner)
    assert seen is not None
    assert not seen.lets_in
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        place.enter(*login, database)
    await postgres.secure_database(database, connect=[], create=(), comment="t")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        place.enter(*login, database)
    seen = await postgres.database(database, place.template_owner)
    assert seen is not None
    assert seen.lets_in


async def test_a_tenant_cannot_shadow_what_the_operator_calls(place: Place, postgres: Postgres) -> None:
    tenant, passwords = await tenant_in(place, postgres)
    migrator, owner = names.migrator_role(tenant), names.owner_role(tenant)
    with place.enter(migrator, passwords[migrator], names.database(tenant)) as own:
        own.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        own.execute("CREATE TABLE public.pg_namespace (nspname text)")
        own.execute(
            sql.SQL("ALTER DATABASE {} SET search_path = public, pg_catalog").format(sql.Identifier(tenant.value))
        )
    async with postgres.connect(names.database(tenant)) as connection:
        cursor = await connection.execute("SELECT current_setting('search_path')")
        assert await cursor.fetchone() == ("pg_catalog,pg_temp",)
    assert (
        await postgres.ungranted_schemas(names.database(tenant), SCHEMAS, owner=owner, app=names.app_role(tenant)) == []
    )


HOSTILE = """
CREATE TABLE public.caught (who text, acting text, reach boolean);
CREATE FUNCTION public.trap() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO public.caught VALUES (session_user, current_user, pg_has_role(session_user, '{neighbour}', 'MEMBER'));
  RETURN NEXT 'r1';
END $$;
GRANT ALL ON public.caught TO PUBLIC;
DROP TABLE migrations.alembic_version;
CREATE VIEW migrations.alembic_version WITH (security_invoker) AS SELECT public.trap() AS version_num;
GRANT SELECT ON migrations.alembic_version TO PUBLIC;
"""


async def test_a_view_in_place_of_the_migrations_table_gets_no_rights_of_the_operator(
    place: Place, postgres: Postgres
) -> None:
    neighbour, _ = await tenant_in(place, postgres, "other")
    tenant, passwords = await tenant_in(place, postgres)
    migrator, owner = names.migrator_role(tenant), names.owner_role(tenant)
    with place.enter(migrator, passwords[migrator], names.database(tenant)) as own:
        own.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        own.execute(HOSTILE.replace("{neighbour}", names.owner_role(neighbour)).encode())
        assert await postgres.heads(names.database(tenant), Login(migrator, passwords[migrator], owner)) == {"r1"}
        assert own.execute("SELECT * FROM public.caught").fetchall() == [(migrator, owner, False)]


async def test_deletion_throws_sessions_out_and_leaves_nothing(place: Place, postgres: Postgres) -> None:
    tenant, passwords = await tenant_in(place, postgres)
    app = names.app_role(tenant)
    roles = [names.owner_role(tenant), names.migrator_role(tenant), app]
    with place.enter(app, passwords[app], names.database(tenant)) as session:
        await postgres.revoke_logins(roles[1:])
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        place.enter(app, passwords[app], names.database(tenant))
    await postgres.drop_database(names.database(tenant))
    await postgres.drop_database(names.database(tenant))
    await postgres.drop_roles(roles)
    await postgres.drop_roles(roles)
    assert await postgres.roles(roles) == {}
    assert await postgres.database(names.database(tenant), place.template_owner) is None


async def test_an_interrupted_drop_is_seen_and_finished(place: Place, postgres: Postgres) -> None:
    tenant, _ = await tenant_in(place, postgres)
    place.admin.execute("UPDATE pg_database SET datconnlimit = -2 WHERE datname = %s", (tenant.value,))
    seen = await postgres.database(tenant.value, place.template_owner)
    assert seen is not None
    assert not seen.usable
    await postgres.drop_database(tenant.value)
    assert await postgres.database(tenant.value, place.template_owner) is None


async def test_a_server_that_does_not_answer_is_unavailable_and_not_a_crash(place: Place) -> None:
    with pytest.raises(Unavailable, match="does not answer") as caught:
        await Postgres(place.server(port=1)).ping()
    assert caught.value.reason == "PostgresUnreachable"


async def test_a_server_that_answers_and_refuses_is_not_called_unreachable(place: Place, postgres: Postgres) -> None:
    await postgres.create_database(f"{place.mark}-busy", owner=None, template="template0")
    await postgres.secure_database(f"{place.mark}-busy", connect=[], create=(), comment="t")
    with place.enter(place.role, place.password, f"{place.mark}-busy"):
        drop = sql.SQL("DROP DATABASE {}").format(sql.Identifier(f"{place.mark}-busy"))
        with pytest.raises(Unavailable, match=r"is being accessed by other users \(55006\)") as busy:
            await postgres._write("drop", "database", drop)
    with pytest.raises(Unavailable, match="password authentication failed") as stranger:
        await Postgres(place.server(password="wrong-word")).ping()
    assert (busy.value.reason, stranger.value.reason) == ("PostgresRefused", "PostgresRefused")
    assert "wrong-word" not in stranger.value.message


async def test_an_operator_that_takes_over_ends_older_sessions_before_it_does_anything(
    place: Place, postgres: Postgres
) -> None:
    postgres.take_over(7)
    async with postgres.connect() as same:
        older, newer = Postgres(place.server()), Postgres(place.server())
        older.take_over(6)
        async with older.connect() as late:
            newer.take_over(7)
            before = effects("postgres")
            await newer.ping()
            await newer.ping()
            assert effects("postgres") == before + 1
            with pytest.raises(psycopg.OperationalError):
                await late.execute("SELECT 1")
        await same.execute("SELECT 1")


async def test_an_operator_that_finds_no_older_session_ends_none(place: Place, postgres: Postgres) -> None:
    postgres.take_over(7)
    before = effects("postgres")
    async with postgres.connect() as same:
        again = Postgres(place.server())
        again.take_over(7)
        await again.ping()
        await same.execute("SELECT 1")
    assert effects("postgres") == before
    assert again._unfenced is None


async def test_who_takes_over_from_another_shard_ends_that_ones_sessions_and_nobody_elses(
    place: Place, postgres: Postgres
) -> None:
    east = f"rooftree-operator-{place.mark}"
    old, new, own = (Postgres(place.server()) for _ in range(3))
    old.take_over(6, east)
    new.take_over(7, east)
    own.take_over(3, f"{east}-2")
    # The newer one first: it would end the older one's session itself when it begins.
    async with new.connect() as follows, old.connect() as ended, own.connect() as other:
        postgres.take_over(9)
        await postgres.end_sessions(east, 7)
        with pytest.raises(psycopg.OperationalError):
            await ended.execute("SELECT 1")
        await follows.execute("SELECT 1")
        await other.execute("SELECT 1")


async def test_the_registry_mints_an_id_once_for_each_owner(place: Place, postgres: Postgres) -> None:
    rows = registry.PostgresRegistry(postgres, "rooftree-system")
    await rows.prepare()
    await rows.prepare()
    first = await rows.register("acme", "uid-1", None)
    assert await rows.register("acme", "uid-1", None) == first
    assert await rows.find("uid-1") == registry.Entry(first, "live")


async def started(place: Place) -> float:
    """How much an operator that starts changes, to have its registry."""
    before = effects("postgres")
    await registry.PostgresRegistry(Postgres(place.server()), "rooftree-system").prepare()
    return effects("postgres") - before


async def facts(postgres: Postgres) -> list[str]:
    """What PostgreSQL says of the registry's tables, and what we said of them."""
    async with postgres.connect() as connection:
        row = await (await connection.execute(registry.SEEN)).fetchone()
    assert row is not None
    return [row[0], *sorted(row[1])]


async def test_a_start_over_a_registry_that_is_there_changes_nothing(place: Place, postgres: Postgres) -> None:
    assert await started(place) == 2, "the database is closed, and the tables are made"
    made = await facts(postgres)
    assert any("tenant_slug_in_use" in fact for fact in made)
    assert any("'purging'" in fact for fact in made)
    await registry.PostgresRegistry(postgres, "rooftree-system").register("acme", "uid-1", None)
    assert [await started(place), await started(place)] == [0, 0]
    assert await facts(postgres) == made


@pytest.mark.parametrize(
    "harm",
    [
        "DROP INDEX registry.tenant_slug_in_use",
        "DROP INDEX registry.spare_plan",
        "DROP TABLE registry.spare",
        "ALTER TABLE registry.tenant DROP COLUMN purge_after",
        "ALTER TABLE registry.tenant DROP CONSTRAINT tenant_state_check",
        "COMMENT ON SCHEMA registry IS NULL",
        "COMMENT ON SCHEMA registry IS 'rooftree.dev/registry 0123456789abcdef'",
    ],
)
async def test_a_start_puts_back_what_the_registry_lacks_and_the_next_one_changes_nothing(
    place: Place, postgres: Postgres, harm: LiteralString
) -> None:
    await started(place)
    made = await facts(postgres)
    async with postgres.connect() as connection:
        await connection.execute(harm)
    assert await facts(postgres) != made
    assert await started(place) == 1
    assert await facts(postgres) == made
    assert await started(place) == 0


@pytest.mark.parametrize("right", ["CONNECT", "TEMP", "CREATE"])
async def test_a_start_closes_the_registrys_database_that_somebody_opened(
    place: Place, postgres: Postgres, right: LiteralString
) -> None:
    await started(place)
    place.admin.execute(sql.SQL("GRANT " + right + " ON DATABASE {} TO PUBLIC").format(sql.Identifier(place.mark)))
    assert await started(place) == 1
    seen = await postgres.database(place.mark, place.template_owner)
    assert seen is not None
    assert not seen.public_can_connect
    assert await started(place) == 0


async def test_a_slug_in_use_is_refused_and_free_again_after_the_tombstone(place: Place, postgres: Postgres) -> None:
    rows = registry.PostgresRegistry(postgres, "rooftree-system")
    await rows.prepare()
    first = await rows.register("acme", "uid-1", None)
    with pytest.raises(Blocked, match="belongs to another tenant"):
        await rows.register("acme", "uid-2", None)
    await rows.bury(first)
    assert await rows.register("acme", "uid-2", None) != first


LATER = datetime(2026, 12, 24, 12, tzinfo=UTC)


async def test_what_is_buried_is_never_kept_again(place: Place, postgres: Postgres) -> None:
    rows = registry.PostgresRegistry(postgres, "rooftree-system")
    await rows.prepare()
    first = await rows.register("acme", "uid-1", None)
    await rows.keep(first, LATER)
    await rows.bury(first)
    with pytest.raises(Unavailable, match="is deleted, and not live"):
        await rows.keep(first, LATER)
    assert await rows.find("uid-1") == registry.Entry(first, "deleted")


async def test_what_no_time_ends_is_kept_as_such(place: Place, postgres: Postgres) -> None:
    rows = registry.PostgresRegistry(postgres, "rooftree-system")
    await rows.prepare()
    first = await rows.register("acme", "uid-1", None)
    await rows.keep(first, NEVER)
    assert await rows.kept() == [registry.Kept(first, "uid-1", False, NEVER)]


async def test_a_kept_tenant_is_claimed_by_its_id_only(place: Place, postgres: Postgres) -> None:
    rows = registry.PostgresRegistry(postgres, "rooftree-system")
    await rows.prepare()
    kept = await rows.register("acme", "uid-1", None)
    await rows.keep(kept, LATER)
    told = (
        f"kept tenant {kept}: .*spec.tenantID: {kept} to undelete.*kubectl annotate secret kept-{kept} -n rooftree-sys"
    )
    with pytest.raises(Blocked, match=told):
        await rows.register("acme", "uid-2", None)
    with pytest.raises(Blocked, match="is not a kept tenant"):
        await rows.register("acme", "uid-2", TenantId("acme-00000000"))
    with pytest.raises(Blocked, match="is not a kept tenant of 'birch'"):
        await rows.register("birch", "uid-2", kept)
    assert await rows.register("acme", "uid-2", kept) == kept
    assert await rows.find("uid-2") == registry.Entry(kept, "live")
    assert await rows.kept() == []


async def test_the_first_day_of_purging_that_was_set_holds_until_the_tenant_is_claimed(
    place: Place, postgres: Postgres
) -> None:
    rows = registry.PostgresRegistry(postgres, "rooftree-system")
    await rows.prepare()
    kept = await rows.register("acme", "uid-1", None)
    other = await rows.register("birch", "uid-9", None)
    await rows.keep(kept, LATER)
    await rows.keep(kept, LATER + timedelta(days=1))
    await rows.keep(other, LATER)
    assert await rows.kept(kept) == [registry.Kept(kept, "uid-1", False, LATER)]
    assert [row.id for row in await rows.kept()] == [kept, other]
    await rows.register("acme", "uid-2", kept)
    await rows.keep(kept, LATER + timedelta(days=2))
    assert await rows.kept(kept) == [registry.Kept(kept, "uid-2", False, LATER + timedelta(days=2))]


async def test_of_a_claim_and_a_purge_only_the_first_is_granted(place: Place, postgres: Postgres) -> None:
    rows = registry.PostgresRegistry(postgres, "rooftree-system")
    await rows.prepare()
    claimed, purged = await rows.register("acme", "uid-1", None), await rows.register("birch", "uid-2", None)
    for tenant in (claimed, purged):
        await rows.keep(tenant, LATER)
    (seen,) = await rows.kept(claimed)
    await rows.register("acme", "uid-3", claimed)
    assert not await rows.condemn(seen)
    await rows.keep(claimed, LATER + timedelta(days=1))
    assert not await rows.condemn(seen), "it was kept anew since that was seen"
    (seen,) = await rows.kept(purged)
    assert await rows.condemn(seen)
    assert not await rows.condemn(seen)
    assert await rows.kept(purged) == [registry.Kept(purged, "uid-2", True, LATER)]
    with pytest.raises(Blocked, match="is being purged"):
        await rows.register("birch", "uid-4", purged)
    with pytest.raises(Waiting, match="free again when"):
        await rows.register("birch", "uid-4", None)
    with pytest.raises(Unavailable, match="is purging, and not live"):
        await rows.keep(purged, LATER)
    await rows.bury(purged)
    with pytest.raises(Blocked, match="nothing is left of it"):
        await rows.register("birch", "uid-4", purged)
    assert await rows.register("birch", "uid-4", None) != purged


async def test_a_registry_of_an_older_operator_learns_to_keep(place: Place, postgres: Postgres) -> None:
    rows = registry.PostgresRegistry(postgres, "rooftree-system")
    with pytest.raises(Unavailable, match="still being made"):
        await rows.kept()
    await rows.prepare()
    kept = await rows.register("acme", "uid-1", None)
    async with postgres.connect() as connection:
        await connection.execute(
            """ALTER TABLE registry.tenant DROP COLUMN purge_after, DROP CONSTRAINT tenant_state_check,
               ADD CONSTRAINT tenant_state_check CHECK (state IN ('live', 'kept', 'deleted'))"""
        )
    with pytest.raises(Unavailable, match="still being made"):
        await rows.kept()
    await rows.prepare()
    await rows.keep(kept, LATER)
    (seen,) = await rows.kept()
    assert await rows.condemn(seen)
