"""Kind Brokerage: one tenant. Everything that the operator makes for it is declared here and nowhere else."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from .backups import BackupPolicy, BackupsSeen, Source, SourceSeen
from .common import DNS_LABEL, ApiModel, Column, Condition, Rule, keyed_by, rules
from .mirror import CurrentOperation
from .rotation import Rotation, RotationStatus
from .scaling import Scaling, SleepMode, SleepSeen
from .slugs import POOL, RESERVED_SLUGS, SLUG_PATTERN

_HTTP_URL = Rule(
    rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != ''",
    message="must be an absolute http or https URL",
)

NAME_RULES = (
    Rule(
        rule=f"self.metadata.name.matches('{SLUG_PATTERN}')",
        message=f"metadata.name is the brokerage's slug and must match {SLUG_PATTERN} (3 to 30 characters)",
    ),
    Rule(rule="!self.metadata.name.contains('--')", message="metadata.name must not contain two hyphens in a row"),
    Rule(
        rule=f"!(self.metadata.name in {list(RESERVED_SLUGS)!r})",
        message=f"metadata.name is a reserved word; reserved are: {', '.join(RESERVED_SLUGS)}",
    ),
    Rule(
        # The field's own pattern sees to the rest; a regular expression made at run time would cost too much.
        rule="!has(self.spec.tenantID) || (self.spec.tenantID.startsWith(self.metadata.name + '-') "
        "&& size(self.spec.tenantID) == size(self.metadata.name) + 9) "
        f"|| (self.spec.tenantID.startsWith('{POOL}-') && size(self.spec.tenantID) == {len(POOL) + 9})",
        message="spec.tenantID must be metadata.name, a hyphen and 8 hexadecimal digits, or the id of one from the "
        f"pool ({POOL}-<8 hexadecimal digits>)",
    ),
)


class Owner(ApiModel):
    """The person who gets the first, one-time sign-in link."""

    email: str = Field(
        description="Mail address of the owner's account. Changing it later does not change the account.",
        max_length=254,
        pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    )
    name: str | None = Field(default=None, description="Full name, shown in the web app.", min_length=1, max_length=120)


class SecretReference(ApiModel):
    """Names a Secret in the operator's namespace."""

    name: str = Field(
        description="Name of a Secret in the operator's namespace that carries the label "
        "`rooftree.dev/brokerage: <slug>` and the keys `client_id` and `client_secret`.",
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
    )


class MlsFeed(ApiModel):
    """A RESO Web API that listings are imported from."""

    name: str = Field(
        description="Name of the feed, unique in this brokerage.", min_length=1, max_length=40, pattern=DNS_LABEL
    )
    url: str = Field(
        description="Root of the RESO Web API, http or https.", max_length=2048, json_schema_extra=rules(_HTTP_URL)
    )
    token_url: str = Field(
        alias="tokenURL",
        description="OAuth 2.0 token endpoint (client credentials), http or https.",
        max_length=2048,
        json_schema_extra=rules(_HTTP_URL),
    )
    credentials_secret_ref: SecretReference = Field(description="The Secret that holds the feed's client credentials.")


class Topology(StrEnum):
    """Where the modules of the tenant app run."""

    MONOLITH = "monolith"
    MICROSERVICES = "microservices"


class Pause(StrEnum):
    """How much of the operator's work rests."""

    CHANGES = "Changes"
    EVERYTHING = "Everything"


class ManagementPolicy(StrEnum):
    """Whether the operator makes a brokerage what it declares, or only looks at it."""

    MANAGE = "Manage"
    OBSERVE = "Observe"


class SuspensionReason(StrEnum):
    """Why a brokerage is suspended."""

    BILLING = "billing"
    IDLE = "idle"
    MANUAL = "manual"


class Suspend(ApiModel):
    """That the brokerage is suspended: its pods are stopped, its data stays."""

    reason: SuspensionReason = Field(
        description="Why: `billing`, `idle` or `manual`. Decides what visitors read and the status that they get, "
        "402 (billing) or 503."
    )
    message: str | None = Field(
        default=None, description="Shown to visitors beside it, as plain text.", min_length=1, max_length=300
    )


class DeletionPolicy(StrEnum):
    """What becomes of the data when the Brokerage is deleted."""

    RETAIN = "Retain"
    SNAPSHOT = "Snapshot"
    DELETE = "Delete"


