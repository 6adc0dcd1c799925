"""S3 as the operator needs it: a tenant's bucket with who may use it, its access key, and a look as the tenant.

Buckets are plain S3. Access keys are no part of S3: they are made by the administration that versitygw has (requests
PATCH /create-user and the like, signed in the same way). Another provider needs an adapter of its own with these
methods; the provisioner knows nothing of the difference. No client library knows both.
"""

import asyncio
import base64
import hashlib
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import httpx2

from .. import effects
from ..drift import Object
from ..errors import LoginRefused, Unavailable
from ..gate import Gate
from .sigv4 import Key, Request

CONNECT_TIMEOUT = 3.0  # seconds
TIMEOUT = 15.0  # seconds for one request; a page of a thousand objects takes under one to delete
PING_TIMEOUT = 4.0  # seconds
ROLE = "user"  # the least that versitygw has: no administration, no new buckets
PAGE = 1000  # objects; the most that S3 lists or deletes at once
PROBE_CONTENT = b"rooftree"

# Codes of S3, and two of versitygw's administration.
NO_BUCKET = "NoSuchBucket"
OURS_ALREADY = "BucketAlreadyOwnedByYou"
NOT_LET_IN = ("InvalidAccessKeyId", "SignatureDoesNotMatch")
NO_ADMINISTRATOR = "XAdminAccessDenied"
KEY_EXISTS = "XAdminUserExists"


@dataclass(frozen=True)
class Server:
    """How to reach the object store."""

    url: str
    region: str
    user: str
    password: str = field(repr=False)
    ca_file: str


@dataclass(frozen=True)
class BucketSeen:
    """A bucket as it is now."""

    tags: Mapping[str, str]
    policy: Object | None


class Standing(Enum):
    """What the server makes of an access key with its secret."""

    NONE = "none"  # there is no such key, or its secret is another one
    TENANT = "tenant"
    ADMINISTRATOR = "administrator"


class TooMuch(Exception):
    """A tenant's key may do what no tenant's may."""


