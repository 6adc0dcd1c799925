"""Every external name of a tenant, in one place. Pure.

A tenant id is `<slug>-<8 hex>`, or `pool-<8 hex>` if the tenant was made before its brokerage was there. A slug has no
`--` and no `.`, so `.` is the delimiter wherever an id is a prefix.
Kubernetes caps a name at 63 characters, PostgreSQL at 63 bytes: the longest id has 39.
"""

import hashlib
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from .api.slugs import POOL, RESERVED_SLUGS, SLUG_PATTERN

GROUP = "rooftree.dev"
MANAGER = "rooftree-operator"
ACTIVATOR = "rooftree-activator"  # its pods and their Service, and its field manager
FINALIZER = f"{GROUP}/tenant"
FINALIZER_OPERATION = f"{GROUP}/operation"
FINALIZER_BACKUP = f"{GROUP}/backup"

LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_SERVICE = "kubernetes.io/service-name"  # of an EndpointSlice
LABEL_NAME = "app.kubernetes.io/name"  # of what the app runs as, or the module of it
LABEL_TENANT = f"{GROUP}/tenant"
LABEL_BROKERAGE = f"{GROUP}/brokerage"
LABEL_RELEASE = f"{GROUP}/release"
LABEL_SCHEDULED = f"{GROUP}/scheduled"
LABEL_FINAL = f"{GROUP}/final"
LABEL_OPERATION = f"{GROUP}/operation"
LABEL_SHARD = f"{GROUP}/shard"  # of a Brokerage: which operator's it is
ANNOTATION_APPLIED = f"{GROUP}/applied"
ANNOTATION_SCALING = f"{GROUP}/scaling"  # of a Deployment whose pods the operator counts by load: within which limits

# Of the Secret with what brings a kept tenant back. The label's value is the slug.
LABEL_KEPT = f"{GROUP}/kept"
ANNOTATION_DISPLAY_NAME = f"{GROUP}/display-name"
ANNOTATION_PLAN = f"{GROUP}/plan"
ANNOTATION_VERSION = f"{GROUP}/version"
ANNOTATION_DELETED_AT = f"{GROUP}/deleted-at"
ANNOTATION_PURGE_AFTER = f"{GROUP}/purge-after"
ANNOTATION_PURGE = f"{GROUP}/purge"

TEMPLATE_OWNER = "rooftree_template"
TEMPLATE_MIGRATOR = "rooftree_template_migrator"

# Without anchors and used by fullmatch: in Python `$` also matches before a final line break.
_OF_TENANTS = "tenant-"  # how the namespaces of tenants begin
_SLUG = re.compile(SLUG_PATTERN.strip("^$"))
_ID = re.compile(r"[a-z][a-z0-9-]{1,28}[a-z0-9]-[0-9a-f]{8}")


def is_slug(text: str) -> bool:
    """Whether `text` may be a brokerage's name; the same rules as in the CRD."""
    return bool(_SLUG.fullmatch(text)) and "--" not in text and text not in RESERVED_SLUGS


@dataclass(frozen=True, order=True)
class TenantId:
    """The id that all external names derive from.

    `slug` is the name of its Brokerage, which the id alone does not tell of a tenant from the pool: then it is empty
    until somebody who knows says so. Ids are the same whatever is known of that.
    """

    value: str
    slug: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.value) or "--" in self.value:
            raise ValueError(f"not a tenant id: {self.value!r}")
        if not self.slug and self.value[:-9] != POOL:
            object.__setattr__(self, "slug", self.value[:-9])

    def __str__(self) -> str:
        return self.value

    def of(self, slug: str) -> "TenantId":
        """The same id, of the Brokerage with this name."""
        return replace(self, slug=slug)


class Slot(StrEnum):
    """Which of a tenant's two logins in a backend: generations of credentials take turns (see `generations`)."""

    A = "a"
    B = "b"

    @property
    def other(self) -> "Slot":
        return Slot.B if self is Slot.A else Slot.A


def mint(slug: str, entropy: bytes) -> TenantId:
    """A new id for `slug` from at least four random bytes."""
    return TenantId(f"{slug}-{entropy[:4].hex()}")


def mint_spare(entropy: bytes) -> TenantId:
    """A new id for a tenant that has no Brokerage yet, from at least four random bytes."""
    return mint(POOL, entropy)


def namespace(tenant: TenantId) -> str:
    return f"{_OF_TENANTS}{tenant}"


def of_namespace(namespace: str) -> str:
    """The id of the tenant whose namespace this is."""
    return namespace.removeprefix(_OF_TENANTS)


def database(tenant: TenantId) -> str:
    return tenant.value


def owner_role(tenant: TenantId) -> str:
    return f"{tenant}.owner"


