"""The tenant's place in S3: a bucket of its own, and an access key that may keep objects there and nothing else."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .. import generations, names, pods, proofs
from ..adapters.kubernetes import SECRET, Kubernetes
from ..adapters.s3 import S3, BucketSeen, Standing, TooMuch
from ..adapters.sigv4 import Key
from ..drift import Object
from ..errors import LoginRefused, Unavailable, Waiting
from ..generations import Logins
from ..names import Slot, TenantId
from ..proofs import Proofs
from ..provisioner import Plan, blocked, done
from ..secret_objects import decoded
from ..storage_actions import CreateBucket, DropKey, MarkBucket, Probe, PutKey, RestoreBucket, SetPolicy, Step
from ..tenant import Tenant

PROBE = "rooftree/probe"
STEP = 10  # pages of 1000 objects that one pass of a deletion takes; then it is said how far it is
# What an app does with its objects. The bucket itself, its policy and its tags are not the tenant's to change.
OBJECT_ACTIONS = ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts")
BUCKET_ACTIONS = ("ListBucket", "ListBucketMultipartUploads")


@dataclass(frozen=True)
class Seen:
    """What is there now. `proven`: the tenant got in with each secret since anything was last changed."""

    logins: Logins
    standing: Mapping[Slot, Standing]  # of keys that get in
    bucket: BucketSeen | None
    proven: bool


class Storage:
    """Bucket `<id>` and access key `<id>.app`, unless this installation has no object storage.

    Access key `<id>.app-b` for each second generation of credentials.
    """

    name = "storage"
    needs = ("credentials",)
    condition = "StorageReady"

    def __init__(self, kube: Kubernetes, s3: S3 | None) -> None:
        self._kube = kube
        self._s3 = s3
        self._proofs = Proofs()
        self._deleted: dict[str, int] = {}  # objects of buckets that are being emptied; for telling people only

    async def observe(self, tenant: Tenant) -> Seen | None:
        """None: there is no object storage."""
        if self._s3 is None:
            return None
        secret = await self._kube.get(SECRET, pods.APP_SECRET, tenant.namespace)
        logins = generations.logins(decoded(secret), "s3_secret_key")
        keys = {slot: Key(names.user(tenant.id, slot), one) for slot, one in logins.passwords.items()}
        bucket, found = await asyncio.gather(
            self._s3.bucket(names.bucket(tenant.id)),
            asyncio.gather(*(self._s3.standing(key) for key in keys.values())),
        )
        standing = dict(zip(keys, found, strict=True))
        return Seen(logins, standing, bucket, self._proofs.hold(tenant.id, logins.passwords.values()))

    def plan(self, tenant: Tenant, seen: Seen | None) -> Plan:
        if seen is None:
            return Plan(done("NotConfigured", "This installation has no object storage."))
        bucket, mark = names.bucket(tenant.id), names.marks(tenant.id)
        owner = seen.bucket and seen.bucket.tags.get(names.LABEL_TENANT)
        if owner and owner != tenant.id.value:
            advice = "a platform admin must look whose it is, and remove it or correct its tag"
            return Plan(blocked("BucketTaken", f"bucket {bucket} bears the mark of {owner}: {advice}"))
        actions: list[Step] = []
        # First, as the policy can only name whom the server knows.
        keys = {names.user(tenant.id, slot): secret for slot, secret in seen.logins.passwords.items()}
        for slot, secret in seen.logins.passwords.items():
            if seen.standing[slot] is not Standing.TENANT:
                actions.append(PutKey(names.user(tenant.id, slot), secret))
        if seen.bucket is None:
            # The status says so even if the declaration has changed meanwhile.
            actions.append(RestoreBucket() if tenant.bucket else CreateBucket())
        elif not owner:
            actions.append(MarkBucket({**seen.bucket.tags, **mark}))
        policy = build_policy(tenant.id, keys)
        if seen.bucket is None or seen.bucket.policy != policy:
            # The policy tells whether the key has gone: asking for the key itself would show everybody's secrets.
            closing = seen.logins.closing
            actions += [DropKey(names.user(tenant.id, closing))] if closing else []
            actions.append(SetPolicy(policy))
        if actions or not seen.proven:
            thorough = proofs.is_thorough(tenant, self.condition, actions)
            actions += [Probe(access, secret, thorough) for access, secret in keys.items()]
        return Plan(
            done("Provisioned", f"Bucket {bucket} is the tenant's own."),
            actions=tuple(actions),
            status={"bucket": bucket},
        )

    async def apply(self, tenant: Tenant, plan: Plan) -> None:
        if self._s3 is None:
            return
        if plan.actions:
            self._proofs.drop(tenant.id)
        for action in plan.actions:
            await self._do(self._s3, tenant, action)

    async def _do(self, s3: S3, tenant: Tenant, action: Step) -> None:
        bucket, mark = names.bucket(tenant.id), names.marks(tenant.id)
        match action:
            case PutKey(access, secret):
                await s3.put_key(Key(access, secret))
            case DropKey(access):
                await s3.delete_key(access)
            case CreateBucket():
                await s3.create_bucket(bucket, mark)
            case MarkBucket(tags):
                await s3.set_tags(bucket, tags)
            case SetPolicy(body):
                await s3.set_policy(bucket, body)
            case Probe(access, secret, thorough):
                await self._prove(s3, tenant.id, Key(access, secret), thorough)

    async def _prove(self, s3: S3, tenant: TenantId, key: Key, thorough: bool) -> None:
        try:
            await self._probe(s3, tenant, key, thorough)
        except TooMuch:
            # Whether a key may make buckets shows nowhere but in the attempt.
            await s3.put_key(key)
            try:
                await self._probe(s3, tenant, key, thorough)
            except TooMuch as finding:
                raise Unavailable("S3Refused", str(finding)) from finding
        self._proofs.add(tenant, key.secret)

    async def _probe(self, s3: S3, tenant: TenantId, key: Key, thorough: bool) -> None:
        bucket, foreign = names.bucket(tenant), names.foreign_bucket(tenant)
        try:
            if thorough:
                await s3.probe(key, bucket=bucket, name=PROBE, foreign=foreign)
            else:
                await s3.log_in(key, bucket=bucket, name=PROBE)
        except LoginRefused as refusal:
            message = f"S3 does not let {key.access} in; its key is looked at again"
            raise Waiting("S3LoginPending", message, retry_in=0.5) from refusal

    async def revoke(self, tenant: TenantId) -> None:
        self._proofs.drop(tenant)
        if self._s3 is not None:
            for slot in Slot:
                await self._s3.delete_key(names.user(tenant, slot))

    async def delete(self, tenant: TenantId) -> None:
        if self._s3 is None:
            return
        bucket = names.bucket(tenant)
        found = await self._s3.bucket(bucket)
        # One without any mark is ours as well: its name has an id that was minted for this tenant only.
        if found is not None and found.tags.get(names.LABEL_TENANT, tenant.value) == tenant.value:
            await self._empty(self._s3, tenant)
            await self._s3.abort_uploads(bucket)
            await self._s3.delete_bucket(bucket)
        self._deleted.pop(tenant.value, None)

    async def _empty(self, s3: S3, tenant: TenantId) -> None:
        """Deletes the objects, page by page. Raises `Waiting` after some, for people to see how it goes on."""
        bucket, last = names.bucket(tenant), list[str]()
        for _ in range(STEP):
            page = await s3.objects(bucket)
            if not page:
                return
            if page == last:
                advice = "a platform admin must delete them in the object store itself"
                raise Unavailable("S3Refused", f"objects of bucket {bucket} stay although they were deleted: {advice}")
            await s3.delete_objects(bucket, page)
            self._deleted[tenant.value] = self._deleted.get(tenant.value, 0) + len(page)
            last = page
        message = f"{self._deleted[tenant.value]} objects of its bucket are deleted so far"
        raise Waiting("DeletingObjects", message, retry_in=0.1)


def build_policy(tenant: TenantId, keys: Iterable[str]) -> Object:
    """Lets the tenant's access keys keep objects in its bucket. Nobody else is named, so nobody else gets in."""
    resource, users = f"arn:aws:s3:::{names.bucket(tenant)}", sorted(keys)

    def allow(actions: tuple[str, ...], resource: str) -> Object:
        listed = [f"s3:{action}" for action in actions]
        return {"Effect": "Allow", "Principal": {"AWS": [*users]}, "Action": listed, "Resource": [resource]}

    statements = [allow(OBJECT_ACTIONS, f"{resource}/*"), allow(BUCKET_ACTIONS, resource)]
    return {"Version": "2012-10-17", "Statement": statements}
