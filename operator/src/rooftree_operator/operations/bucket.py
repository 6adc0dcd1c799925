"""Backups in the object store: of each tenant one bucket, in it a folder for each backup.

The Job's access key is there while the operation runs, and may do below one backup's folder what it must.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import keys, names
from ..adapters.s3 import S3, Standing
from ..adapters.sigv4 import Key
from ..archive import manifest as manifests
from ..drift import Object
from ..names import TenantId
from .places import Entrance, Way
from .progress import Order

STORE_SECRET = "store_secret_key"  # noqa: S105 -- a key's name
BUCKET = "bucket"
WRITES, READS = "PutObject", "GetObject"
PAGE = 1000  # objects that are deleted at once


@dataclass(frozen=True)
class BucketPlace:
    """A `Place`."""

    s3: S3

    def told(self, tenant: TenantId, backup: str) -> Object:
        return {"bucket": names.backups_bucket(tenant), "key": manifests.folder(backup)}

    def holds(self, store: Mapping[str, Any]) -> bool:
        return "bucket" in store

    def secrets(self, way: Way) -> dict[str, str]:
        return {STORE_SECRET: keys.password(), BUCKET: names.backups_bucket(way.source)}

    def entrance(self, way: Way) -> Entrance:
        return Entrance(
            {
                "ROOFTREE_BACKUP_BUCKET": names.backups_bucket(way.source),
                "ROOFTREE_BACKUP_ACCESS_KEY": names.backups_user(way.tenant.id),
            }
        )

    async def open(self, way: Way, secrets: Mapping[str, str]) -> None:
        bucket, tenant = names.backups_bucket(way.source), way.tenant.id
        if await self.s3.bucket(bucket) is None:
            await self.s3.create_bucket(bucket, names.marks(way.source))
        key = Key(names.backups_user(tenant), secrets[STORE_SECRET])
        if await self.s3.standing(key) is not Standing.TENANT:
            await self.s3.put_key(key)
        action = WRITES if way.writes else READS
        await self.s3.set_policy(bucket, policy(tenant, way.source, way.backup, action))

    async def close(self, tenant: TenantId, order: Order, secrets: Mapping[str, str]) -> None:
        """The policy goes with the key: a key of the same name that is made later shall open nothing of it."""
        await self.shut(tenant)
        if BUCKET in secrets:
            await self.s3.delete_policy(secrets[BUCKET])

    async def shut(self, tenant: TenantId) -> None:
        await self.s3.delete_key(names.backups_user(tenant))

    async def manifest(self, tenant: TenantId, backup: str) -> bytes | None:
        return await self.s3.read(names.backups_bucket(tenant), manifests.manifest_name(backup))

    async def sizes(self, tenant: TenantId, backup: str) -> Mapping[str, int]:
        return await self.s3.sizes(names.backups_bucket(tenant), manifests.folder(backup))

    async def remove(self, tenant: TenantId, backup: str) -> None:
        bucket = names.backups_bucket(tenant)
        while page := list(await self.sizes(tenant, backup))[:PAGE]:
            await self.s3.delete_objects(bucket, page)

    async def is_empty(self, tenant: TenantId) -> bool:
        return not await self.s3.sizes(names.backups_bucket(tenant), "")

    async def leave(self, tenant: TenantId) -> None:
        bucket = names.backups_bucket(tenant)
        if await self.s3.bucket(bucket) is not None:
            await self.s3.delete_bucket(bucket)


def policy(tenant: TenantId, source: TenantId, backup: str, action: str) -> Object:
    """Of `source`'s bucket of backups: what the tenant's key of this operation may do, below one backup's folder."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [names.backups_user(tenant)]},
        "Action": [f"s3:{action}"],
        "Resource": [f"arn:aws:s3:::{names.backups_bucket(source)}/{backup}/*"],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
