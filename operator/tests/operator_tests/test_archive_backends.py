"""A backup of a real database and a real bucket: written, lost, loaded and proven; and what must be noticed."""

import dataclasses
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo, sql
from rooftree_operator.adapters.sigv4 import Key
from rooftree_operator.archive import database as db
from rooftree_operator.archive import masking, reading, writing
from rooftree_operator.archive.database import Database, ProgramFailed
from rooftree_operator.archive.envelope import About, Damaged, KeyPair
from rooftree_operator.archive.folder import Folder
from rooftree_operator.archive.manifest import Manifest, manifest_name, parsed, segment_name
from rooftree_operator.archive.store import Store
from rooftree_operator.archive.stream import Objects, Target

from .test_archive import Shelf
from .test_postgres import CONTENT, admin_dsn

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.timeout(180)]

EVENTS = """
CREATE SCHEMA events; CREATE TABLE events.outbox (position bigint PRIMARY KEY, sent_at timestamptz);
INSERT INTO events.outbox VALUES (1, now()), (2, NULL);
INSERT INTO listing.home (kind, words) SELECT 'house', md5(i::text) FROM generate_series(1, 20000) i;
INSERT INTO listing.home (kind, words) VALUES ('condo', NULL), ('condo', E'tab\\there \\\\ and "quotes" and ü');
"""


class Place:
    """A tenant's roles and databases on the real server, and a bucket, all of this test's own."""

    def __init__(self, admin: psycopg.Connection) -> None:
        self.admin, self.mark = admin, f"t{secrets.token_hex(4)}"
        self.owner, self.migrator, self.password = f"{self.mark}.owner", f"{self.mark}.migrator", secrets.token_hex(12)
        self.made: list[str] = []
        for statement in (
            sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(self.owner)),
            sql.SQL("CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}").format(
                sql.Identifier(self.migrator), sql.Literal(self.password)
            ),
            sql.SQL("GRANT {} TO {} WITH SET TRUE, INHERIT FALSE").format(
                sql.Identifier(self.owner), sql.Identifier(self.migrator)
            ),
        ):
            admin.execute(statement)

    def database(self, name: str, content: str = "") -> Database:
        """A database of the tenant's, with this content made by its migrator."""
        full = f"{self.mark}.{name}"
        self.made.append(full)
        form = sql.SQL("CREATE DATABASE {} TEMPLATE template0 OWNER {}")
        self.admin.execute(form.format(sql.Identifier(full), sql.Identifier(self.owner)))
        known = conninfo.conninfo_to_dict(admin_dsn())
        made = Database(
            str(known["host"]), int(str(known["port"])), full, self.migrator, self.password, self.owner,
            str(known["sslrootcert"]),
        )  # fmt: skip
        if content:
            with db.connected(made) as connection:
                connection.execute(content.encode())
        return made

    def gone(self) -> None:
        for name in self.made:
            self.admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        for role in (self.migrator, self.owner):
            self.admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.fixture
def place() -> Iterator[Place]:
    with psycopg.connect(admin_dsn(), autocommit=True) as admin:
        here = Place(admin)
        try:
            yield here
        finally:
            here.gone()


@pytest.fixture
def bucket() -> Iterator[Store]:
    """As the administrator, whose rights are no matter here."""
    key = Key(os.environ["ROOFTREE_TEST_S3_USER"], os.environ["ROOFTREE_TEST_S3_PASSWORD"])
    name = f"archive-{secrets.token_hex(6)}"
    store = Store(os.environ["ROOFTREE_TEST_S3_URL"], "us-east-1", name, key, os.environ["ROOFTREE_CA_FILE"])
    assert store._ask("PUT", "").is_success
    yield store
    for found in store.listing():
        store._ask("DELETE", found)
    store._ask("DELETE", "")
    store.close()


ABOUT = About("acme-0a1b2c3d", "first", "try1")
PAIR = KeyPair.made()


def backed_up(place: Place, source: Database, bucket: Store | None, shelf: Target) -> Manifest:
    given = writing.Source(ABOUT, "1.0.0", source, bucket, {"app/key": b"signing"})
    return writing.write(given, shelf, PAIR.public)


