"""Buckets with their objects and policies, and access keys."""

from __future__ import annotations

import json
import time
import urllib.error
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rooftree_local import s3
from rooftree_local.inventory.model import MARK, Item

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rooftree_local.inventory.model import Tenant
    from rooftree_local.paths import Stack

TRIES = 4


@dataclass(frozen=True)
class Bucket:
    """A bucket; `users` are those whom its policy names."""

    name: str
    mark: str
    users: tuple[str, ...]


def look(target: Stack, tenant: Tenant) -> list[Item]:
    """Everything of the tenant in the object store."""
    listed = s3.parsed(_ask(target, "PATCH", "/list-buckets"))
    names = [found.findtext("{*}Name", default="") for found in listed.iterfind("{*}Buckets")]
    accounts = s3.parsed(_ask(target, "PATCH", "/list-users")).iterfind("{*}Accounts")
    keys = {one.findtext("{*}Access", default=""): one.findtext("{*}Role", default="") for one in accounts}
    found = theirs((_bucket(target, name) for name in names), keys, tenant)
    counted = {item.name: _objects(target, item.name) for item in found if item.kind == "bucket"}
    return [*found, *(Item("s3", "objects", name, str(count)) for name, count in counted.items() if count)]


def theirs(buckets: Iterable[Bucket], keys: dict[str, str], tenant: Tenant) -> list[Item]:
    """What is the tenant's, by its name, its mark or because a policy lets the tenant in; no secret is told."""
    found = [Item("s3", "user", access, f"role {role}") for access, role in keys.items() if tenant.owns(access)]
    for bucket in buckets:
        if is_theirs := tenant.has_id(bucket.mark) or tenant.owns(bucket.name):
            found.append(
                Item("s3", "bucket", bucket.name, f"marked {bucket.mark}" if bucket.mark else "without a mark")
            )
        if bucket.users and (is_theirs or any(map(tenant.owns, bucket.users))):
            found.append(Item("s3", "policy", bucket.name, f"for {', '.join(bucket.users)}"))
    return found


def _bucket(target: Stack, name: str) -> Bucket:
    tags = s3.parsed(_optional(target, name, {"tagging": ""}) or b"<Tagging/>").iterfind("{*}TagSet/{*}Tag")
    mark = next((tag.findtext("{*}Value") for tag in tags if tag.findtext("{*}Key") == MARK), None)
    policy: dict[str, Any] = json.loads(_optional(target, name, {"policy": ""}) or "{}")
    principals = [statement["Principal"] for statement in policy.get("Statement", [])]
    return Bucket(name, mark or "", tuple(sorted({user for one in principals for user in _users(one)})))


def _users(principal: Any) -> list[str]:
    named = principal["AWS"] if isinstance(principal, dict) else principal
    return [named] if isinstance(named, str) else list(named)


def _optional(target: Stack, bucket: str, query: dict[str, str]) -> bytes | None:
    """Nothing where there is no such thing, or the bucket went since it was listed."""
    try:
        return _ask(target, "GET", f"/{bucket}", query)
    except urllib.error.HTTPError as refusal:
        if refusal.code != 404:
            raise
        return None


def _ask(target: Stack, method: str, path: str, query: dict[str, str] | None = None) -> bytes:
    """The store fails (500) over a bucket that goes between two of its own looks: it is asked again."""
    for _ in range(TRIES):
        try:
            return s3.ask(target, method, path, query)
        except urllib.error.HTTPError as refusal:
            if refusal.code != 500:
                raise
        time.sleep(0.2)
    return s3.ask(target, method, path, query)


def _objects(target: Stack, bucket: str) -> int:
    count, token = 0, ""
    while True:
        query = {"list-type": "2", **({"continuation-token": token} if token else {})}
        page = s3.parsed(_optional(target, bucket, query) or b"<ListBucketResult/>")
        count += len(page.findall("{*}Contents"))
        token = page.findtext("{*}NextContinuationToken", default="")
        if not token:
            return count
