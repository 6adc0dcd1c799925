"""The folder of a backup as its Job sees it: what is killed, full or planted leaves no backup that passes for one."""

import base64
import errno
import os
from pathlib import Path
from typing import Any

import pytest
from rooftree_operator import folders
from rooftree_operator.archive import envelope, manifest
from rooftree_operator.archive.__main__ import Settings, main
from rooftree_operator.archive.envelope import About, Cipher, Damaged
from rooftree_operator.archive.folder import Folder
from rooftree_operator.archive.manifest import Manifest, manifest_name, parsed, segment_name
from rooftree_operator.archive.store import Store, StoreError
from rooftree_operator.archive.stream import Member, SegmentReader, SegmentWriter, Writer, members

ABOUT = About("acme-0a1b2c3d", "first", "try1")
KEY = bytes(range(32))
SIZE = 1000  # of a segment in these tests


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "first"
    made.mkdir()
    return made


def written(folder: Folder, content: bytes, about: About = ABOUT) -> Manifest:
    """A whole backup of one member."""
    folder.begin()
    segments = SegmentWriter(folder, Cipher(KEY, about), about, SIZE)
    archive = Writer(segments)
    archive.add(Member("a", content))
    archive.close()
    checksum = segments.finish()
    sealed = base64.b64encode(envelope.seal(envelope.KeyPair.made().public, KEY, about)).decode()
    sums: dict[str, Any] = {"segments": segments.segments, "size": segments.written, "checksum": checksum}
    made = Manifest(
        about.tenant, about.backup, about.attempt, "2026-11-24T12:00:00.000Z", "1", ("r1",), 0, 0, 0, 0,
        key_id="k", sealed_key=sealed, seconds=1.0, **sums,
    )  # fmt: skip
    folder.put(manifest_name(about.backup), made.encoded(), "application/json")
    return made


def read(folder: Folder, made: Manifest) -> list[Member]:
    reader = SegmentReader(folder, Cipher(KEY, made.about), made.about, made.segments)
    found = list(members(reader))
    assert reader.checksum() == made.checksum
    return found


def test_what_is_written_is_read_and_lies_where_the_operator_compares_it(root: Path) -> None:
    folder = Folder(root, "first")
    made = written(folder, b"x" * 5000)
    assert read(folder, made) == [Member("a", b"x" * 5000)]
    with folders.opened(root) as opened:
        sizes = folders.sizes(opened, 100)
    segments = [size for name, size in sizes.items() if name.startswith("try1/")]
    assert (len(segments), sum(segments)) == (made.segments, made.size)
    assert parsed(folder.get("first/manifest.json").content) == made
    with pytest.raises(StoreError):
        folder.get("first/try1/00000999")


@pytest.mark.parametrize(
    "name", ["second/x", "manifest.json", "first", "first/", "first/../x", "first//x", "/x", "first/.."]
)
def test_a_name_of_anything_else_is_refused(root: Path, name: str) -> None:
    folder = Folder(root, "first")
    for call in (lambda: folder.put(name, b"x"), lambda: folder.get(name)):
        with pytest.raises(StoreError, match="is no part of backup first"):
            call()
    assert [path.name for path in root.parent.iterdir()] == ["first"]


def test_a_forged_manifest_that_names_a_try_elsewhere_is_refused(root: Path) -> None:
    folder = Folder(root, "first")
    made = written(folder, b"x")
    forged = About(made.tenant, made.backup, "../../second")
    reader = SegmentReader(folder, Cipher(KEY, forged), forged, 1)
    with pytest.raises(StoreError, match="is no part of backup first"):
        list(members(reader))


def test_a_try_that_was_killed_leaves_nothing_that_counts_and_the_next_one_clears_it(root: Path) -> None:
    folder = Folder(root, "first")
    segments = SegmentWriter(folder, Cipher(KEY, ABOUT), ABOUT, SIZE)
    segments.write(b"x" * 5000)
    (root / "try1" / "00000005.partial").write_bytes(b"hal")
    (root / "deep" / "deeper").mkdir(parents=True)
    (root / "link").symlink_to("/")
    made = written(folder, b"y", About("acme-0a1b2c3d", "first", "try2"))
    assert sorted(path.name for path in root.iterdir()) == ["manifest.json", "try2"]
    assert read(folder, made) == [Member("a", b"y")]