def loaded(made: Manifest, shelf: Objects, target: Database, bucket: Store | None) -> reading.Loaded:
    return reading.read(made, PAIR.unseal(made.sealed, made.about), shelf, target, bucket)


def test_all_rows_and_files_come_back_in_another_database(place: Place, bucket: Store) -> None:
    source, shelf = place.database("source", CONTENT + EVENTS), Shelf()
    bucket.put("photos/ä b.jpg", b"\xff\xd8" * 1000, "image/jpeg")
    bucket.put("documents/empty", b"")
    made = backed_up(place, source, bucket, shelf)
    assert (made.heads, made.outbox, made.unsent, made.objects) == (("r1",), 2, 1, 2)
    assert made.rows == 20_005
    assert b"PGDMP" not in b"".join(shelf.objects.values())
    bucket.put("photos/ä b.jpg", b"changed", "image/png")
    bucket._ask("DELETE", "documents/empty")
    bucket.put("photos/newer.jpg", b"newer")
    told = loaded(made, shelf, place.database("target"), bucket)
    assert (told.rows, told.objects, told.put) == (20_005, 2, 2)
    found = bucket.get("photos/ä b.jpg")
    assert (found.content, found.media_type) == (b"\xff\xd8" * 1000, "image/jpeg")
    assert bucket.get("photos/newer.jpg").content == b"newer"


def test_on_a_volume_the_same_comes_back_and_lies_there_encrypted(place: Place, bucket: Store, tmp_path: Path) -> None:
    folder = Folder(tmp_path, ABOUT.backup)
    bucket.put("photos/1", b"\xff\xd8" * 1000, "image/jpeg")
    made = backed_up(place, place.database("source", CONTENT + EVENTS), bucket, folder)
    assert parsed(folder.get(manifest_name(ABOUT.backup)).content) == made
    segments = sorted((tmp_path / ABOUT.attempt).iterdir())
    assert (len(segments), sum(path.stat().st_size for path in segments)) == (made.segments, made.size)
    assert not any(b"PGDMP" in path.read_bytes() for path in segments)
    bucket._ask("DELETE", "photos/1")
    told = loaded(made, folder, place.database("target"), bucket)
    assert (told.rows, told.objects, told.put) == (20_005, 1, 1)
    assert bucket.get("photos/1").media_type == "image/jpeg"


def test_what_was_loaded_has_structure_owner_and_sequences_of_the_source(place: Place) -> None:
    source, shelf = place.database("source", CONTENT + EVENTS), Shelf()
    target = place.database("target")
    loaded(backed_up(place, source, None, shelf), shelf, target, None)
    with db.connected(target) as connection:
        row = connection.execute("INSERT INTO listing.home (kind) VALUES ('house') RETURNING id").fetchone()
        assert row == (20_003,)
        owners = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'listing'").fetchall()
        assert owners == [(place.owner,)]
        assert connection.execute("SELECT 1 FROM pg_indexes WHERE indexname = 'home_words'").fetchone()