def migrator_role(tenant: TenantId, slot: Slot = Slot.A) -> str:
    """As whom migrations log in."""
    return f"{tenant}.migrator" if slot is Slot.A else f"{tenant}.migrator-{slot}"


def app_role(tenant: TenantId) -> str:
    """The role that has the app's rights, in PostgreSQL and in Elasticsearch; logins of both slots have them by it."""
    return f"{tenant}.app"


def user(tenant: TenantId, slot: Slot = Slot.A) -> str:
    """As whom the tenant's app logs in, in every backend. In PostgreSQL that of the first slot is the role itself."""
    return app_role(tenant) if slot is Slot.A else f"{tenant}.app-{slot}"


def prefix(tenant: TenantId) -> str:
    """What the names of all topics, groups, transactional ids, indices, keys and channels of a tenant begin with."""
    return f"{tenant}."


def topic(tenant: TenantId, name: str) -> str:
    return f"{tenant}.{name}"


def group(tenant: TenantId, consumer: str) -> str:
    """A consumer group in Kafka."""
    return f"{tenant}.{consumer}"


def index_template(tenant: TenantId) -> str:
    """The Elasticsearch template that sets the shards of everything that `index_pattern` matches."""
    return tenant.value


def index_pattern(tenant: TenantId) -> str:
    return f"{tenant}.*"


def index_alias(tenant: TenantId, name: str) -> str:
    """What the app searches; the index behind it has a number after it."""
    return f"{tenant}.{name}"


def key(tenant: TenantId, name: str) -> str:
    """A key or a channel in Redis."""
    return f"{tenant}.{name}"


def bucket(tenant: TenantId) -> str:
    """The tenant's bucket in S3; a name there has at most 63 characters."""
    return tenant.value


def foreign_bucket(tenant: TenantId) -> str:
    """A bucket that no tenant has: an id ends in hexadecimal digits. The tenant is refused it when it is probed."""
    return f"{tenant}-foreign"


def backups_bucket(tenant: TenantId) -> str:
    """Where the tenant's backups lie. It is the platform's: no key of the tenant's opens it."""
    return f"{tenant}-backups"


def backups_user(tenant: TenantId) -> str:
    """The access key that there is while an operation writes or reads a backup."""
    return f"{tenant}.backup"


def restored_database(tenant: TenantId, operation_uid: str) -> str:
    """What an operation loads a backup into."""
    return f"{tenant}.r-{_short(operation_uid)}"


def replaced_database(tenant: TenantId, operation_uid: str) -> str:
    """What was there before an operation put another database in its place."""
    return f"{tenant}.b-{_short(operation_uid)}"


def final_backup(slug: str, brokerage_uid: str) -> str:
    """The last backup of a brokerage that is deleted, and the operation that writes it."""
    return f"{slug}-final-{_short(brokerage_uid)}"


def operation_job(operation_uid: str) -> str:
    """The Job of an operation in the tenant's namespace."""
    return f"operation-{_short(operation_uid)}"


def operation_volume(operation_uid: str) -> str:
    """The PersistentVolume of an operation: what its Job sees of the volume of backups."""
    return f"rooftree-operation-{_short(operation_uid)}"


def template_database(version: str) -> str:
    """The database that new tenants of this version are cloned from; a version has at most 54 characters here."""
    return f"template-{version}"


def template_job(version: str) -> str:
    """The Job in the operator's namespace that migrates the template; hashed, as a version may be no object's name."""
    return f"template-{_short(version)}"


def migration_job(version: str, retry: str = "") -> str:
    """The Job in a tenant's namespace that brings its database to this version; another one at each retry."""
    return f"migrate-{_short(f'{version}@{retry}' if retry else version)}"


def _short(version: str) -> str:
    return hashlib.sha256(version.encode()).hexdigest()[:10]


def kept_secret(tenant: TenantId) -> str:
    """The Secret in the operator's namespace with what brings a deleted but kept tenant back."""
    return f"kept-{tenant}"


def release_config(version: str) -> str:
    return f"release-{version}"


def host(slug: str, domain: str) -> str:
    return f"{slug}.{domain}"


def labels(tenant: TenantId) -> dict[str, str]:
    """The ownership labels that every Kubernetes object of a tenant carries; a spare has no Brokerage to name."""
    brokerage = {LABEL_BROKERAGE: tenant.slug} if tenant.slug else {}
    return {LABEL_MANAGED_BY: MANAGER, LABEL_TENANT: tenant.value, **brokerage}


def marks(tenant: TenantId) -> dict[str, str]:
    """The ownership mark where a system keeps metadata: Elasticsearch's roles, users and templates, S3's buckets."""
    return {LABEL_TENANT: tenant.value}


def mark(tenant: TenantId) -> str:
    """The ownership mark in COMMENT ON DATABASE and COMMENT ON ROLE."""
    return f"{GROUP}/tenant={tenant}"
