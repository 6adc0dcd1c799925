"""What a stranger leaves in a folder is never followed, never waited for, and goes whatever it is."""

import errno
import os
import resource
import socket
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator import folders
from rooftree_operator.folders import Strange

MOST = 1000


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Something outside that nobody may reach through a folder of backups."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("of another tenant")
    return outside


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "volume"
    made.mkdir()
    return made


def emptied(root: Path, name: str, page: int = MOST) -> int:
    """Removes it page by page; how many that took."""
    with folders.opened(root) as folder:
        for number in range(1, 10_000):
            if folders.remove(folder, name, page):
                return number
    raise AssertionError("it never ends")


@given(st.text(max_size=80))
def test_a_name_that_is_taken_is_one_step_and_leads_nowhere_else(text: str) -> None:
    try:
        folders.checked(text)
    except ValueError:
        return
    assert Path("/volume", text).parts == ("/", "volume", text)
    assert text not in (".", "..")
    assert not text.startswith(".")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/", "a/../b", "../a", "a\n", "a\0", ".a", "-a", "A", "a.partial", "x" * 64, "å"]
)
def test_what_is_no_name_of_ours_is_refused_before_anything_is_opened(root: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"), folders.opened(root, name):
        pass
    with folders.opened(root) as folder:
        for call in (folders.has, folders.remove_empty):
            with pytest.raises(ValueError, match="not a name"):
                call(folder, name)
        with pytest.raises(ValueError, match="not a name"):
            folders.write(folder, name, b"")
        with pytest.raises(ValueError, match="not a name"):
            folders.remove(folder, name, MOST)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["acme-0a1b2c3d", "first", "a" * 63, "00000001", "manifest.json", "0a1b2c3d"])
def test_names_of_tenants_backups_tries_segments_and_the_manifest_are_taken(name: str) -> None:
    assert folders.checked(name) == name


