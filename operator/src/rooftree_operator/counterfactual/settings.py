"""What the page of replays is told about its installation: `ROOFTREE_COUNTERFACTUAL_*` variables."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read once, at start."""

    model_config = SettingsConfigDict(env_prefix="ROOFTREE_COUNTERFACTUAL_", frozen=True)

    host: str = ""  # empty: all addresses
    port: int = 8080
    prometheus_url: str = "http://127.0.0.1:9090"
    # Of Prometheus' answer, and of all of ours: whoever asks more than can be done meanwhile is told so.
    prometheus_seconds: float = 15.0
    patience_seconds: float = 30.0
    log_level: str = "INFO"
