"""What provisioner `storage` does in the object store, and how each of it is told to people."""

from dataclasses import dataclass, field

from . import names
from .drift import Object
from .names import TenantId
from .provisioner import Action


@dataclass(frozen=True)
class PutKey(Action):
    access: str
    secret: str = field(repr=False)
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"Access key {self.access}: missing, or another secret or role"


@dataclass(frozen=True)
class DropKey(Action):
    """Nobody gets in with the former key any more."""

    access: str
    upkeep = True
    drift = False

    def words(self, tenant: TenantId) -> str:
        return f"Access key {self.access}: wanted no more"


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
    """List objects as the tenant; if `thorough`, put one, read it back, delete it, and be refused another bucket."""

    access: str
    secret: str = field(repr=False)
    thorough: bool = True
    proof = True


Step = PutKey | DropKey | CreateBucket | MarkBucket | SetPolicy | Probe