def test_a_backup_is_of_one_moment_whatever_is_written_meanwhile(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    source, shelf = place.database("source", CONTENT + EVENTS), Shelf()
    dump = db.dump

    def busy(database: Database, snapshot: str) -> Iterator[bytes]:
        with db.connected(source) as connection:
            connection.execute("INSERT INTO listing.home (kind) VALUES ('house')")
        yield from dump(database, snapshot)

    monkeypatch.setattr(db, "dump", busy)
    made = backed_up(place, source, None, shelf)
    assert made.rows == 20_005
    assert loaded(made, shelf, place.database("target"), None).rows == 20_005


def test_loading_can_be_repeated_and_never_goes_over_something_else(place: Place) -> None:
    source, shelf, target = place.database("source", CONTENT + EVENTS), Shelf(), place.database("target")
    made = backed_up(place, source, None, shelf)
    assert loaded(made, shelf, target, None).rows == loaded(made, shelf, target, None).rows
    other = place.database("other", CONTENT.replace("'r1'", "'r2'"))
    with pytest.raises(Damaged, match="is at r2 already"):
        loaded(made, shelf, other, None)


def test_a_row_that_was_changed_after_loading_is_noticed(place: Place) -> None:
    source, shelf, target = place.database("source", CONTENT + EVENTS), Shelf(), place.database("target")
    made = backed_up(place, source, None, shelf)
    loaded(made, shelf, target, None)
    with db.connected(target) as connection:
        connection.execute("UPDATE listing.home SET words = 'x' WHERE id = 5")
    with pytest.raises(Damaged, match=r"listing\.home"):
        loaded(made, shelf, target, None)


def test_a_segment_that_was_changed_leaves_the_target_empty(place: Place) -> None:
    source, shelf, target = place.database("source", CONTENT + EVENTS), Shelf(), place.database("target")
    made = backed_up(place, source, None, shelf)
    name = segment_name(made.about, made.segments)
    shelf.objects[name] = shelf.objects[name][:-1] + bytes([shelf.objects[name][-1] ^ 1])
    with pytest.raises(Damaged):
        loaded(made, shelf, target, None)
    with db.connected(target) as connection:
        assert db.heads(connection) == ()


def test_a_wrong_password_is_said_in_the_servers_words(place: Place) -> None:
    source = dataclasses.replace(place.database("source", CONTENT), password="wrong")
    with pytest.raises(ProgramFailed, match="password authentication failed"):
        list(db.dump(source, "00000003-0000001B-1"))


PEOPLE = """
CREATE SCHEMA crm; CREATE TABLE crm.people (id int, name text, name_key text, mail text, phone text, note text);
INSERT INTO crm.people VALUES (1, 'Nora Quinn', 'nora quinn', 'Nora@X.example', '+15155550100', NULL),
  (2, 'NORA QUINN', 'nora quinn', 'nora@x.example', '+15155550101', 'calls at night'), (3, 'Al', 'al', NULL, NULL, '');
CREATE TABLE crm.contacts (kind text, typed text); CREATE TABLE crm.queue (id int); INSERT INTO crm.queue VALUES (1);
INSERT INTO crm.contacts VALUES ('email', 'nora@x.example'), ('phone', '+15155550100');
"""
RULES = {
    "emptied": ["crm.queue"],
    "masked": {
        "crm.people": {"name": "name", "name_key": "name_key:name", "mail": "email", "phone": "phone", "note": "text"},
        "crm.contacts": {"typed": "contact"},
    },
}


def test_the_same_person_has_the_same_mask_everywhere_and_nothing_of_the_person_is_left(place: Place) -> None:
    target = place.database("target", PEOPLE)
    with db.connected(target) as connection:
        masking.apply(connection, masking.parsed(RULES), "salt", mask=True)
        people = connection.execute("SELECT name, name_key, mail, phone, note FROM crm.people ORDER BY id").fetchall()
        contacts = connection.execute("SELECT typed FROM crm.contacts ORDER BY kind").fetchall()
        assert connection.execute("SELECT count(*) FROM crm.queue").fetchone() == (0,)
    first, second, third = people
    assert first[:3] == second[:3]
    assert (first[0].lower(), first[0][:7]) == (first[1], "Person ")
    assert contacts == [(first[2],), (first[3],)]
    assert (first[2][12:], first[3][:5], len(first[3]), first[3] == second[3]) == (
        "@masked.invalid",
        "+1555",
        12,
        False,
    )
    assert (first[4], second[4], third[2:]) == (None, "masked", (None, None, "masked"))
    assert not any("nora" in str(row).lower() or "quinn" in str(row).lower() for row in people)


def test_another_salt_gives_other_masks(place: Place) -> None:
    seen: list[str] = []
    for salt in ("one", "two"):
        with db.connected(place.database(salt, PEOPLE)) as connection:
            masking.apply(connection, masking.parsed(RULES), salt, mask=True)
            row = connection.execute("SELECT name FROM crm.people WHERE id = 1").fetchone()
            assert row is not None
            seen.append(row[0])
    assert seen[0] != seen[1]
