"""What every provisioner is given: one tenant, fully resolved, frozen."""

from dataclasses import dataclass

from . import names
from .api.brokerage import BrokerageSpec, Topology
from .api.plan import BrokeragePlanSpec
from .api.scaling import SleepMode
from .names import TenantId
from .network import Network
from .release import Release
from .sleeping import Sleep, Stage
from .upgrade import Failed

WITHOUT_POLICIES = Network()
# Of the claim by which a Job finds backups on a volume. No kind of source measures it, and a quota of so little lets
# nothing else in.
CLAIM_SIZE = "1Mi"


@dataclass(frozen=True)
class Platform:
    """Facts of this installation that tenants are built from."""

    namespace: str  # where the operator runs
    domain: str  # rooftree.localhost
    edge_port: int
    postgres_host: str
    postgres_port: int
    kafka_bootstrap: str
    elasticsearch_url: str
    redis_host: str
    redis_port: int
    network: Network = WITHOUT_POLICIES
    elasticsearch_replicas: int = 1  # of each shard of a tenant's indices
    postgres_standby_host: str = ""
    postgres_standby_port: int = 5432
    otlp_endpoint: str = ""
    measures_load: bool = False  # a Prometheus tells the operator what arrives at each tenant
    s3_url: str = ""  # empty: this installation has no object storage
    s3_region: str = ""
    image: str = ""  # our own, which Jobs of operations run
    claims: int = 0  # PersistentVolumeClaims of a namespace: one where a Job finds backups by it
    smtp_host: str = ""
    smtp_port: int = 0
    smtp_from: str = ""
    gateway: str = "rooftree"
    gateway_section: str = "tenants"
    tenant_role: str = "rooftree-tenant-manager"


@dataclass(frozen=True)
class Fit:
    """What a spare must have been made for, so that it can become a new Brokerage's tenant."""

    plan: str
    version: str


@dataclass(frozen=True)
class Tenant:
    """One brokerage with its id, plan and release resolved."""

    id: TenantId
    uid: str
    generation: int
    spec: BrokerageSpec
    plan: BrokeragePlanSpec
    release: Release
    platform: Platform
    bucket: str | None = None  # as the status said before this pass: what should be there, and not for the first time
    running: str | None = None  # the version of all pods, as the status said before this pass
    failed: Failed | None = None  # the version that it wants and does not take; `release` is the one before it
    created: str = ""  # the Brokerage, RFC 3339
    rotate: str = ""  # the id of the rotation of credentials that is wanted, done or not
    retry: str = ""  # changes when an upgrade that failed shall be tried again
    is_loaded: bool = False  # what it was to begin with is there
    closed_by: str = ""  # the operation that shows visitors a page meanwhile
    was_suspended: bool = False  # as the status said before this pass: it has not served since
    sleep: Sleep | None = None  # how far it is between awake and asleep; None: awake
    is_returning: bool = False  # it was kept, and has not yet got its database under this Brokerage
    met: frozenset[str] = frozenset()  # conditions that were true before this pass

    @property
    def slug(self) -> str:
        return self.id.slug

    @property
    def resuming(self) -> bool:
        """It was suspended, is so no longer, and does not serve yet."""
        return self.was_suspended and self.spec.suspend is None

    @property
    def is_asleep(self) -> bool:
        """No pod shall run, as nobody uses it."""
        return self.sleep is not None and self.sleep.stage is Stage.ASLEEP

    @property
    def is_waking(self) -> bool:
        return self.sleep is not None and self.sleep.stage is Stage.WAKING

    @property
    def may_sleep(self) -> bool:
        """As plan and brokerage say, where somebody measures the load: nobody else wakes it for its jobs."""
        wanted = self.plan.sleep.enabled and self.spec.sleep is SleepMode.WHEN_IDLE
        return wanted and self.spec.suspend is None and self.platform.measures_load

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that have a Deployment of their own beside `app`."""
        return self.release.called if self.spec.topology is Topology.MICROSERVICES else ()

    @property
    def namespace(self) -> str:
        return names.namespace(self.id)

    @property
    def host(self) -> str:
        return names.host(self.slug, self.platform.domain)

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.platform.edge_port}"
