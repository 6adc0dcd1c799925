"""The volume of backups as the operator sees it: real folders, with strangers in them, and disks that say no."""

import asyncio
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rooftree_operator import effects, folders
from rooftree_operator.adapters import volume as volumes
from rooftree_operator.adapters.volume import Volume
from rooftree_operator.effects import Drill, Failpoint, Mode
from rooftree_operator.errors import Unavailable
from rooftree_operator.folders import Strange

ACME, WEST = "acme-0a1b2c3d", "west-0a1b2c3d"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


@pytest.fixture
def volume(root: Path) -> Iterator[Volume]:
    made = Volume(root, {"hostPath": {"path": str(root)}})
    yield made
    made.close()


def there(root: Path) -> list[str]:
    """All files, and folders with nothing in them."""
    found = [path for path in root.rglob("*") if not path.is_dir() or not list(path.iterdir())]
    return sorted(str(path.relative_to(root)) for path in found)


def lay(root: Path, *paths: str, content: bytes = b"x") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


async def test_a_folder_is_made_for_the_pods_and_passed_by_the_nodes_root(volume: Volume, root: Path) -> None:
    before = os.umask(0o077)
    try:
        await volume.make(ACME, "first")
    finally:
        os.umask(before)
    assert (root / ACME).stat().st_mode & 0o7777 == 0o2771
    assert (root / ACME / "first").stat().st_mode & 0o7777 == 0o2770


async def test_what_is_there_is_told_and_what_is_not_is_nothing(volume: Volume, root: Path) -> None:
    assert await volume.sizes(ACME, "first") == {}
    assert await volume.read(ACME, "first", "manifest.json") is None
    assert await volume.is_empty(ACME)
    await volume.make(ACME, "first")
    assert await volume.read(ACME, "first", "manifest.json") is None
    lay(root, f"{ACME}/first/manifest.json", f"{ACME}/first/try1/00000001", f"{WEST}/first/try1/00000001")
    assert await volume.sizes(ACME, "first") == {"manifest.json": 1, "try1/00000001": 1}
    assert await volume.read(ACME, "first", "manifest.json") == b"x"
    assert not await volume.is_empty(ACME)


async def test_a_backup_goes_and_all_others_stay(volume: Volume, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "PAGE", 3)
    kept = [f"{ACME}/second/manifest.json", f"{WEST}/first/manifest.json"]
    lay(root, *kept, *(f"{ACME}/first/try1/{number:08d}" for number in range(10)))
    await volume.delete(ACME, "first")
    await volume.delete(ACME, "first")
    assert there(root) == kept
    with pytest.raises(Unavailable, match="not empty"):
        await volume.delete_tenant(ACME)
    await volume.delete(ACME, "second")
    await volume.delete_tenant(ACME)
    await volume.delete_tenant(ACME)
    assert there(root) == kept[1:]


async def test_one_pass_ends_also_if_somebody_goes_on_writing(
    volume: Volume, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volumes, "PAGES", 2)
    monkeypatch.setattr(volumes, "PAGE", 1)
    lay(root, *(f"{ACME}/first/try1/{number:08d}" for number in range(10)))
    with pytest.raises(Unavailable, match="it goes on"):
        await volume.delete(ACME, "first")


@pytest.mark.parametrize("name", ["..", "../west-0a1b2c3d", "a/b", "", "."])
async def test_no_name_leads_out_of_a_tenants_folder(volume: Volume, root: Path, name: str) -> None:
    lay(root, f"{WEST}/first/manifest.json")
    for call in (
        volume.make(ACME, name),
        volume.make(name, "first"),
        volume.sizes(ACME, name),
        volume.read(name, "first", "manifest.json"),
        volume.read(ACME, "first", name),
        volume.delete(ACME, name),
        volume.delete_tenant(name),
    ):
        (root / ACME / "first").mkdir(parents=True, exist_ok=True)
        with pytest.raises(ValueError, match="not a name"):
            await call
    assert (root / WEST / "first" / "manifest.json").exists()


