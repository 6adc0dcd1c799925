"""A restore on real servers, with no rights but those that production gives: the databases change places, keys end."""

import os
import secrets
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from psycopg import conninfo
from rooftree_operator import keys, names
from rooftree_operator.adapters.postgres import Postgres
from rooftree_operator.adapters.postgres_sessions import Login
from rooftree_operator.adapters.postgres_swaps import Swaps
from rooftree_operator.adapters.s3 import S3
from rooftree_operator.adapters.sigv4 import Key
from rooftree_operator.archive import reading, writing
from rooftree_operator.archive.database import Database, connected
from rooftree_operator.archive.envelope import About, KeyPair
from rooftree_operator.archive.manifest import Manifest, manifest_name, parsed
from rooftree_operator.archive.store import Store, StoreError
from rooftree_operator.names import TEMPLATE_OWNER, TenantId
from rooftree_operator.operations import bucket

from .test_postgres import SCHEMAS, Place, admin_dsn, tenant_in
from .test_s3 import server

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.timeout(180)]

PAIR = KeyPair.made()


@pytest.fixture
def place() -> Iterator[Place]:
    with Place.made() as made:
        yield made


@pytest.fixture
def postgres(place: Place) -> Postgres:
    return Postgres(place.server())


class Vault:
    """The bucket of a tenant's backups, as the operator keeps it."""

    def __init__(self, s3: S3) -> None:
        self.s3 = s3
        self.tenant = names.mint(f"r{secrets.token_hex(3)}", secrets.token_bytes(4))
        self.bucket, self.secret = names.backups_bucket(self.tenant), keys.password()

    async def made(self) -> "Vault":
        await self.s3.create_bucket(self.bucket, names.marks(self.tenant))
        return self

    async def opened(self, backup: str, action: str) -> Store:
        """What the Job gets."""
        key = Key(names.backups_user(self.tenant), self.secret)
        await self.s3.put_key(key)
        await self.s3.set_policy(self.bucket, bucket.policy(self.tenant, self.tenant, backup, action))
        known = server()
        return Store(known.url, known.region, self.bucket, key, known.ca_file)

    async def gone(self) -> None:
        await self.s3.delete_key(names.backups_user(self.tenant))
        if page := list(await self.s3.sizes(self.bucket, "")):
            await self.s3.delete_objects(self.bucket, page)
        await self.s3.delete_bucket(self.bucket)


@pytest.fixture
async def vault() -> AsyncIterator[Vault]:
    s3 = S3(server())
    made = await Vault(s3).made()
    yield made
    await made.gone()
    await s3.close()


def seen_by_the_job(tenant: TenantId, database: str, password: str) -> Database:
    known = conninfo.conninfo_to_dict(admin_dsn())
    where, port = str(known["host"]), int(str(known["port"]))
    owner, user = names.owner_role(tenant), names.migrator_role(tenant)
    return Database(where, port, database, user, password, owner, os.environ["ROOFTREE_CA_FILE"])


async def empty_beside(postgres: Postgres, tenant: TenantId, name: str) -> None:
    await postgres.create_database(name, owner=names.owner_role(tenant), template="template0")
    connect = [names.app_role(tenant), names.migrator_role(tenant)]
    await postgres.secure_database(name, connect=connect, create=(), comment=names.mark(tenant))


def rows(place: Place, tenant: TenantId, password: str) -> list[str]:
    """What the app finds, with its own login."""
    with place.enter(names.app_role(tenant), password, names.database(tenant)) as connection:
        return [row[0] for row in connection.execute("SELECT words FROM listing.home ORDER BY id")]


async def test_a_brokerage_is_brought_back_and_its_app_works_on_with_its_login(
    place: Place, postgres: Postgres, vault: Vault
) -> None:
    tenant, passwords = await tenant_in(place, postgres)
    app, migrator = passwords[names.app_role(tenant)], passwords[names.migrator_role(tenant)]
    with place.enter(names.app_role(tenant), app, names.database(tenant)) as connection:
        connection.execute("INSERT INTO listing.home (kind, words) VALUES ('house', 'before')")
    source = seen_by_the_job(tenant, names.database(tenant), migrator)
    about = About(vault.tenant.value, "first", "try1")
    store = await vault.opened("first", bucket.WRITES)
    made = writing.write(writing.Source(about, "1.0.0", source, None, {}), store, PAIR.public)
    assert await found(vault, "first") == made
    with place.enter(names.app_role(tenant), app, names.database(tenant)) as connection:
        connection.execute("UPDATE listing.home SET words = 'after'")

    restored, aside = names.restored_database(tenant, "uid"), names.replaced_database(tenant, "uid")
    await empty_beside(postgres, tenant, restored)
    target = seen_by_the_job(tenant, restored, migrator)
    store = await vault.opened("first", bucket.READS)
    told = reading.read(made, PAIR.unseal(made.sealed, made.about), store, target, None)
    assert (told.rows, rows(place, tenant, app)) == (2, ["after"])

    owner = names.owner_role(tenant)
    missing = await postgres.ungranted_schemas(restored, SCHEMAS, owner=owner, app=names.app_role(tenant))
    await postgres.grant_schemas(restored, missing, owner=owner, app=names.app_role(tenant))
    staying = place.enter(names.app_role(tenant), app, names.database(tenant))
    await Swaps(postgres).swap(names.database(tenant), restored, aside)
    with pytest.raises(psycopg.OperationalError):
        staying.execute("SELECT 1")
    assert rows(place, tenant, app) == ["before"]
    seen = await postgres.database(names.database(tenant), TEMPLATE_OWNER)
    assert seen is not None
    assert (seen.owner, seen.comment, seen.public_can_connect) == (owner, names.mark(tenant), False)
    login = Login(names.migrator_role(tenant), migrator, owner)
    assert await postgres.heads(names.database(tenant), login) == frozenset({"r1"})
    await Swaps(postgres).swap(names.database(tenant), aside, restored)
    assert rows(place, tenant, app) == ["after"]


