"""Object storage: the tenant's own bucket over S3, for files that are too large for the database.

The client (obstore) loads with the first call. Every call ends within `SECONDS`; what is away, slow or refuses is
`StorageUnavailable`, and nothing else of the app depends on it. Callers hold no transaction while they wait.
"""

import asyncio
from collections.abc import Awaitable, Collection
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind
from pydantic import model_validator

from rooftree.kernel.errors import Unavailable
from rooftree.kernel.settings import Secrets, SettingsError, SettingsSection
from rooftree.kernel.telemetry import span

if TYPE_CHECKING:
    from obstore.store import S3Store

T = TypeVar("T")
# Of one call: callers promise an answer within 5 s when storage is away.
SECONDS = 4.0
_CONNECT = timedelta(seconds=2)
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class StorageUnavailable(Unavailable):
    code: ClassVar[str] = "storage-unavailable"
    title: ClassVar[str] = "The storage of files cannot be used now"


class ObjectNotFound(Exception):
    """The bucket has no object of this name."""


class S3Settings(SettingsSection):
    """Without an endpoint there is no storage. The secret file is `s3_secret_key`."""

    s3_endpoint: str | None = None
    s3_region: str = "us-east-1"
    s3_bucket: str = ""
    s3_access_key: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.s3_endpoint is None:
            return self
        parts = urlsplit(self.s3_endpoint)
        if not parts.hostname or (parts.scheme != "https" and parts.hostname not in _LOOPBACK):
            raise ValueError("ROOFTREE_S3_ENDPOINT must be an https URL unless it is on this machine")
        if not self.s3_bucket or not self.s3_access_key:
            raise ValueError("ROOFTREE_S3_ENDPOINT needs ROOFTREE_S3_BUCKET and ROOFTREE_S3_ACCESS_KEY")
        return self


class Objects:
    """Names are paths without a leading slash. Whole objects only: what is stored here is a few MiB at most."""

    def __init__(self, settings: S3Settings, secrets: Secrets, *, ca_file: Path | None) -> None:
        self._settings = settings
        self._secrets = secrets
        self._ca_file = ca_file
        self._store: S3Store | None = None

    def require(self) -> str:
        """Where storage is. Raises StorageUnavailable where there is none at all."""
        if self._settings.s3_endpoint is None:
            raise StorageUnavailable("This brokerage has no storage for files.")
        return self._settings.s3_endpoint

    async def put(self, name: str, content: bytes, *, media_type: str) -> None:
        """Store or replace an object."""
        import obstore

        attributes: Any = {"Content-Type": media_type}
        # In one request: parts of an upload that is cut off would stay.
        call = obstore.put_async(self._opened(), name, content, attributes=attributes, use_multipart=False)
        await self._within("PUT object", call)

    async def get(self, name: str) -> bytes:
        """Raises ObjectNotFound."""
        import obstore

        async def read() -> bytes:
            found = await obstore.get_async(self._opened(), name)
            return bytes(await found.bytes_async())

        try:
            return await self._within("GET object", read())
        except FileNotFoundError:
            raise ObjectNotFound(name) from None

    async def delete(self, names: Collection[str]) -> None:
        """Objects that are gone already are no error."""
        import obstore

        for name in names:
            try:
                await self._within("DELETE object", obstore.delete_async(self._opened(), name))
            except FileNotFoundError:
                continue

    async def _within(self, what: str, call: Awaitable[T]) -> T:
        """Raises StorageUnavailable, whose cause never reaches a log: it can hold addresses and keys."""
        from obstore.exceptions import BaseError

        with span(what, SpanKind.CLIENT):
            try:
                async with asyncio.timeout(SECONDS):
                    return await call
            except TimeoutError:
                raise StorageUnavailable("It does not answer in time.") from None
            except FileNotFoundError:
                raise
            except (BaseError, OSError) as error:
                raise StorageUnavailable(f"It failed: {type(error).__name__}.") from None

    def _opened(self) -> "S3Store":
        """Raises StorageUnavailable without an endpoint or its secret."""
        if self._store is None:
            self._store = self._open()
        return self._store

    def _open(self) -> "S3Store":
        from obstore.store import S3Store

        endpoint = self.require()
        settings, ca_file = self._settings, self._ca_file
        try:
            secret = self._secrets.read("s3_secret_key").get_secret_value()
            options: Any = {"root_certificate": ca_file.read_bytes()} if ca_file else {}
        except (SettingsError, OSError):
            raise StorageUnavailable("This brokerage's storage is not set up.") from None
        client: Any = {"connect_timeout": _CONNECT, "timeout": timedelta(seconds=SECONDS), "allow_http": True}
        retry: Any = {"max_retries": 1, "retry_timeout": timedelta(seconds=SECONDS)}
        return S3Store(
            settings.s3_bucket,
            endpoint=endpoint,
            region=settings.s3_region,
            access_key_id=settings.s3_access_key,
            secret_access_key=secret,
            virtual_hosted_style_request=False,
            client_options=client | options,
            retry_config=retry,
        )