class BrokerageSpec(ApiModel):
    """What the brokerage shall be."""

    display_name: str = Field(description="Name shown to people.", min_length=1, max_length=120)
    owner: Owner = Field(description="The brokerage's owner.")
    plan: str = Field(
        default="starter",
        description="Name of the BrokeragePlan: limits, sizes and price.",
        min_length=1,
        max_length=63,
        pattern=DNS_LABEL,
    )
    version: str | None = Field(
        default=None,
        description="Version of the tenant app. Without it the brokerage follows its plan's channel.",
        min_length=1,
        max_length=63,
        pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
    )
    topology: Topology = Field(
        default=Topology.MONOLITH,
        description="Where the app's modules run: `monolith`, all in each pod; `microservices`, a Deployment each. "
        "Can be changed at any time; the plan's quota and connections must suffice.",
    )
    autoscaling: Scaling = Field(default=Scaling(), description="How the number of pods is found.")
    suspend: Suspend | None = Field(
        default=None,
        description="Suspends the brokerage: no pod of the app runs, its address shows a page that says so, and data, "
        "logins and everything else stay. Removing it resumes the brokerage.",
    )
    sleep: SleepMode = Field(
        default=SleepMode.WHEN_IDLE,
        description="Whether its pods may go while nobody uses it, where the plan's `sleep` is enabled: the first "
        "request then waits for a start. `whenIdle` or `never`.",
    )
    time_zone: str = Field(
        default="America/Chicago",
        description="IANA time zone of the office.",
        max_length=64,
        pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$",
    )
    currency: str = Field(default="USD", description="ISO 4217 code of all money.", pattern=r"^[A-Z]{3}$")
    tenant_id: str | None = Field(
        default=None,
        alias="tenantID",
        description="Claims the tenant id of a deleted but kept or moved brokerage. Cannot be changed.",
        max_length=39,
        pattern=r"^[a-z][a-z0-9-]{1,28}[a-z0-9]-[0-9a-f]{8}$",
    )
    source: Source | None = Field(
        default=None,
        description="The brokerage begins with what a backup holds, of this or another brokerage, under a new id and "
        "with new keys. Until it is loaded visitors see a page. Cannot be changed.",
    )
    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.RETAIN,
        description="What becomes of the data when the Brokerage is deleted. `Retain`: it stays, closed to everybody, "
        "for the plan's `retention.days`, and a Brokerage of the same name with `tenantID` takes it on. `Snapshot`: a "
        "last backup is written, then all but the backups is gone; a Brokerage whose `source` is that backup begins "
        "with it. `Delete`: it is gone at once, and deleting must be confirmed by the annotation "
        "`rooftree.dev/confirm-deletion: <name>`.",
    )
    deletion_protection: bool = Field(
        default=False,
        description="Whether a deletion must be confirmed by the annotation `rooftree.dev/confirm-deletion: <name>` "
        "whatever the policy is.",
    )
    backup: BackupPolicy | None = Field(
        default=None,
        description="Backups that are written by themselves, instead of those of the plan. An empty one switches these "
        "off.",
    )
    mls: list[MlsFeed] = Field(
        default_factory=list[MlsFeed],
        description="MLS feeds to import listings from. Names are unique.",
        max_length=16,
        json_schema_extra=keyed_by("name"),
    )
    rotation: Rotation | None = Field(
        default=None,
        description="Rotates all credentials and signing keys by itself. Without it they are rotated on request only, "
        "by the annotation `rooftree.dev/rotate`.",
    )
    pause: Pause | None = Field(
        default=None,
        description="Holds the operator back until it is removed. `Changes`: nothing new is rolled out, while secrets, "
        "certificates, logins, rights and network policies are kept up. `Everything`: the brokerage is neither looked "
        "at nor changed, nor deleted.",
    )
    management_policy: ManagementPolicy = Field(
        default=ManagementPolicy.MANAGE,
        description="`Manage`: the brokerage is made what it declares. `Observe`: it is looked at and nothing of it is "
        "changed; the conditions say what would be. Deleting an observed brokerage keeps all that it has.",
    )


SPEC_RULES = (
    Rule(
        rule="has(self.tenantID) == has(oldSelf.tenantID) "
        "&& (!has(self.tenantID) || self.tenantID == oldSelf.tenantID)",
        message="spec.tenantID is immutable: it cannot be set, changed or removed after creation",
    ),
    Rule(
        rule="has(self.source) == has(oldSelf.source) && (!has(self.source) || self.source == oldSelf.source)",
        message="spec.source is immutable: it cannot be set, changed or removed after creation",
    ),
)


class Phase(StrEnum):
    """One word for `kubectl get`; the conditions are the truth."""

    PENDING = "Pending"
    PROVISIONING = "Provisioning"
    READY = "Ready"
    DEGRADED = "Degraded"
    PAUSED = "Paused"
    SUSPENDED = "Suspended"
    ASLEEP = "Asleep"
    DELETING = "Deleting"


class PlanInForce(ApiModel):
    """The plan that the brokerage has, also while the one that it names does not fit."""

    name: str = Field(description="Name of the BrokeragePlan.")
    digest: str = Field(description="Changes with the plan's content.")


class FailedUpgrade(ApiModel):
    """A version that did not become ready and was taken back."""

    version: str = Field(description="The version that the brokerage wants and does not take.")
    instead: str = Field(description="Its last good version, which runs on.")
    reason: str = Field(description="Code of what went wrong.")
    message: str = Field(description="What went wrong.")
    retry: str = Field(description="Value of the annotation rooftree.dev/retry-upgrade at that time.")


