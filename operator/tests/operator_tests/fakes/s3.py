"""An object store that keeps access keys, buckets and objects, and grants what role and policy say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rooftree_operator.adapters.s3 import S3, BucketSeen, Standing, TooMuch
from rooftree_operator.adapters.sigv4 import Key
from rooftree_operator.drift import Object
from rooftree_operator.errors import LoginRefused, Unavailable
from rooftree_operator.gate import Gate

from .faults import Faults

PAGE = 1000


@dataclass
class Account:
    secret: str = field(repr=False)
    role: str = "user"


@dataclass
class Bucket:
    tags: dict[str, str]
    policy: Object | None = None
    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    uploads: set[str] = field(default_factory=set[str])


class FakeS3(S3):
    """One object store. `down` makes it unreachable. `writes` lists every request that changes something.

    `logins` lists those who got in and changed nothing.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.gate = Gate()
        self.accounts: dict[str, Account] = {}
        self.buckets: dict[str, Bucket] = {}
        self.stubborn: set[str] = set()  # objects that stay although they are deleted
        self.writes: list[str] = []
        self.logins: list[str] = []
        self.faults = faults or Faults()
        self.down = False

    def _read(self) -> None:
        self.gate.check()
        if self.down:
            raise Unavailable("S3Unreachable", "S3 does not answer")
        self.faults.before()

    def _write(self, what: str) -> None:
        self._read()
        self.writes.append(what)

    async def ping(self) -> None:
        if self.down:
            raise Unavailable("S3Unreachable", "S3 does not answer")

    async def standing(self, key: Key) -> Standing:
        self._read()
        account = self.accounts.get(key.access)
        if account is None or account.secret != key.secret:
            return Standing.NONE
        return Standing.ADMINISTRATOR if account.role == "admin" else Standing.TENANT

    async def put_key(self, key: Key) -> None:
        self._write(f"key {key.access}")
        self.accounts[key.access] = Account(key.secret)
        self.faults.done()

    async def delete_key(self, access: str) -> None:
        self._read()
        if access in self.accounts:
            self.writes.append(f"delete key {access}")
            del self.accounts[access]
            self.faults.done()

    async def bucket(self, name: str) -> BucketSeen | None:
        self._read()
        found = self.buckets.get(name)
        return BucketSeen(dict(found.tags), found.policy) if found else None

    async def create_bucket(self, name: str, tags: Mapping[str, str]) -> None:
        self._write(f"create bucket {name}")
        self.buckets.setdefault(name, Bucket(dict(tags)))
        self.faults.done()

    async def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        self._write(f"tags {name}")
        self.buckets[name].tags = dict(tags)
        self.faults.done()

    async def set_policy(self, name: str, policy: Object) -> None:
        self._write(f"policy {name}")
        assert all(user in self.accounts for user in _principals(policy)), "a policy with a stranger is refused"
        self.buckets[name].policy = policy
        self.faults.done()

    async def delete_policy(self, name: str) -> None:
        self._write(f"delete policy {name}")
        if name in self.buckets:
            self.buckets[name].policy = None
        self.faults.done()

    async def objects(self, name: str) -> list[str]:
        self._read()
        return sorted(self.buckets[name].objects)[:PAGE]

    async def sizes(self, name: str, prefix: str) -> dict[str, int]:
        self._read()
        found = self.buckets[name].objects if name in self.buckets else {}
        return {key: len(content) for key, content in sorted(found.items()) if key.startswith(prefix)}

    async def read(self, name: str, key: str) -> bytes | None:
        self._read()
        return self.buckets[name].objects.get(key) if name in self.buckets else None

    async def delete_objects(self, name: str, keys: Sequence[str]) -> None:
        self._write(f"delete {len(keys)} objects of {name}")
        for key in set(keys) - self.stubborn:
            self.buckets[name].objects.pop(key, None)
        self.faults.done()

    async def abort_uploads(self, name: str) -> None:
        self._read()
        self.buckets[name].uploads.clear()

    async def delete_bucket(self, name: str) -> None:
        self._write(f"delete bucket {name}")
        found = self.buckets.get(name)
        if found and (found.objects or found.uploads):
            raise Unavailable("S3Refused", "BucketNotEmpty")
        self.buckets.pop(name, None)
        self.faults.done()

    def lets_in(self, access: str, secret: str) -> bool:
        """Whether the server knows the key with this secret."""
        account = self.accounts.get(access)
        return account is not None and account.secret == secret

    async def probe(self, key: Key, *, bucket: str, name: str, foreign: str) -> None:
        self._write(f"probe {bucket}/{name}")
        if not self.lets_in(key.access, key.secret):
            raise LoginRefused
        account = self.accounts[key.access]
        if account.role != "admin" and not self.may(key.access, "PutObject", bucket, name):
            raise Unavailable("S3Refused", f"{key.access} may not use {bucket}")
        assert foreign not in self.buckets
        if account.role != "user":
            raise TooMuch(f"{key.access} may make buckets")
        self.faults.done()

    async def log_in(self, key: Key, *, bucket: str, name: str) -> None:
        self._read()
        if not self.lets_in(key.access, key.secret):
            raise LoginRefused
        if not self.may(key.access, "ListBucket", bucket):
            raise Unavailable("S3Refused", f"{key.access} may not list {bucket}")
        if name in self.buckets[bucket].objects:
            self.writes.append(f"delete {bucket}/{name}")
            del self.buckets[bucket].objects[name]
        self.logins.append(key.access)

    def may(self, access: str, action: str, bucket: str, name: str | None = None) -> bool:
        """What the bucket's policy says; without a name, of the bucket itself."""
        policy = self.buckets[bucket].policy if bucket in self.buckets else None
        for statement in (policy or {}).get("Statement", []):
            about = f"arn:aws:s3:::{bucket}" + ("" if name is None else f"/{name}")
            covers = any(
                about == one or (one[-1] == "*" and about.startswith(one[:-1])) for one in statement["Resource"]
            )
            if covers and f"s3:{action}" in statement["Action"] and access in statement["Principal"]["AWS"]:
                return True
        return False


def _principals(policy: Object) -> list[str]:
    statements: list[dict[str, Any]] = policy["Statement"]
    return [user for statement in statements for user in statement["Principal"]["AWS"]]
