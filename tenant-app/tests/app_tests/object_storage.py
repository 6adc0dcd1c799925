"""Buckets of the stack's own object store for tests, and storage that does not work."""

import hmac
import os
import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import obstore
import pytest
from obstore.store import S3Store
from rooftree.kernel.objects import Objects, StorageUnavailable

from .conftest import TestDatabase


@dataclass(frozen=True)
class Bucket:
    """One of this test's own, seen from behind the app."""

    store: Any
    name: str

    def names(self) -> list[str]:
        return sorted(item["path"] for batch in obstore.list(self.store) for item in batch)

    def read(self, name: str) -> bytes:
        return bytes(obstore.get(self.store, name).bytes())

    def remove(self, name: str) -> None:
        obstore.delete(self.store, name)


def _given(name: str) -> str:
    value = os.environ.get(f"ROOFTREE_TEST_{name}")
    if not value:
        pytest.fail(f"Integration tests need ROOFTREE_TEST_{name} (`make up-backends`).")
    return value


def settings(bucket: str, endpoint: str | None = None) -> dict[str, str]:
    """What the operator puts into a tenant's pod; by the store's administrator."""
    return {
        "ROOFTREE_S3_ENDPOINT": endpoint or _given("S3_URL"),
        "ROOFTREE_S3_REGION": "us-east-1",
        "ROOFTREE_S3_BUCKET": bucket,
        "ROOFTREE_S3_ACCESS_KEY": _given("S3_USER"),
    }


def password() -> str:
    return _given("S3_PASSWORD")


@contextmanager
def bucket(ca_file: str | None) -> Iterator[Bucket]:
    """Made empty, and gone at the end with all that is in it."""
    name = f"apptest-{secrets.token_hex(6)}"
    certificate = Path(ca_file).read_bytes() if ca_file else None
    _request("PUT", name, ca_file)
    options: Any = {"root_certificate": certificate} if certificate else {}
    store = S3Store(
        name,
        endpoint=_given("S3_URL"),
        region="us-east-1",
        access_key_id=_given("S3_USER"),
        secret_access_key=password(),
        virtual_hosted_style_request=False,
        client_options=options,
    )
    made = Bucket(store, name)
    try:
        yield made
    finally:
        for item in made.names():
            made.remove(item)
        _request("DELETE", name, ca_file)


@pytest.fixture
def made(migrated_database: TestDatabase) -> Iterator[Bucket]:
    with bucket(migrated_database.ca_file) as found:
        yield found


def _request(method: str, path: str, ca_file: str | None) -> None:
    """Buckets themselves are made and removed by a signed request of our own: the client knows objects only."""
    url, now, nothing = _given("S3_URL"), datetime.now(UTC), sha256(b"").hexdigest()
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    signed = {"host": url.partition("://")[2], "x-amz-content-sha256": nothing, "x-amz-date": moment}
    names, scope = ";".join(signed), f"{day}/us-east-1/s3/aws4_request"
    headers = "".join(f"{name}:{value}\n" for name, value in signed.items())
    asked = sha256(f"{method}\n/{path}\n\n{headers}\n{names}\n{nothing}".encode()).hexdigest()
    key = f"AWS4{password()}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{asked}"):
        key = hmac.digest(key, part.encode(), "sha256")
    credential = (
        f"AWS4-HMAC-SHA256 Credential={_given('S3_USER')}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    )
    trusted = ssl.create_default_context(cafile=ca_file)
    answer = httpx2.request(method, f"{url}/{path}", headers=signed | {"Authorization": credential}, verify=trusted)
    assert answer.status_code in (200, 204), answer.text


def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files arrive from now on, and nobody hears of it."""
    put = Objects.put

    async def arrives(self: Objects, name: str, content: bytes, *, media_type: str) -> None:
        await put(self, name, content, media_type=media_type)
        raise StorageUnavailable("It does not answer in time.")

    monkeypatch.setattr(Objects, "put", arrives)


class Silent:
    """A server that takes connections and never says a word."""

    def __enter__(self) -> str:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def _take(self) -> None:
        while True:
            try:
                self._taken.append(self._server.accept()[0])
            except OSError:
                return

    def __exit__(self, *_: object) -> None:
        self._server.close()
        for taken in self._taken:
            taken.close()