async def test_a_link_in_the_place_of_a_manifest_or_a_folder_leads_nowhere(volume: Volume, root: Path) -> None:
    lay(root, f"{WEST}/first/manifest.json", f"{WEST}/first/try1/00000001", content=b"of another")
    await volume.make(ACME, "first")
    (root / ACME / "first" / "manifest.json").symlink_to(root / WEST / "first" / "manifest.json")
    (root / ACME / "first" / "try1").symlink_to(root / WEST / "first" / "try1")
    with pytest.raises(Strange):
        await volume.read(ACME, "first", "manifest.json")
    assert await volume.sizes(ACME, "first") == {}
    await volume.delete(ACME, "first")
    assert len(await volume.sizes(WEST, "first")) == 2
    (root / ACME / "second").symlink_to(root / WEST / "first")
    with pytest.raises(Strange):
        await volume.sizes(ACME, "second")
    with pytest.raises(Unavailable) as refused:
        await volume.delete(ACME, "second")
    assert refused.value.reason == "VolumeRefused"
    assert len(await volume.sizes(WEST, "first")) == 2


async def test_without_the_volume_nothing_is_taken_for_gone(root: Path) -> None:
    volume = Volume(root.with_name("away"), {})
    for call in (volume.ping(), volume.sizes(ACME, "first"), volume.delete(ACME, "first"), volume.is_empty(ACME)):
        with pytest.raises(Unavailable) as caught:
            await call
        assert caught.value.reason == "VolumeRefused"
    volume.close()


@pytest.mark.parametrize(
    ("number", "reason", "advice"),
    [
        (errno.ENOSPC, "VolumeRefused", "make room"),
        (errno.EDQUOT, "VolumeRefused", "make room"),
        (errno.EACCES, "VolumeRefused", "the rights to it"),
        (errno.ESTALE, "VolumeUnreachable", "does not answer"),
        (errno.EIO, "VolumeUnreachable", "does not answer"),
    ],
)
async def test_what_disk_or_server_say_becomes_a_code_with_who_must_act(
    volume: Volume, monkeypatch: pytest.MonkeyPatch, number: int, reason: str, advice: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(folders, "make", fails)
    with pytest.raises(Unavailable) as caught:
        await volume.make(ACME, "first")
    assert caught.value.reason == reason
    assert advice in caught.value.message


async def test_a_server_that_never_answers_keeps_nobody_but_its_own_threads(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volumes, "TIMEOUT", 0.05)
    answers = threading.Event()
    monkeypatch.setattr(folders, "is_empty", lambda _: answers.wait())
    lay(volume._root, f"{ACME}/first/x")
    try:
        for _ in range(6):
            with pytest.raises(Unavailable) as caught:
                await volume.is_empty(ACME)
            assert caught.value.reason == "VolumeUnreachable"
        assert await asyncio.to_thread(lambda: "others go on") == "others go on"
    finally:
        answers.set()


async def test_each_change_is_an_effect_with_a_name_and_looking_is_none(
    volume: Volume, root: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "effects"
    effects.begin(Drill(None, trace))
    try:
        await volume.ping()
        await volume.make(ACME, "first")
        await volume.make(ACME, "first")
        await volume.sizes(ACME, "first")
        lay(root, f"{ACME}/first/try1/00000001")
        await volume.delete(ACME, "first")
        await volume.delete(ACME, "first")
        await volume.delete_tenant(ACME)
        await volume.delete_tenant(ACME)
    finally:
        effects.begin(None)
    done = [line.split()[1] for line in trace.read_text().splitlines() if line.startswith("done")]
    assert done == ["volume.create.backup", "volume.delete.backup", "volume.delete.tenant"]


async def test_an_answer_that_is_lost_in_a_drill_is_the_volume_that_is_away(volume: Volume, root: Path) -> None:
    effects.begin(Drill(Failpoint("volume.create.backup", Mode.LOST, 1), None))
    try:
        with pytest.raises(Unavailable) as lost:
            await volume.make(ACME, "first")
    finally:
        effects.begin(None)
    assert lost.value.reason == "VolumeUnreachable"
    assert (root / ACME / "first").is_dir()
    await volume.make(ACME, "first")
