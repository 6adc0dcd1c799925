"""What the operator is told about its installation: `ROOFTREE_OPERATOR_*` variables and mounted files."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .network import Network

if TYPE_CHECKING:
    from .effects import Drill


class MostCalls(BaseModel):
    """How many calls of ours each system has at a time. Further ones wait, those of the most urgent pass first."""

    # An apiserver serves 600 requests of all clients at once by default, and a service account gets a share of them.
    kubernetes: int = Field(default=32, ge=1)
    # Each has a connection and a backend process; clones of one template wait for each other anyway.
    postgres: int = Field(default=6, ge=1)
    # Each has a thread, and stands for all tenants that ask for the same at that moment.
    kafka: int = Field(default=8, ge=1)
    # Changes of users, roles and templates go through the one master.
    elasticsearch: int = Field(default=8, ge=1)
    # The server has one thread: more would only wait there.
    redis: int = Field(default=8, ge=1)
    s3: int = Field(default=8, ge=1)
    # Each has a thread, which a server that is away may keep for long.
    volume: int = Field(default=4, ge=1)


class BackupsVolume(BaseModel):
    """What a PersistentVolume says of the volume that backups lie on: one kind of source, or none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    nfs: dict[str, Any] | None = None
    csi: dict[str, Any] | None = None
    host_path: dict[str, Any] | None = Field(default=None, alias="hostPath")
    mount_options: list[str] | None = Field(default=None, alias="mountOptions")

    def source(self) -> dict[str, Any]:
        """As it is spelled in a PersistentVolume; empty: backups lie in the object store."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Settings(BaseSettings):
    """Read once, at start."""

    model_config = SettingsConfigDict(env_prefix="ROOFTREE_OPERATOR_", frozen=True)

    namespace: str = "rooftree-system"
    pod_name: str = "local"
    # The brokerages with this value of the label rooftree.dev/shard are ours; empty: those without. It is part of the
    # name of a Lease, and of PostgreSQL's sessions, whose names have 63 characters.
    shard: str = Field(default="", pattern=r"^([a-z]([-a-z0-9]{0,28}[a-z0-9])?)?$")
    domain: str = "rooftree.localhost"
    edge_port: int = 8443
    edge_address: str = "rooftree-edge.rooftree-system.svc.cluster.local:8443"
    edge_ca_file: Path = Path("/etc/rooftree/edge-ca/ca.crt")
    # One folder a backend, named after it, with a file for each key of the installation's Secret: `user`, `password`,
    # `ca.crt`, and `host`, `port`, `database` (postgres), `bootstrap` (kafka), `url` (elasticsearch), `host`, `port`
    # (redis), `url`, `region` (s3). Of s3 there is no folder if this installation has no object storage.
    backends_dir: Path = Path("/etc/rooftree")
    network_file: Path = Path("/etc/rooftree/network/network.json")
    postgres_standby_host: str = ""  # what tenants may read lists from; empty: there is none
    postgres_standby_port: int = 5432
    elasticsearch_replicas: int = 1
    otlp_endpoint: str = ""  # where traces go, ours and the tenants'; empty: nowhere
    prometheus_url: str = ""  # who tells what arrives at each tenant; empty: nobody, and load is measured by CPU
    scaling_capacity: int = Field(default=0, ge=0)  # pods of all brokerages together that load may bring; 0: no limit
    # The volume of backups, and where it is mounted for us.
    backups_volume: BackupsVolume = BackupsVolume()
    backups_dir: Path = Path("/var/lib/rooftree/backups")
    image: str = ""  # our own image, which Jobs that write and read backups run
    smtp_host: str = ""  # who takes the tenants' mail; empty: nobody
    smtp_port: int = 0
    smtp_from: str = ""
    workers: int = 4
    most_calls: MostCalls = MostCalls()
    # What a backend lost is found within a minute: in this time, and ten seconds for the queue and the pass.
    resync_seconds: float = 50.0
    metrics_port: int = 8081
    health_port: int = 8080
    log_level: str = "INFO"
    # For the proof that a crash does no harm (docs/reliability.md), and never in a pod.
    drill: bool = False
    failpoint: str = ""  # where this process dies, or loses an answer: kafka.create.topic:after:1=kill
    effects_file: Path | None = None  # where each effect is written

    @model_validator(mode="after")
    def _drills_are_wanted(self) -> Self:
        """Nobody crashes by a variable that was left somewhere: two say so, and an operator in a pod never does."""
        if not self.drill and (self.failpoint or self.effects_file):
            raise ValueError("a failpoint or effects_file is for drills only, and ROOFTREE_OPERATOR_DRILL is not set")
        if self.drill and "KUBERNETES_SERVICE_HOST" in os.environ:
            raise ValueError(
                "ROOFTREE_OPERATOR_DRILL is set in a pod: remove it, an operator in a cluster never drills"
            )
        return self

    def drilled(self) -> "Drill | None":
        """The drill that this process is part of; None, as in every installation: it is part of none."""
        if not self.drill:
            return None
        # Not for the plugin, which reads settings, too.
        from .effects import Drill, Failpoint

        return Drill(Failpoint.parse(self.failpoint) if self.failpoint else None, self.effects_file)

    def network(self) -> Network:
        return Network.model_validate_json(self.network_file.read_text())

    def has_backend(self, name: str) -> bool:
        return (self.backends_dir / name).is_dir()

    def backend(self, name: str, key: str) -> str:
        """A value of the Secret of the backend `name`. Keep a password out of everything that is shown."""
        return self.backend_file(name, key).read_text().strip()

    def backend_file(self, name: str, key: str) -> Path:
        return self.backends_dir / name / key
