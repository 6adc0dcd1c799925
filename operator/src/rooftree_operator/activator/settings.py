"""What the activator is told about its installation: `ROOFTREE_ACTIVATOR_*` variables."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read once, at start."""

    model_config = SettingsConfigDict(env_prefix="ROOFTREE_ACTIVATOR_", frozen=True)

    port: int = 8080  # requests, from the edge only
    own_port: int = 8081  # probes and metrics
    patience_seconds: float = 30.0  # how long a request waits for its app
    # Told to stop, it takes requests for so long: until the edge sends no more.
    drain_seconds: float = 3.0
    log_level: str = "INFO"
