"""Kind Brokerage: one tenant. Everything that the operator makes for it is declared here and nowhere else."""

from enum import StrEnum

from pydantic import Field

from .common import ApiModel, Column, Condition, Rule, keyed_by, rules

# A slug becomes a host name, a namespace and the prefix of every external name; `--` is kept for delimiters.
SLUG_PATTERN = r"^[a-z][a-z0-9-]{1,28}[a-z0-9]$"
RESERVED_SLUGS = (
    "admin", "api", "app", "auth", "billing", "cdn", "console", "dashboard", "docs", "edge", "help", "login", "mail",
    "metrics", "oauth", "operator", "platform", "postgres", "rooftree", "root", "static", "status", "support", "system",
    "template", "tenant", "www",
)  # fmt: skip

_DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
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
        "&& size(self.spec.tenantID) == size(self.metadata.name) + 9)",
        message="spec.tenantID must be metadata.name, a hyphen and 8 hexadecimal digits",
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
        description="Name of the feed, unique in this brokerage.", min_length=1, max_length=40, pattern=_DNS_LABEL
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


class BrokerageSpec(ApiModel):
    """What the brokerage shall be."""

    display_name: str = Field(description="Name shown to people.", min_length=1, max_length=120)
    owner: Owner = Field(description="The brokerage's owner.")
    plan: str = Field(
        default="starter",
        description="Name of the BrokeragePlan: limits, sizes and price.",
        min_length=1,
        max_length=63,
        pattern=_DNS_LABEL,
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
    mls: list[MlsFeed] = Field(
        default_factory=list[MlsFeed],
        description="MLS feeds to import listings from. Names are unique.",
        max_length=16,
        json_schema_extra=keyed_by("name"),
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
)


class Phase(StrEnum):
    """One word for `kubectl get`; the conditions are the truth."""

    PENDING = "Pending"
    PROVISIONING = "Provisioning"
    READY = "Ready"
    DEGRADED = "Degraded"
    PAUSED = "Paused"
    DELETING = "Deleting"


class PlanInForce(ApiModel):
    """The plan that the brokerage has, also while the one that it names does not fit."""

    name: str = Field(description="Name of the BrokeragePlan.")
    digest: str = Field(description="Changes with the plan's content.")


class BrokerageStatus(ApiModel):
    """What the operator has seen. Written by the operator only."""

    tenant_id: str | None = Field(
        default=None, alias="tenantID", description="Minted once; every external name derives from it."
    )
    phase: Phase | None = Field(default=None, description="Where in its life the brokerage is.")
    url: str | None = Field(default=None, description="Where the brokerage's web app answers.")
    version: str | None = Field(default=None, description="Version of the tenant app that is running.")
    namespace: str | None = Field(default=None, description="Namespace of the tenant's workloads.")
    database: str | None = Field(default=None, description="Name of the tenant's database.")
    bucket: str | None = Field(default=None, description="Name of the bucket that holds the tenant's objects.")
    replicas: int | None = Field(default=None, description="Pods of the tenant app that are available.", ge=0)
    message: str | None = Field(default=None, description="Message of the Ready condition.")
    observed_generation: int | None = Field(
        default=None, description="Generation of the spec that this status was computed from.", ge=0
    )
    plan: PlanInForce | None = Field(
        default=None, description="The plan in force; another one than spec.plan while that is too small."
    )
    applied: str | None = Field(
        default=None,
        description="Digest of the declaration that was last found in place everywhere: what differs while it stays "
        "the same was changed by others.",
    )
    conditions: list[Condition] = Field(
        default_factory=list[Condition],
        description="Ready and one condition for each subsystem; Reconciling and Stalled as kstatus defines them.",
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
    Column("DB", ".status.database", priority=1, description="Name of the tenant's database."),
    Column("Replicas", ".status.replicas", type="integer", priority=1, description="Available pods."),
    Column(
        "Paused", f"{_condition('Paused')}.reason", priority=1, description="How much of the operator's work rests."
    ),
    Column("Message", ".status.message", priority=1, description="What is the case and who must act."),
)