class BrokerageError(ApiModel):
    """Something that is wrong now."""

    code: str = Field(description="Reason in PascalCase; docs/conditions.md explains each.")
    condition: str = Field(description="Type of the condition that it shows in.")
    message: str = Field(description="What is the case and who must act.")
    audience: Literal["Tenant", "Reseller", "Platform", "Nobody"] = Field(description="Who must act.")
    retryable: bool = Field(description="Whether the operator tries again by itself and it can heal without a change.")
    hint: str = Field(description="The next command to give.")
    since: str | None = Field(
        default=None, description="When it began (RFC 3339).", json_schema_extra={"format": "date-time"}
    )


class Constraint(ApiModel):
    """Something that may not be done now."""

    type: str = Field(description="What may not be done, for example Microservices.", max_length=316)
    status: Literal["True", "False"] = Field(description="Whether it may be done; those that may are left out.")
    reason: str = Field(description="Code in PascalCase, as in conditions.")
    message: str = Field(description="Why, and who could change that.")


class BrokerageStatus(ApiModel):
    """What the operator has seen. Written by the operator only."""

    tenant_id: str | None = Field(
        default=None, alias="tenantID", description="Minted once; every external name derives from it."
    )
    phase: Phase | None = Field(default=None, description="Where in its life the brokerage is.")
    url: str | None = Field(default=None, description="Where the brokerage's web app answers.")
    version: str | None = Field(default=None, description="Version of the tenant app that is running.")
    upgrade: FailedUpgrade | None = Field(
        default=None, description="The last try to reach the wanted version, if it failed."
    )
    rotation: RotationStatus | None = Field(
        default=None,
        description="The rotation of its credentials. Absent if there never was one and none is due by itself.",
    )
    namespace: str | None = Field(default=None, description="Namespace of the tenant's workloads.")
    operator_namespace: str | None = Field(
        default=None, description="Namespace of the operator, with releases, feed credentials and what is kept."
    )
    database: str | None = Field(default=None, description="Name of the tenant's database.")
    bucket: str | None = Field(default=None, description="Name of the bucket that holds the tenant's objects.")
    replicas: int | None = Field(default=None, description="Pods of the tenant app that are available.", ge=0)
    message: str | None = Field(default=None, description="Message of the Ready condition.")
    observed_generation: int | None = Field(
        default=None, description="Generation of the spec that this status was computed from.", ge=0
    )
    shard: str | None = Field(default=None, description="The shard whose operator has it. Absent: the default one.")
    plan: PlanInForce | None = Field(
        default=None, description="The plan in force; another one than spec.plan while that is too small."
    )
    applied: str | None = Field(
        default=None,
        description="Digest of the declaration that was last found in place everywhere: what differs while it stays "
        "the same was changed by others.",
    )
    sleep: SleepSeen | None = Field(default=None, description="Absent while it is awake.")
    operation: CurrentOperation | None = Field(
        default=None, description="What the operator is doing with the brokerage, or did last."
    )
    source: SourceSeen | None = Field(default=None, description="What it began with, once that is loaded.")
    backups: BackupsSeen | None = Field(
        default=None, description="Backups that are written by themselves. Absent if there is no schedule."
    )
    errors: list[BrokerageError] = Field(
        default_factory=list[BrokerageError],
        description="What is wrong now, the cause first; what only waits for it is left out. Absent if nothing is.",
    )
    constraints: list[Constraint] = Field(
        default_factory=list[Constraint],
        description="What may not be done now, and why. Absent if there is no such thing.",
        json_schema_extra=keyed_by("type"),
    )
    conditions: list[Condition] = Field(
        default_factory=list[Condition],
        description="Ready and one condition for each subsystem; Suspended only while it is or is being suspended or "
        "resumed; Paused and Observed only while the operator is held back; PlanApplied only while the plan is too "
        "small; ShardServed only while no operator serves its shard; Reconciling and Stalled as kstatus defines them.",
        json_schema_extra=keyed_by("type"),
    )


def _condition(kind: str) -> str:
    return f".status.conditions[?(@.type=='{kind}')]"


COLUMNS = (
    Column("Plan", ".spec.plan", description="The brokerage's plan."),
    Column("Phase", ".status.phase", description="Where in its life the brokerage is."),
    Column("Ready", f"{_condition('Ready')}.status", description="Whether it answers on its own address."),
    Column("Version", ".status.version", description="Running version of the tenant app."),
    Column("URL", ".status.url", description="Address of the web app."),
    Column("Age", ".metadata.creationTimestamp", type="date"),
    Column("Suspended", f"{_condition('Suspended')}.reason", priority=1, description="Why it is suspended, if it is."),
    Column("DB", ".status.database", priority=1, description="Name of the tenant's database."),
    Column("Replicas", ".status.replicas", type="integer", priority=1, description="Available pods."),
    Column("Operation", ".status.operation.type", priority=1, description="What the operator does, or did last."),
    Column("Progress", ".status.operation.progress", type="integer", priority=1, description="Of it, in percent."),
    Column(
        "Paused", f"{_condition('Paused')}.reason", priority=1, description="How much of the operator's work rests."
    ),
    Column("Message", ".status.message", priority=1, description="What is the case and who must act."),
)
