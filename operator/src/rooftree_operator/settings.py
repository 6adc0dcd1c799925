"""What the operator is told about its installation: `ROOFTREE_OPERATOR_*` variables and mounted files."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read once, at start."""

    model_config = SettingsConfigDict(env_prefix="ROOFTREE_OPERATOR_", frozen=True)

    namespace: str = "rooftree-system"
    pod_name: str = "local"
    domain: str = "rooftree.localhost"
    edge_port: int = 8443
    edge_address: str = "rooftree-edge.rooftree-system.svc.cluster.local:8443"
    edge_ca_file: Path = Path("/etc/rooftree/edge-ca/ca.crt")
    # Keys host, port, user, password, database and ca.crt, each a file: the Secret of the installation.
    postgres_dir: Path = Path("/etc/rooftree/postgres")
    workers: int = 4
    resync_seconds: float = 60.0
    metrics_port: int = 8081
    health_port: int = 8080
    log_level: str = "INFO"

    def postgres(self, key: str) -> str:
        """A plain value of the PostgreSQL Secret."""
        return (self.postgres_dir / key).read_text().strip()

    def postgres_password(self) -> SecretStr:
        return SecretStr(self.postgres("password"))
