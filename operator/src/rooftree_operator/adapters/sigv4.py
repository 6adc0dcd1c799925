"""AWS Signature Version 4 as S3 wants it: one hash of the whole request, by which a server knows its sender. Pure.

Source: the AWS documentation, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "-_.~"  # beside letters and digits


@dataclass(frozen=True)
class Key:
    """An access key and its secret."""

    access: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Request:
    """A request in the one form that is signed and sent. `path` is not encoded yet; names of headers are lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def target(self) -> str:
        """Path and query as they are sent."""
        return f"{self._path}?{self._query}" if self.query else self._path

    @property
    def _path(self) -> str:
        return quote(self.path, safe=f"/{UNRESERVED}")

    @property
    def _query(self) -> str:
        pairs = sorted((quote(name, UNRESERVED), quote(value, UNRESERVED)) for name, value in self.query.items())
        return "&".join(f"{name}={value}" for name, value in pairs)

    def signed(self, host: str, key: Key, region: str, now: datetime) -> dict[str, str]:
        """All headers, with the signature; `now` is in UTC, and the server takes it for some minutes."""
        time, digest = f"{now:%Y%m%dT%H%M%SZ}", hashlib.sha256(self.content).hexdigest()
        sent = {**self.headers, "host": host, "x-amz-content-sha256": digest, "x-amz-date": time}
        lines = [f"{name}:{sent[name].strip()}" for name in sorted(sent)]
        names = ";".join(sorted(sent))
        canonical = "\n".join((self.method, self._path, self._query, *lines, "", names, digest))
        scope = (time[:8], region, "s3", "aws4_request")
        text = "\n".join((ALGORITHM, time, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()))
        secret = f"AWS4{key.secret}".encode()
        for word in scope:
            secret = hmac.digest(secret, word.encode(), "sha256")
        signature = hmac.digest(secret, text.encode(), "sha256").hex()
        credential = f"Credential={key.access}/{'/'.join(scope)}"
        return {**sent, "authorization": f"{ALGORITHM} {credential},SignedHeaders={names},Signature={signature}"}
