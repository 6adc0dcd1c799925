"""The object store of a stack, asked as its administrator: requests signed by AWS Signature Version 4."""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from rooftree_local import services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rooftree_local.paths import Stack

TIMEOUT = 30  # seconds


def signed(method: str, url: str, content: bytes, *, user: str, secret: str) -> dict[str, str]:
    """Headers of a request; `url` has its query in order, and everything encoded."""
    parts = urlsplit(url)
    now, digest = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), hashlib.sha256(content).hexdigest()
    headers = {"host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": now}
    names = ";".join(headers)
    listed = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"{method}\n{parts.path}\n{parts.query}\n{listed}\n{names}\n{digest}"
    scope = f"{now[:8]}/{services.S3_REGION}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    value = f"AWS4-HMAC-SHA256 Credential={user}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": value}


def ask(target: Stack, method: str, path: str, query: Mapping[str, str] | None = None) -> bytes:
    """The answer to an administrator's request without a body. Raises `urllib.error.HTTPError`."""
    pairs = sorted((query or {}).items())
    words = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in pairs)
    url = f"{services.S3_URL}{path}" + (f"?{words}" if words else "")
    headers = signed(method, url, b"", user=services.S3_USER, secret=services.s3_secret(target))
    request = urllib.request.Request(url, headers=headers, method=method)  # noqa: S310 - our own address
    context = ssl.create_default_context(cafile=str(target.pki / "ca.crt"))
    with urllib.request.urlopen(request, timeout=TIMEOUT, context=context) as response:  # noqa: S310 - our own address
        return response.read()


def parsed(answer: bytes) -> ElementTree.Element:
    """An answer in XML."""
    return ElementTree.fromstring(answer)  # noqa: S314 - our own server's
