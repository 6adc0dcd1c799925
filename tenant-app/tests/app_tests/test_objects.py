"""Object storage: what goes in comes out, and what does not work is told in time, without a secret."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rooftree.kernel.objects import ObjectNotFound, Objects, S3Settings, StorageUnavailable
from rooftree.kernel.settings import Secrets, SettingsError, load

from .object_storage import Bucket, Silent, bucket, password, settings

pytestmark = pytest.mark.integration
CA_FILE = "ROOFTREE_CA_FILE"


def opened(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, *, secret: str, ca_file: Path | None) -> Objects:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Objects(load(S3Settings), Secrets(Path("/nonexistent"), {"s3_secret_key": secret}), ca_file=ca_file)


@pytest.fixture
def ca_file() -> Path:
    import os

    return Path(os.environ[CA_FILE])


@pytest.fixture
def made(ca_file: Path) -> Iterator[Bucket]:
    with bucket(str(ca_file)) as found:
        yield found


@pytest.fixture
def objects(made: Bucket, monkeypatch: pytest.MonkeyPatch, ca_file: Path) -> Objects:
    return opened(settings(made.name), monkeypatch, secret=password(), ca_file=ca_file)


async def test_an_object_is_stored_read_replaced_and_removed(objects: Objects, made: Bucket) -> None:
    for content in (b"", b"one", b"x" * 12 * 1024 * 1024):
        await objects.put("photos/a/original", content, media_type="image/jpeg")
        assert await objects.get("photos/a/original") == content
        assert made.read("photos/a/original") == content
    await objects.put("photos/b", b"two", media_type="image/png")
    assert made.names() == ["photos/a/original", "photos/b"]
    await objects.delete(["photos/a/original", "photos/b", "photos/never"])
    assert made.names() == []
    with pytest.raises(ObjectNotFound):
        await objects.get("photos/b")


async def refused(objects: Objects) -> list[str]:
    """Every call, within 5 seconds; what the caller is told."""
    told: list[str] = []
    for call in (
        lambda: objects.get("a"),
        lambda: objects.put("a", b"x" * 3_000_000, media_type="image/jpeg"),
        lambda: objects.delete(["a"]),
    ):
        began = time.monotonic()
        with pytest.raises(StorageUnavailable) as error:
            await call()
        assert time.monotonic() - began < 5
        assert error.value.__cause__ is None
        assert error.value.__suppress_context__
        told.append(str(error.value))
    return told


async def test_storage_that_is_away_hangs_or_refuses_is_told_in_time(
    made: Bucket, monkeypatch: pytest.MonkeyPatch, ca_file: Path
) -> None:
    with Silent() as silent:
        for endpoint, secret, trusted in (
            ("https://127.0.0.1:1", password(), ca_file),
            (silent, password(), ca_file),
            (None, "canary-wrong-secret", ca_file),
            (None, password(), None),
        ):
            broken = opened(settings(made.name, endpoint), monkeypatch, secret=secret, ca_file=trusted)
            for told in await refused(broken):
                assert "canary" not in told
                assert password() not in told
    assert made.names() == []


async def test_a_bucket_that_is_not_there_is_no_missing_object(monkeypatch: pytest.MonkeyPatch, ca_file: Path) -> None:
    nowhere = opened(settings("apptest-nowhere"), monkeypatch, secret=password(), ca_file=ca_file)
    with pytest.raises(StorageUnavailable):
        await nowhere.put("a", b"x", media_type="image/jpeg")
    with pytest.raises(StorageUnavailable):
        await nowhere.get("a")


async def test_without_storage_or_its_secret_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    none = Objects(S3Settings(), Secrets(Path("/nonexistent")), ca_file=None)
    with pytest.raises(StorageUnavailable, match="has no storage"):
        await none.get("a")
    for name, value in settings("b", "https://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageUnavailable, match="not set up"):
        await Objects(load(S3Settings), Secrets(Path("/nonexistent")), ca_file=None).get("a")


@pytest.mark.parametrize(
    "given",
    [
        {"ENDPOINT": "http://storage.test"},
        {"ENDPOINT": "storage.test"},
        {"ENDPOINT": "https://storage.test", "BUCKET": ""},
        {"ENDPOINT": "https://storage.test", "ACCESS_KEY": ""},
    ],
)
def test_settings_that_cannot_work_are_refused_at_start(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ({"BUCKET": "b", "ACCESS_KEY": "k"} | given).items():
        monkeypatch.setenv(f"ROOFTREE_S3_{name}", value)
    with pytest.raises(SettingsError, match="ROOFTREE_S3"):
        load(S3Settings)