class S3:
    """One object store."""

    name = "s3"

    def __init__(self, server: Server, most: int = 8) -> None:
        self.gate = Gate(self.name, most)
        self.server = server
        self._host = urlsplit(server.url).netloc
        self._client = httpx2.AsyncClient(
            base_url=server.url,
            verify=ssl.create_default_context(cafile=server.ca_file),
            timeout=httpx2.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT),
            limits=httpx2.Limits(max_connections=most + 1),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def ping(self) -> None:
        """Asks the server itself, whatever the gate says. Raises `Unavailable` if it does not let us in."""
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                self._done(await self._send(Request("GET", "/", {"max-buckets": "1"})))
        except TimeoutError as error:
            raise self._unreachable(error) from error

    async def standing(self, key: Key) -> Standing:
        """Asks as `key` for what is the administrators': the refusal tells who the server takes it for.

        The administration shows no single key, and all of them only with their secrets.
        """
        answer = await self._look(Request("PATCH", "/list-users"), key)
        if answer.is_success:
            return Standing.ADMINISTRATOR
        if _code(answer) in NOT_LET_IN:
            return Standing.NONE
        if _code(answer) == NO_ADMINISTRATOR:
            return Standing.TENANT
        raise self._refused(answer)

    async def put_key(self, key: Key) -> None:
        """Makes the access key, or sets its secret and takes away whatever else it may."""
        fields = f"<Secret>{escape(key.secret)}</Secret><Role>{ROLE}</Role>"
        account = f"<Account><Access>{escape(key.access)}</Access>{fields}</Account>".encode()
        answer = await self._change("create", "key", Request("PATCH", "/create-user", {}, account))
        if _code(answer) == KEY_EXISTS:
            changed = f"<MutableProps>{fields}</MutableProps>".encode()
            request = Request("PATCH", "/update-user", {"access": key.access}, changed)
            answer = await self._change("update", "key", request)
        self._done(answer)

    async def delete_key(self, access: str) -> None:
        """Nobody gets in with it any more; one that is gone is fine."""
        listed = self._done(await self._look(Request("PATCH", "/list-users")))
        if access in {_text(account, "Access") for account in _items(listed, "Accounts")}:
            self._done(await self._change("delete", "key", Request("PATCH", "/delete-user", {"access": access})))

    async def bucket(self, name: str) -> BucketSeen | None:
        """The bucket, or None."""
        tags, policy = await asyncio.gather(
            self._look(Request("GET", f"/{name}", {"tagging": ""})),
            self._look(Request("GET", f"/{name}", {"policy": ""})),
        )
        if NO_BUCKET in (_code(tags), _code(policy)):
            return None
        tagged = _items(tags, "TagSet/{*}Tag") if self._unless("NoSuchTagSet", tags) else []
        granted = json.loads(policy.content) if self._unless("NoSuchBucketPolicy", policy) else None
        return BucketSeen({_text(tag, "Key"): _text(tag, "Value") for tag in tagged}, granted)

    async def create_bucket(self, name: str, tags: Mapping[str, str]) -> None:
        """Makes the bucket with its tags in one request; one of our own that exists is fine."""
        body = f"<CreateBucketConfiguration><Tags>{_tags(tags)}</Tags></CreateBucketConfiguration>".encode()
        self._unless(OURS_ALREADY, await self._change("create", "bucket", Request("PUT", f"/{name}", {}, body)))

    async def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Sets exactly these tags."""
        body = f"<Tagging><TagSet>{_tags(tags)}</TagSet></Tagging>".encode()
        request = Request("PUT", f"/{name}", {"tagging": ""}, body, _digest(body))
        self._done(await self._change("put", "tags", request))

    async def set_policy(self, name: str, policy: Object) -> None:
        """Sets who may do what with the bucket. Whom it names must exist."""
        body = json.dumps(policy).encode()
        self._done(await self._change("put", "policy", Request("PUT", f"/{name}", {"policy": ""}, body)))

    async def delete_policy(self, name: str) -> None:
        """Nobody but the operator may do anything with the bucket any more; one that is gone is fine."""
        self._unless(NO_BUCKET, await self._change("delete", "policy", Request("DELETE", f"/{name}", {"policy": ""})))

    async def objects(self, name: str) -> list[str]:
        """The keys of the bucket's first page of objects."""
        question = {"list-type": "2", "max-keys": str(PAGE)}
        listed = self._done(await self._look(Request("GET", f"/{name}", question)))
        return [_text(item, "Key") for item in _items(listed, "Contents")]

    async def sizes(self, name: str, prefix: str) -> dict[str, int]:
        """Sizes in bytes of all objects whose keys begin with `prefix`; empty if there is no such bucket."""
        found: dict[str, int] = {}
        after = ""
        while True:
            question = {"list-type": "2", "max-keys": str(PAGE), "prefix": prefix}
            answer = await self._look(Request("GET", f"/{name}", question | ({"start-after": after} if after else {})))
            if not self._unless(NO_BUCKET, answer):
                return {}
            page = {_text(item, "Key"): int(_text(item, "Size")) for item in _items(answer, "Contents")}
            found |= page
            if not page or _text(_parsed(answer), "IsTruncated") != "true":
                return found
            after = max(page)

    async def read(self, name: str, key: str) -> bytes | None:
        """A small object; None if there is none."""
        answer = await self._look(Request("GET", f"/{name}/{key}"))
        if _code(answer) in (NO_BUCKET, "NoSuchKey"):
            return None
        return self._done(answer).content

    async def delete_objects(self, name: str, keys: Sequence[str]) -> None:
        """Deletes a page of objects; those that are gone are fine."""
        listed = "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
        body = f"<Delete><Quiet>true</Quiet>{listed}</Delete>".encode()
        request = Request("POST", f"/{name}", {"delete": ""}, body, _digest(body))
        answer = self._done(await self._change("delete", "object", request))
        if kept := _items(answer, "Error"):
            raise Unavailable("S3Refused", f"{self._where} keeps {len(kept)} objects: {_text(kept[0], 'Code')}")

    async def abort_uploads(self, name: str) -> None:
        """Gives up what is being uploaded in parts."""
        listed = self._done(await self._look(Request("GET", f"/{name}", {"uploads": ""})))
        for upload in _items(listed, "Upload"):
            request = Request("DELETE", f"/{name}/{_text(upload, 'Key')}", {"uploadId": _text(upload, "UploadId")})
            self._unless("NoSuchUpload", await self._change("abort", "upload", request))

    async def delete_bucket(self, name: str) -> None:
        """Deletes the bucket, which must be empty; one that is gone is fine."""
        self._unless(NO_BUCKET, await self._change("delete", "bucket", Request("DELETE", f"/{name}")))

    async def probe(self, key: Key, *, bucket: str, name: str, foreign: str) -> None:
        """As the tenant: puts the object `name`, reads and deletes it, and is refused a bucket called `foreign`.

        Raises `LoginRefused`, `TooMuch`, or `Unavailable` with what was refused.
        """
        path = f"/{bucket}/{name}"
        put = await self._change("put", "probe", Request("PUT", path, {}, PROBE_CONTENT), key)
        if _code(put) in NOT_LET_IN:
            raise LoginRefused(f"{self._where} does not let {key.access} in: {_code(put)}")
        self._done(put)
        found = self._done(await self._look(Request("GET", path), key))
        self._done(await self._change("delete", "probe", Request("DELETE", path), key))
        if found.content != PROBE_CONTENT:
            raise Unavailable("S3Refused", f"{self._where} gives back something else than {key.access} put")
        if self._unless("AccessDenied", await self._change("create", "probe", Request("PUT", f"/{foreign}"), key)):
            await self.delete_bucket(foreign)
            raise TooMuch(f"{self._where} lets {key.access} make buckets")

    async def log_in(self, key: Key, *, bucket: str, name: str) -> None:
        """As the tenant: lists, and changes nothing; an object `name` that a `probe` left goes. Raises as `probe`."""
        question = {"list-type": "2", "max-keys": "1", "prefix": name}
        answer = await self._look(Request("GET", f"/{bucket}", question), key)
        if _code(answer) in NOT_LET_IN:
            raise LoginRefused(f"{self._where} does not let {key.access} in: {_code(answer)}")
        if name in {_text(item, "Key") for item in _items(self._done(answer), "Contents")}:
            self._done(await self._change("delete", "probe", Request("DELETE", f"/{bucket}/{name}"), key))

    async def _look(self, request: Request, key: Key | None = None) -> httpx2.Response:
        async with self.gate.call(request.method):
            return await self._send(request, key)

    async def _change(self, verb: str, kind: str, request: Request, key: Key | None = None) -> httpx2.Response:
        self.gate.check()
        with effects.sending("s3", verb, kind):
            async with self.gate.call(request.method):
                return await self._send(request, key)

    async def _send(self, request: Request, key: Key | None = None) -> httpx2.Response:
        """Sends it as `key`, or as the operator."""
        signer = key or Key(self.server.user, self.server.password)
        headers = request.signed(self._host, signer, self.server.region, datetime.now(UTC))
        try:
            return await self._client.request(request.method, request.target, content=request.content, headers=headers)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def _done(self, answer: httpx2.Response) -> httpx2.Response:
        if not answer.is_success:
            raise self._refused(answer)
        return answer

    def _unless(self, refusal: str, answer: httpx2.Response) -> bool:
        """Whether it was done; False if it was refused for this reason. Raises for any other."""
        if _code(answer) == refusal:
            return False
        self._done(answer)
        return True

    @property
    def _where(self) -> str:
        return f"S3 at {self.server.url}"

    def _refused(self, answer: httpx2.Response) -> Unavailable:
        words = f"{answer.request.method} {answer.request.url.path}: {_code(answer)} ({answer.status_code})"
        return Unavailable("S3Refused", f"{self._where} refuses {words[:300]}")

    def _unreachable(self, error: Exception) -> Unavailable:
        words = str(error) or type(error).__name__
        return Unavailable("S3Unreachable", f"{self._where} does not answer: {words}")


def _code(answer: httpx2.Response) -> str:
    """Why it was refused, in S3's own word; empty if it was not."""
    if answer.is_success:
        return ""
    try:
        return _parsed(answer).findtext("{*}Code", default="")
    except ElementTree.ParseError:
        return answer.reason_phrase


def _parsed(answer: httpx2.Response) -> ElementTree.Element:
    return ElementTree.fromstring(answer.content)  # noqa: S314 -- our own backend's; expat stops bombs since 2.4


def _items(answer: httpx2.Response, name: str) -> list[ElementTree.Element]:
    """Elements with or without a namespace: servers differ in that."""
    return _parsed(answer).findall(f"{{*}}{name}")


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}", default="")


def _digest(body: bytes) -> dict[str, str]:
    """A header that S3 wants for some requests, although the signature says the same."""
    return {"content-md5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()}


def _tags(tags: Mapping[str, str]) -> str:
    pairs = sorted(tags.items())
    return "".join(f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>" for name, value in pairs)