def test_nothing_is_written_over_a_backup_that_is_whole(root: Path) -> None:
    folder = Folder(root, "first")
    made = written(folder, b"x")
    with pytest.raises(StoreError, match="is written already"):
        written(folder, b"y", About("acme-0a1b2c3d", "first", "try2"))
    assert read(folder, made) == [Member("a", b"x")]


def test_a_full_disk_is_told_with_who_must_act_and_leaves_no_manifest(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real, calls = Folder(root, "first"), os.fsync, [0]

    def full(handle: int) -> None:
        calls[0] += 1
        if calls[0] > 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device: a platform admin must make room"):
        written(folder, os.urandom(20_000))
    assert not (root / manifest.NAME).exists()
    assert list(root.rglob("*.partial")) == []


def test_a_volume_that_only_reads_tells_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "mkdir", refused)
    with pytest.raises(StoreError, match="does not let us write first/try1/00000001: Read-only file system"):
        Folder(root, "first").put("first/try1/00000001", b"x")


def test_a_link_that_an_earlier_job_planted_is_read_by_nobody(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"of the next pod")
    folder = Folder(root, "first")
    made = written(folder, b"x")
    segment = root / "try1" / "00000001"
    segment.unlink()
    segment.symlink_to(tmp_path / "secret")
    with pytest.raises(StoreError, match="something else than first/try1/00000001"):
        read(folder, made)
    segment.unlink()
    segment.write_bytes(b"real")
    assert folder.get("first/try1/00000001").content == b"real"
    (root / "try1").rename(root / "real")
    (root / "try1").symlink_to("real")
    with pytest.raises(StoreError):
        folder.get("first/try1/00000001")


def test_what_was_changed_on_the_volume_is_noticed(root: Path) -> None:
    folder = Folder(root, "first")
    made = written(folder, b"x" * 3000)
    second = root / "try1" / "00000002"
    second.write_bytes(bytes([second.read_bytes()[0] ^ 1]) + second.read_bytes()[1:])
    with pytest.raises(Damaged):
        read(folder, made)


def test_the_job_takes_the_folder_if_it_is_given_one_and_the_store_otherwise(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"ROOFTREE_BACKUP": "first", "ROOFTREE_BACKUP_DIR": str(root)}
    assert isinstance(Settings(told).backups(), Folder)
    monkeypatch.setattr("ssl.create_default_context", lambda **_: False)
    (tmp_path / "operation").mkdir()
    (tmp_path / "operation" / "store_secret_key").write_text("s")
    others = {
        "ROOFTREE_BACKUP": "first", "ROOFTREE_S3_ENDPOINT": "https://s3", "ROOFTREE_S3_REGION": "r",
        "ROOFTREE_BACKUP_BUCKET": "b", "ROOFTREE_BACKUP_ACCESS_KEY": "k", "ROOFTREE_CA_FILE": "ca.crt",
        "ROOFTREE_SECRETS_DIR": str(tmp_path),
    }  # fmt: skip
    assert isinstance(Settings(others).backups(), Store)


def test_a_restore_of_what_is_not_there_ends_with_words_that_kubernetes_keeps(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"BACKUP": "first", "BACKUP_DIR": str(root), "SECRETS_DIR": str(root)}.items():
        monkeypatch.setenv(f"ROOFTREE_{name}", value)
    assert main(["read"]) == 1
    assert "does not let us read first/manifest.json: No such file" in capsys.readouterr().out


def test_segments_have_the_same_names_as_in_the_store(root: Path) -> None:
    folder = Folder(root, "first")
    folder.put(segment_name(ABOUT, 1), b"x")
    assert (root / "try1" / "00000001").read_bytes() == b"x"
