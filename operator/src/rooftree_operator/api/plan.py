"""Kind BrokeragePlan: limits, sizes, channel and price that brokerages share by naming the plan."""

from typing import Annotated, Any

from pydantic import Field

from .backups import BackupPolicy
from .common import ApiModel, Column, Rule, rules

# Kubernetes quantities, without exponents: those would be two spellings of one size.
_QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"


class Replicas(ApiModel):
    """How many pods the tenant app runs."""

    min: int = Field(default=1, description="Fewest pods; a new tenant starts with them.", ge=1, le=20)
    max: int = Field(
        default=1, description="Most pods that scaling may reach; the same as `min` switches scaling off.", ge=1, le=20
    )


class ComputeSize(ApiModel):
    """CPU and memory of one pod."""

    cpu: str = Field(description="CPU as a Kubernetes quantity.", pattern=_QUANTITY, max_length=20)
    memory: str = Field(description="Memory as a Kubernetes quantity.", pattern=_QUANTITY, max_length=20)


class Compute(ApiModel):
    """What one pod of the tenant app asks for and may use."""

    requests: ComputeSize = Field(
        default=ComputeSize(cpu="50m", memory="160Mi"), description="What the scheduler sets aside for a pod."
    )
    limits: ComputeSize = Field(default=ComputeSize(cpu="1", memory="320Mi"), description="What a pod may use at most.")


class DatabaseLimits(ApiModel):
    """Limits of the tenant's database."""

    connections: int = Field(
        default=12, description="Connections that the tenant app may open at the same time.", ge=4, le=500
    )


class KafkaLimits(ApiModel):
    """What the tenant's Kafka user may do; the broker slows down whoever exceeds it."""

    producer_bytes_per_second: int = Field(
        default=1_048_576, description="Bytes a second that the tenant may produce.", ge=1024, le=1_000_000_000
    )
    consumer_bytes_per_second: int = Field(
        default=2_097_152, description="Bytes a second that the tenant may consume.", ge=1024, le=1_000_000_000
    )
    request_percentage: int = Field(
        default=25,
        description="Share of one broker thread's time that its requests may take, in percent.",
        ge=1,
        le=400,
    )
    mutations_per_second: int = Field(
        default=5, description="Topics and partitions a second that the tenant may create or delete.", ge=1, le=1000
    )


def _requests(default: int, whose: str) -> Any:
    return Field(
        default=default, description=f"Requests a minute {whose}; 0 means as many as they like.", ge=0, le=10_000_000
    )


class ApiLimits(ApiModel):
    """How much may be asked for in a minute; more is refused with 429 until the minute is over."""

    reads: int = _requests(3000, "in which one person reads")
    writes: int = _requests(1000, "in which one person changes something")
    searches: int = _requests(1500, "in which one person searches")
    visitors: int = _requests(3000, "of one address, from whoever did not sign in")
    brokerage: int = _requests(30_000, "of everybody who signed in, together")


class Autoscaling(ApiModel):
    """When the number of pods changes between `replicas.min` and `replicas.max`."""

    objective_milliseconds: int = Field(
        default=300,
        description="Latency objective: of 100 requests 99 are answered within so many milliseconds, as far as more "
        "pods can bring that about. What `loadTuned` scaling aims for.",
        ge=20,
        le=60_000,
    )
    cpu_percent: int = Field(
        default=80,
        description="Average CPU use that scaling by `hpa` aims for, in percent of `resources.requests.cpu`.",
        ge=10,
        le=2000,
    )


class OutboundRule(ApiModel):
    """Addresses that the tenant's app may reach beside the backends and the feeds of its Brokerage."""

    cidr: str = Field(
        description="IPv4 block. Private ranges and the cluster's own inside a wider block stay refused: "
        "0.0.0.0/0 is every public address.",
        max_length=18,
        pattern=r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$",
        json_schema_extra=rules(
            Rule("isCIDR(self)", "spec.network.outbound[].cidr must be an IPv4 block in CIDR form")
        ),
    )
    ports: list[Annotated[int, Field(ge=1, le=65535)]] = Field(description="TCP ports.", min_length=1, max_length=16)


class NetworkLimits(ApiModel):
    """Where the tenant's app may connect to; everything else is refused."""

    outbound: list[OutboundRule] = Field(
        default_factory=list[OutboundRule],
        description="Granted destinations, for example a feed in a private network, or all public ones on port 443.",
        max_length=32,
    )


class NamespaceQuota(ApiModel):
    """Hard limits of the tenant's namespace, enforced by Kubernetes."""

    pods: int = Field(default=6, description="Pods, jobs included.", ge=2, le=200)
    cpu: str = Field(default="4", description="Sum of CPU limits.", pattern=_QUANTITY, max_length=20)
    memory: str = Field(default="2Gi", description="Sum of memory limits.", pattern=_QUANTITY, max_length=20)


