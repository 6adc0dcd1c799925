"""What the operator is told about its installation: `ROOFTREE_OPERATOR_*` variables and mounted files."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from .network import Network


class Settings(BaseSettings):
    """Read once, at start."""

    model_config = SettingsConfigDict(env_prefix="ROOFTREE_OPERATOR_", frozen=True)

    namespace: str = "rooftree-system"
    pod_name: str = "local"
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
    otlp_endpoint: str = ""  # where tenants send traces; empty: nowhere
    image: str = ""  # our own image, which Jobs that write and read backups run
    smtp_host: str = ""  # who takes the tenants' mail; empty: nobody
    smtp_port: int = 0
    smtp_from: str = ""
    workers: int = 4
    # What a backend lost is found within a minute: in this time, and ten seconds for the queue and the pass.
    resync_seconds: float = 50.0
    metrics_port: int = 8081
    health_port: int = 8080
    log_level: str = "INFO"

    def network(self) -> Network:
        return Network.model_validate_json(self.network_file.read_text())

    def has_backend(self, name: str) -> bool:
        return (self.backends_dir / name).is_dir()

    def backend(self, name: str, key: str) -> str:
        """A value of the Secret of the backend `name`. Keep a password out of everything that is shown."""
        return self.backend_file(name, key).read_text().strip()

    def backend_file(self, name: str, key: str) -> Path:
        return self.backends_dir / name / key