def test_a_file_is_whole_or_not_there_at_all(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with folders.opened(root) as folder:
        folders.write(folder, "a", b"before")

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            folders.write(folder, "a", b"after")
    assert [path.name for path in root.iterdir()] == ["a"], "what was half written gives its room back"
    assert (root / "a").read_bytes() == b"before"


def test_what_a_killed_try_left_half_written_does_not_count_and_is_written_over(root: Path) -> None:
    (root / "a.partial").write_bytes(b"hal")
    with folders.opened(root) as folder:
        assert folders.sizes(folder, MOST) == {}
        folders.write(folder, "a", b"whole")
        assert folders.sizes(folder, MOST) == {"a": 5}
    assert [path.name for path in root.iterdir()] == ["a"]


def test_a_link_in_the_place_of_what_is_written_is_replaced_and_not_followed(root: Path, secret: Path) -> None:
    for name in ("a", "a.partial"):
        (root / name).symlink_to(secret / "secret")
    with folders.opened(root) as folder:
        folders.write(folder, "a", b"mine")
    assert (secret / "secret").read_text() == "of another tenant"
    assert (root / "a").read_bytes() == b"mine"
    assert not (root / "a").is_symlink()


def test_links_are_neither_read_nor_entered_nor_counted(root: Path, secret: Path) -> None:
    (root / "file").symlink_to(secret / "secret")
    (root / "folder").symlink_to(secret)
    with folders.opened(root) as folder:
        with pytest.raises(Strange):
            folders.read(folder, "file", MOST)
        with pytest.raises(Strange), folders.inside(folder, "folder"):
            pass
        assert folders.sizes(folder, MOST) == {}
        assert folders.has(folder, "file")
        with pytest.raises(OSError, match="Not a directory"):
            folders.make(folder, "folder", 0o700)
    with pytest.raises(NotADirectoryError), folders.opened(root, "folder"):
        pass


@pytest.mark.timeout(10)
def test_nobody_waits_for_a_pipe_and_a_socket_or_folder_is_no_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    monkeypatch.chdir(root)  # a socket's path is short
    socket.socket(socket.AF_UNIX).bind("socket")
    with folders.opened(root) as folder:
        for name in ("pipe", "folder", "socket"):
            with pytest.raises(Strange):
                folders.read(folder, name, MOST)
        assert folders.sizes(folder, MOST) == {}


def test_more_than_is_allowed_is_neither_read_nor_counted(root: Path) -> None:
    (root / "large").write_bytes(bytes(MOST + 1))
    with folders.opened(root) as folder:
        with pytest.raises(Strange, match="more than 1000 bytes"):
            folders.read(folder, "large", MOST)
        assert len(folders.read(folder, "large", MOST + 1)) == MOST + 1
    for number in range(10):
        (root / f"{number}").mkdir()
        (root / f"{number}" / "x").write_bytes(b"x")
    with folders.opened(root) as folder:
        assert len(folders.sizes(folder, 21)) == 11
        with pytest.raises(Strange, match="more than 20 files"):
            folders.sizes(folder, 20)


def test_only_files_of_the_form_that_a_backup_has_are_counted(root: Path) -> None:
    (root / "try1" / "deep").mkdir(parents=True)
    (root / ".hidden").mkdir()
    for name in ("manifest.json", "try1/00000001", "try1/00000002.partial", "try1/deep/x", ".hidden/x", "Loud"):
        (root / name).write_bytes(b"x")
    with folders.opened(root) as folder:
        assert folders.sizes(folder, MOST) == {"manifest.json": 1, "try1/00000001": 1}


def test_a_folder_goes_with_everything_in_it_and_nothing_beside_it(root: Path, secret: Path) -> None:
    mine = root / "mine"
    (mine / "try1" / "deep" / "deeper").mkdir(parents=True)
    for path in ("try1/a", "try1/deep/b", "try1/deep/deeper/c", "manifest.json"):
        (mine / path).write_bytes(b"x")
    (mine / "link").symlink_to(secret)
    (mine / "try1" / "link").symlink_to(secret / "secret")
    (mine / "up").symlink_to("..")
    os.mkfifo(mine / "pipe")
    (root / "other").mkdir()
    emptied(root, "mine")
    assert [path.name for path in root.iterdir()] == ["other"]
    assert (secret / "secret").read_text() == "of another tenant"


def test_a_page_takes_no_more_than_it_may_and_the_last_one_ends_it(root: Path) -> None:
    for folder in range(3):
        (root / "mine" / f"{folder}").mkdir(parents=True)
        for number in range(10):
            (root / "mine" / f"{folder}" / f"{number}").write_bytes(b"")
    with folders.opened(root) as top:
        before = sum(len(files) for _, _, files in os.walk(root))
        assert not folders.remove(top, "mine", 5)
        assert before - sum(len(files) for _, _, files in os.walk(root)) <= 5
    assert emptied(root, "mine", 5) > 3
    assert list(root.iterdir()) == []


def test_a_tree_of_any_depth_goes_with_few_open_folders(root: Path) -> None:
    deep = os.open(root, os.O_RDONLY)
    for name in ("mine", *["d"] * 3000):
        os.mkdir(name, dir_fd=deep)
        inner = os.open(name, os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = inner
    os.close(deep)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    here = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (here + 12, hard))
    try:
        emptied(root, "mine")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert list(root.iterdir()) == []


def test_folders_that_their_owner_closed_are_not_read_and_go_all_the_same(root: Path) -> None:
    for parent in root.parents:
        if not os.stat(parent).st_mode & 0o001:
            os.chmod(parent, os.stat(parent).st_mode | 0o011)
    os.chmod(root, 0o777)
    if (child := os.fork()) == 0:
        os._exit(_as_no_root(root))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _as_no_root(root: Path) -> int:
    """In a child, as somebody who may not enter everything; 0: all is well."""
    try:
        if os.getuid() == 0:
            os.setgid(10001)
            os.setuid(10001)
        _closed(root)
        with folders.opened(root) as folder, pytest.raises(Strange), folders.inside(folder, "mine"):
            pass
        emptied(root, "mine")
        return len(list(root.iterdir()))
    except BaseException:
        traceback.print_exc()
        return 100


def _closed(root: Path) -> None:
    (root / "mine" / "try1" / "deep").mkdir(parents=True)
    (root / "mine" / "try1" / "deep" / "x").write_bytes(b"x")
    for path in ("mine/try1/deep", "mine/try1", "mine"):
        (root / path).chmod(0)


def test_a_folder_has_the_rights_that_it_is_made_with_whatever_the_mask(root: Path) -> None:
    before = os.umask(0o077)
    try:
        with folders.opened(root) as folder:
            folders.make(folder, "mine", 0o2770)
            folders.make(folder, "mine", 0o2770)
    finally:
        os.umask(before)
    assert (root / "mine").stat().st_mode & 0o7777 == 0o2770