class Retention(ApiModel):
    """How long what is deleted can be had back."""

    days: int = Field(
        default=30,
        description="Days for which a brokerage that is deleted under `deletionPolicy: Retain` is kept. 0: it is "
        "purged within minutes. The plan's value at the time of the deletion holds.",
        ge=0,
        le=3650,
    )


class SleepPolicy(ApiModel):
    """Whether a brokerage that nobody uses has no pods until somebody comes."""

    enabled: bool = Field(
        default=False,
        description="Whether its pods go while nobody uses it. The first request then waits for a start. A brokerage's "
        "own `sleep` may refuse it.",
    )
    after_seconds: int = Field(
        default=600,
        description="Seconds without a request after which one sleeps whose habits are not known yet. Later its own "
        "pauses decide.",
        ge=60,
        le=1200,
    )


class Price(ApiModel):
    """What the plan costs a month."""

    amount: int = Field(description="Price a month in minor units (cents).", ge=0)
    currency: str = Field(default="USD", description="ISO 4217 code.", pattern=r"^[A-Z]{3}$")


class BrokeragePlanSpec(ApiModel):
    """What every brokerage on this plan gets."""

    display_name: str = Field(description="Name shown to people.", min_length=1, max_length=120)
    description: str | None = Field(default=None, description="One sentence for a catalogue.", max_length=1000)
    channel: str = Field(
        default="stable",
        description="Release channel that brokerages follow when they name no version.",
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=63,
    )
    replicas: Replicas = Field(
        default=Replicas(),
        description="How many pods the tenant app runs.",
        json_schema_extra=rules(
            Rule("self.min <= self.max", "spec.replicas.min must not be greater than spec.replicas.max")
        ),
    )
    resources: Compute = Field(default=Compute(), description="Size of one pod of the tenant app.")
    database: DatabaseLimits = Field(default=DatabaseLimits(), description="Limits of the tenant's database.")
    kafka: KafkaLimits = Field(default=KafkaLimits(), description="Quotas of the tenant's Kafka user.")
    api: ApiLimits = Field(default=ApiLimits(), description="How much may be asked for in a minute.")
    autoscaling: Autoscaling = Field(default=Autoscaling(), description="When the number of pods changes.")
    network: NetworkLimits = Field(default=NetworkLimits(), description="Where the tenant's app may connect to.")
    quota: NamespaceQuota = Field(default=NamespaceQuota(), description="Hard limits of the tenant's namespace.")
    retention: Retention = Field(default=Retention(), description="How long what is deleted can be had back.")
    warm: int = Field(
        default=0,
        description="Spare tenants that are kept ready for new brokerages on this plan, which are ready sooner then. "
        "Each has a namespace and a place in every backend, and no pods.",
        ge=0,
        le=20,
    )
    sleep: SleepPolicy = Field(default=SleepPolicy(), description="What becomes of pods that nobody uses.")
    backup: BackupPolicy | None = Field(
        default=None, description="Backups that are written by themselves; a brokerage's own `backup` replaces it."
    )
    price: Price | None = Field(default=None, description="Price of the plan; absent means not for sale.")


def _suffices(name: str) -> Rule:
    """Enough for the fewest pods and one more, which runs while the app is rolled out. Floats differ by a hair."""
    return Rule(
        rule=f"quantity(self.resources.limits.{name}).asApproximateFloat() * double(self.replicas.min + 1) "
        f"<= quantity(self.quota.{name}).asApproximateFloat() * 1.000001",
        message=f"spec.quota.{name} must be enough for spec.replicas.min + 1 pods of spec.resources.limits.{name}",
    )


PLAN_RULES = (
    Rule(
        rule="self.replicas.min + 1 <= self.quota.pods",
        message="spec.quota.pods must be at least spec.replicas.min + 1: one pod more runs while the app is rolled out",
    ),
    _suffices("cpu"),
    _suffices("memory"),
)

PLAN_NAME_RULES = (
    Rule(
        rule="self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= 63",
        message="metadata.name of a plan must be a DNS label of at most 63 characters (a-z, 0-9 and hyphens)",
    ),
)

PLAN_COLUMNS = (
    Column("Name shown", ".spec.displayName"),
    Column("Channel", ".spec.channel"),
    Column("Pods", ".spec.replicas.min", type="integer"),
    Column("Price", ".spec.price.amount", type="integer", description="A month, in minor units."),
    Column("Currency", ".spec.price.currency"),
    Column("Age", ".metadata.creationTimestamp", type="date"),
)
