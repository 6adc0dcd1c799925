"""The tenant's place in S3: a bucket of its own, and an access key that may keep objects there and nothing else."""

import asyncio
from dataclasses import dataclass, field

from .. import names, pods
from ..adapters.kubernetes import Kubernetes
from ..adapters.s3 import S3, BucketSeen, Standing, TooMuch
from ..adapters.sigv4 import Key
from ..drift import Object
from ..errors import LoginRefused, Unavailable, Waiting
from ..names import TenantId
from ..proofs import Proofs
from ..provisioner import Action, Plan, blocked, done
from ..tenant import Tenant

PROBE = "rooftree/probe"
STEP = 10  # pages of 1000 objects that one pass of a deletion takes; then it is said how far it is
# What an app does with its objects. The bucket itself, its policy and its tags are not the tenant's to change.
OBJECT_ACTIONS = ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts")
BUCKET_ACTIONS = ("ListBucket", "ListBucketMultipartUploads")


@dataclass(frozen=True)
class Seen:
    """What is there now. `proven`: the tenant got in with this secret since anything was last changed."""

    secret: str = field(repr=False)
    standing: Standing
    bucket: BucketSeen | None
    proven: bool


@dataclass(frozen=True)
class PutKey(Action):
    secret: str = field(repr=False)
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Access key {names.user(tenant)}: missing, or another secret or role"


@dataclass(frozen=True)
class CreateBucket(Action):
    """Make the bucket, with the ownership mark on it."""

    def words(self, tenant: TenantId) -> str:
        return f"Bucket {names.bucket(tenant)}: missing with its objects, made again without them"


@dataclass(frozen=True)
class RestoreBucket(CreateBucket):
    """Make it again: there was one."""

    loss = True


@dataclass(frozen=True)
class MarkBucket(Action):
    """Put the ownership mark back, among the tags that others have put there."""

    tags: dict[str, str]
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Bucket {names.bucket(tenant)}: its mark"


@dataclass(frozen=True)
class SetPolicy(Action):
    body: Object
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Bucket {names.bucket(tenant)}: its policy"


@dataclass(frozen=True)
class Probe(Action):
    """As the tenant: put an object, read it back, delete it, and be refused another bucket."""

    secret: str = field(repr=False)
    proof = True


Step = PutKey | CreateBucket | MarkBucket | SetPolicy | Probe


class Storage:
    """Bucket `<id>` and access key `<id>.app`, unless this installation has no object storage."""

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
        secret = await self._kube.secret_value(pods.APP_SECRET, tenant.namespace, "s3_secret_key")
        standing, bucket = await asyncio.gather(
            self._s3.standing(_key(tenant.id, secret)), self._s3.bucket(names.bucket(tenant.id))
        )
        return Seen(secret, standing, bucket, self._proofs.hold(tenant.id, secret))

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
        if seen.standing is not Standing.TENANT:
            actions.append(PutKey(seen.secret))
        if seen.bucket is None:
            # The status says so even if the declaration has changed meanwhile.
            actions.append(RestoreBucket() if tenant.bucket else CreateBucket())
        elif not owner:
            actions.append(MarkBucket({**seen.bucket.tags, **mark}))
        policy = build_policy(tenant.id)
        if seen.bucket is None or seen.bucket.policy != policy:
            actions.append(SetPolicy(policy))
        if actions or not seen.proven:
            actions.append(Probe(seen.secret))
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
            case PutKey(secret):
                await s3.put_key(_key(tenant.id, secret))
            case CreateBucket():
                await s3.create_bucket(bucket, mark)
            case MarkBucket(tags):
                await s3.set_tags(bucket, tags)
            case SetPolicy(body):
                await s3.set_policy(bucket, body)
            case Probe(secret):
                await self._prove(s3, tenant.id, secret)

    async def _prove(self, s3: S3, tenant: TenantId, secret: str) -> None:
        try:
            await self._probe(s3, tenant, secret)
        except TooMuch:
            # Whether a key may make buckets shows nowhere but in the attempt.
            await s3.put_key(_key(tenant, secret))
            try:
                await self._probe(s3, tenant, secret)
            except TooMuch as finding:
                raise Unavailable("S3Refused", str(finding)) from finding
        self._proofs.add(tenant, secret)

    async def _probe(self, s3: S3, tenant: TenantId, secret: str) -> None:
        bucket, foreign = names.bucket(tenant), names.foreign_bucket(tenant)
        try:
            await s3.probe(_key(tenant, secret), bucket=bucket, name=PROBE, foreign=foreign)
        except LoginRefused as refusal:
            message = f"S3 does not let {names.user(tenant)} in; its key is looked at again"
            raise Waiting("S3LoginPending", message, retry_in=0.5) from refusal

    async def revoke(self, tenant: TenantId) -> None:
        self._proofs.drop(tenant)
        if self._s3 is not None:
            await self._s3.delete_key(names.user(tenant))

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


def _key(tenant: TenantId, secret: str) -> Key:
    return Key(names.user(tenant), secret)


def build_policy(tenant: TenantId) -> Object:
    """Lets the tenant's key keep objects in its bucket. Nobody else is named, so nobody else gets in."""
    resource = f"arn:aws:s3:::{names.bucket(tenant)}"

    def allow(actions: tuple[str, ...], resource: str) -> Object:
        listed = [f"s3:{action}" for action in actions]
        principal = {"AWS": [names.user(tenant)]}
        return {"Effect": "Allow", "Principal": principal, "Action": listed, "Resource": [resource]}

    statements = [allow(OBJECT_ACTIONS, f"{resource}/*"), allow(BUCKET_ACTIONS, resource)]
    return {"Version": "2012-10-17", "Statement": statements}