async def found(vault: Vault, backup: str) -> Manifest:
    """As the operator reads it, which also sees that all of it is there."""
    content = await vault.s3.read(vault.bucket, manifest_name(backup))
    assert content is not None
    made = parsed(content)
    sizes = await vault.s3.sizes(vault.bucket, f"{backup}/{made.attempt}/")
    assert (len(sizes), sum(sizes.values())) == (made.segments, made.size)
    return made


async def test_a_swap_is_done_whole_or_not_at_all(place: Place, postgres: Postgres) -> None:
    tenant, _ = await tenant_in(place, postgres)
    aside = names.replaced_database(tenant, "uid")
    with pytest.raises(psycopg.Error):
        await Swaps(postgres).swap(names.database(tenant), "no-such-database", aside)
    assert await postgres.database(names.database(tenant), TEMPLATE_OWNER) is not None
    assert await postgres.database(aside, TEMPLATE_OWNER) is None


async def test_events_that_were_sent_are_sent_again_by_the_tenants_own_rights(place: Place, postgres: Postgres) -> None:
    tenant, passwords = await tenant_in(place, postgres)
    database, migrator = names.database(tenant), passwords[names.migrator_role(tenant)]
    login = Login(names.migrator_role(tenant), migrator, names.owner_role(tenant))
    await Swaps(postgres).send_again(database, login)  # there is no such table, which is fine
    with connected(seen_by_the_job(tenant, database, migrator)) as connection:
        connection.execute("CREATE SCHEMA events")
        connection.execute("CREATE TABLE events.outbox (position bigint, sent_at timestamptz, who text)")
        connection.execute("INSERT INTO events.outbox VALUES (1, now(), NULL), (2, NULL, NULL)")
        connection.execute(
            """CREATE FUNCTION events.spy() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN NEW.who := session_user; RETURN NEW; END $$"""
        )
        connection.execute(
            "CREATE TRIGGER spy BEFORE UPDATE ON events.outbox FOR EACH ROW EXECUTE FUNCTION events.spy()"
        )
    await Swaps(postgres).send_again(database, login)
    with connected(seen_by_the_job(tenant, database, migrator)) as connection:
        told = connection.execute("SELECT sent_at, who FROM events.outbox ORDER BY position").fetchall()
    assert told == [(None, names.migrator_role(tenant)), (None, None)]


async def test_the_key_of_a_backup_writes_below_its_own_folder_and_reads_nothing(vault: Vault) -> None:
    store = await vault.opened("second", bucket.WRITES)
    store.put("second/try1/00000001", b"x")
    for refused in ("first/manifest.json", "second-too/x", "manifest.json"):
        with pytest.raises(StoreError, match="403"):
            store.put(refused, b"x")
    for attempt in (lambda: store.get("second/try1/00000001"), store.listing):
        with pytest.raises(StoreError, match="403"):
            attempt()
    reader = await vault.opened("second", bucket.READS)
    assert reader.get("second/try1/00000001").content == b"x"
    with pytest.raises(StoreError, match="403"):
        reader.put("second/try1/00000001", b"y")
    await vault.s3.delete_key(names.backups_user(vault.tenant))
    with pytest.raises(StoreError, match="403"):
        reader.get("second/try1/00000001")


async def test_sizes_are_those_below_a_prefix_however_many_there_are(vault: Vault) -> None:
    store = await vault.opened("many", bucket.WRITES)
    for number in range(5):
        store.put(f"many/try1/{number:08d}", bytes(number))
    assert list((await vault.s3.sizes(vault.bucket, "many/try1/")).values()) == [0, 1, 2, 3, 4]
    assert await vault.s3.sizes(vault.bucket, "man/") == {}
    assert await vault.s3.sizes("no-such-bucket-here", "many/") == {}
    assert await vault.s3.read(vault.bucket, "many/none") is None
