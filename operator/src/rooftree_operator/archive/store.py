"""The object store as a Job uses it: whole objects, one after the other, with a key that can do just that."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx2

from ..adapters.sigv4 import Key, Request

TIMEOUT = 60.0  # seconds for one request
TRIES = 5
PAUSE = 1.0  # seconds before the second try, doubled each time
PAGE = 1000


class StoreError(Exception):
    """The store refuses, or does not answer after all tries."""


@dataclass(frozen=True)
class Stored:
    """An object in a listing."""

    size: int
    etag: str  # the MD5 of one that was put in one piece


@dataclass(frozen=True)
class Fetched:
    """An object with its type."""

    content: bytes = field(repr=False)
    media_type: str


class Store:
    """One bucket, as one access key."""

    def __init__(self, url: str, region: str, bucket: str, key: Key, ca_file: str) -> None:
        self._region, self._bucket, self._key = region, bucket, key
        self._host = urlsplit(url).netloc
        context = ssl.create_default_context(cafile=ca_file)
        self._client = httpx2.Client(base_url=url, verify=context, timeout=TIMEOUT, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def begin(self) -> None:
        """What earlier tries have left stays: with this key nothing can be deleted, and each has names of its own."""

    def put(self, name: str, content: bytes, media_type: str = "application/octet-stream") -> None:
        """Raises `StoreError`, as all of these do."""
        self._done(self._ask("PUT", name, content=content, headers={"content-type": media_type}))

    def get(self, name: str) -> Fetched:
        """An object. One that is not there is a `StoreError`, too."""
        found = self.find(name)
        if found is None:
            raise StoreError(f"{self._bucket} has no object {name}")
        return found

    def find(self, name: str) -> Fetched | None:
        """An object, or None."""
        answer = self._ask("GET", name)
        if answer.status_code == 404:
            return None
        return Fetched(self._done(answer).content, answer.headers.get("content-type", "application/octet-stream"))

    def listing(self) -> dict[str, Stored]:
        """All objects of the bucket."""
        found: dict[str, Stored] = {}
        after = ""
        while True:
            query = {"list-type": "2", "max-keys": str(PAGE), **({"start-after": after} if after else {})}
            root = ElementTree.fromstring(self._done(self._ask("GET", "", query=query)).content)  # noqa: S314 -- ours
            page = {
                item.findtext("{*}Key", ""): Stored(
                    int(item.findtext("{*}Size", "0")), item.findtext("{*}ETag", "").strip('"')
                )
                for item in root.findall("{*}Contents")
            }
            found |= page
            if root.findtext("{*}IsTruncated") != "true" or not page:
                return found
            after = max(page)

    def _ask(
        self,
        method: str,
        name: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """What is away for a moment is asked again."""
        path = f"/{self._bucket}/{name}" if name else f"/{self._bucket}"
        request = Request(method, path, query or {}, content, headers or {})
        problem = StoreError("the object store was never asked")
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE * 2 ** (attempt - 1))
            signed = request.signed(self._host, self._key, self._region, datetime.now(UTC))
            try:
                answer = self._client.request(method, request.target, content=content, headers=signed)
            except httpx2.TransportError as error:
                problem = StoreError(f"the object store does not answer: {error or type(error).__name__}")
            else:
                if answer.status_code < 500:
                    return answer
                problem = self._refused(answer)
        raise problem

    def _done(self, answer: httpx2.Response) -> httpx2.Response:
        if not answer.is_success:
            raise self._refused(answer)
        return answer

    def _refused(self, answer: httpx2.Response) -> StoreError:
        path = answer.request.url.path
        return StoreError(f"the object store refuses {answer.request.method} {path} ({answer.status_code})")
