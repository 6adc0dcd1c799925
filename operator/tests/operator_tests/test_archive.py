"""What a backup is made of: what is written can be read with the platform's key, and nothing else passes for it."""

import asyncio
import io
import struct
import tarfile

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator.archive import envelope, manifest, tunnel
from rooftree_operator.archive.__main__ import message
from rooftree_operator.archive.database import complaints, differing
from rooftree_operator.archive.envelope import About, Cipher, Damaged, KeyPair
from rooftree_operator.archive.manifest import Manifest
from rooftree_operator.archive.store import Fetched
from rooftree_operator.archive.stream import Member, SegmentReader, SegmentWriter, Writer, members

ABOUT = About("acme-0a1b2c3d", "first", "try1")
KEY = bytes(range(32))
SIZE = 1000  # of a segment in these tests


class Shelf:
    """A store in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def begin(self) -> None:
        """Each try has names of its own."""

    def put(self, name: str, content: bytes, media_type: str = "") -> None:
        self.objects[name] = content

    def get(self, name: str) -> Fetched:
        return Fetched(self.objects[name], "")


def written(shelf: Shelf, *given_: Member, about: About = ABOUT) -> SegmentWriter:
    segments = SegmentWriter(shelf, Cipher(KEY, about), about, SIZE)
    archive = Writer(segments)
    for member in given_:
        archive.add(member)
    archive.close()
    segments.finish()
    return segments


def read(shelf: Shelf, segments: int, about: About = ABOUT, key: bytes = KEY) -> list[Member]:
    reader = SegmentReader(shelf, Cipher(key, about), about, segments)
    found = list(members(reader))
    reader.checksum()
    return found


@given(st.lists(st.binary(max_size=5000), max_size=8))
def test_what_is_written_is_read_whatever_it_is_and_in_order(contents: list[bytes]) -> None:
    shelf = Shelf()
    wanted = [Member(f"files/{number:08d}", content, "image/jpeg") for number, content in enumerate(contents)]
    segments = written(shelf, *wanted)
    assert read(shelf, segments.segments) == wanted
    assert segments.written == sum(map(len, shelf.objects.values()))


def test_a_backup_is_never_held_whole() -> None:
    shelf = Shelf()
    segments = SegmentWriter(shelf, Cipher(KEY, ABOUT), ABOUT, SIZE)
    for _ in range(100):
        segments.write(b"x" * 500)
        assert len(segments._waiting) <= SIZE
    assert max(map(len, shelf.objects.values())) == SIZE + envelope.TAG_BYTES


def changed(shelf: Shelf, names: list[str], how: str) -> int:
    """Does to a backup of several segments what must be noticed; how many segments it says to have then."""
    first, second, *_, last = names
    objects = shelf.objects
    match how:
        case "a bit flipped":
            objects[second] = bytes([objects[second][0] ^ 1]) + objects[second][1:]
        case "two swapped":
            objects[first], objects[second] = objects[second], objects[first]
        case "the last one missing":
            return len(names) - 1
        case "the last one twice":
            objects[manifest.segment_name(ABOUT, len(names) + 1)] = objects[last]
            return len(names) + 1
        case _:
            objects[second] = objects[second][:-1]
    return len(names)


@pytest.mark.parametrize(
    "how", ["a bit flipped", "two swapped", "the last one missing", "the last one twice", "one cut off"]
)
def test_what_is_damaged_missing_or_moved_is_noticed(how: str) -> None:
    shelf = Shelf()
    written(shelf, Member("a", bytes(10_000)))
    segments = changed(shelf, sorted(shelf.objects), how)
    with pytest.raises(Damaged):
        read(shelf, segments)


def test_a_segment_of_another_backup_with_the_same_key_does_not_pass() -> None:
    shelf, other = Shelf(), About("acme-0a1b2c3d", "second", "try1")
    segments = written(shelf, Member("a", b"x"), about=other)
    moved = Shelf()
    moved.objects = {name.replace("second", "first"): content for name, content in shelf.objects.items()}
    with pytest.raises(Damaged, match="segment 1 of backup first"):
        read(moved, segments.segments)


def test_a_person_with_the_key_opens_it_with_tar() -> None:
    shelf = Shelf()
    segments = written(shelf, Member("database/00000001", b"PGDMP"), Member("objects/photos/1", b"jpg", "image/jpeg"))
    cipher, total = Cipher(KEY, ABOUT), b""
    for number, name in enumerate(sorted(shelf.objects), 1):
        total += cipher.decrypt(number, shelf.objects[name], last=number == segments.segments)
    with tarfile.open(fileobj=io.BytesIO(total)) as tar:
        assert tar.getnames() == ["database/00000001", "objects/photos/1"]


def test_the_public_key_seals_and_only_the_private_one_opens() -> None:
    pair, key = KeyPair.made(), envelope.data_key()
    sealed = envelope.seal(pair.public, key, ABOUT)
    assert pair.unseal(sealed, ABOUT) == key
    with pytest.raises(Damaged, match="was not sealed for key"):
        KeyPair.made().unseal(sealed, ABOUT)
    with pytest.raises(Damaged):
        pair.unseal(sealed, About("other-0a1b2c3d", "first", "try1"))
    assert pair.private.hex() not in repr(pair)
    assert envelope.key_id(pair.public) == pair.id


def told(**changes: object) -> Manifest:
    fields: dict[str, object] = {
        "tenant": "acme-0a1b2c3d", "backup": "first", "attempt": "try1", "taken_at": "2026-11-24T12:00:00.000Z",
        "version": "1.0.0", "heads": ("r1",), "outbox": 7, "unsent": 1, "rows": 2, "objects": 1, "segments": 1,
        "size": 9, "checksum": "00", "key_id": "ab", "sealed_key": "AAAA", "seconds": 1.0,
    }  # fmt: skip
    return Manifest(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert manifest.parsed(told().encoded()) == told()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", told(format=2).encoded(), b'{"format": 1, "more": 1}'])
def test_what_is_no_manifest_of_this_version_is_refused(content: bytes) -> None:
    with pytest.raises(Damaged):
        manifest.parsed(content)


def test_tables_that_differ_are_named_also_those_that_are_missing_or_new() -> None:
    before, after = {"a": (1, "x"), "b": (2, "y"), "c": (3, "z")}, {"a": (1, "x"), "b": (2, "q"), "d": (0, "0")}
    assert differing(before, after) == ["b", "c", "d"]


def sasl(*mechanisms: bytes) -> bytes:
    return struct.pack("!i", 10) + b"".join(name + b"\0" for name in mechanisms) + b"\0"


def test_the_way_of_logging_in_that_is_bound_to_tls_is_not_offered_through_the_tunnel() -> None:
    offered = tunnel.without_binding(b"R", sasl(b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-256"))
    wanted = sasl(b"SCRAM-SHA-256")
    assert offered == struct.pack("!ci", b"R", len(wanted) + 4) + wanted


@pytest.mark.parametrize(("kind", "body"), [(b"E", b"SFATAL\0"), (b"R", struct.pack("!i", 0)), (b"v", b"\0" * 8)])
def test_every_other_message_passes_the_tunnel_as_it_is(kind: bytes, body: bytes) -> None:
    assert tunnel.without_binding(kind, body) == struct.pack("!ci", kind, len(body) + 4) + body


def test_the_server_side_of_the_tunnel_ends_with_the_server() -> None:
    async def through(given_: bytes) -> bytes:
        source, written_ = asyncio.StreamReader(), bytearray()
        source.feed_data(given_)
        source.feed_eof()

        class Taken:
            def write(self, data: bytes) -> None:
                written_.extend(data)

            async def drain(self) -> None:
                return

        await tunnel._answers(source, Taken())  # type: ignore[arg-type]
        return bytes(written_)

    refusal = struct.pack("!ci", b"E", 8) + b"no\0\0"
    assert asyncio.run(through(refusal + b"more")) == refusal + b"more"
    assert asyncio.run(through(b"R\0\0")) == b"R\0\0"


def test_of_what_a_program_complains_no_row_of_the_tenant_comes_into_a_status() -> None:
    words = (
        'pg_restore: error: COPY failed for table "people": ERROR:  duplicate key violates "mail"\n'
        "DETAIL:  Key (mail)=(nora@quinn.example) already exists.\n"
        "CONTEXT:  COPY people, line 7: Nora Quinn\n"
        "Command was: SELECT 'Nora';\n"
        "pg_restore: warning: it gives up\n"
    )
    told = complaints("pg_restore", words)
    assert told.startswith("pg_restore: error: COPY failed")
    assert told.endswith('"mail" pg_restore: warning: it gives up')
    assert "Nora" not in told
    assert "nora" not in told


def test_of_what_postgresql_refuses_only_the_first_part_is_told() -> None:
    class Refused(psycopg.Error):
        @property
        def diag(self) -> object:  # type: ignore[override]
            return type("Diagnostic", (), {"message_primary": "duplicate key\n value"})

    assert message(Refused("duplicate key\nDETAIL: Key (mail)=(nora@quinn.example)")) == "duplicate key value"
    assert message(OSError("no such\nfile")) == "no such file"
