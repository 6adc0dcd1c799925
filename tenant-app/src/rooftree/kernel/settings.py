"""Settings come from `ROOFTREE_*` variables, secrets from files in `ROOFTREE_SECRETS_DIR`; both are checked at start.

A module declares its own section as a `SettingsSection` and loads it with `load`. Values never appear in messages.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, StringConstraints, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "ROOFTREE_"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_SECRET_BYTES = 1024 * 1024


class SettingsError(Exception):
    """The environment does not describe a tenant; the text names each variable and what is wrong with it."""


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError("must be an https URL without a path")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("must be an https URL without query, fragment or user")
    return f"https://{parts.netloc.lower()}"


PublicUrl = Annotated[str, AfterValidator(_public_url)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


class SettingsSection(BaseSettings):
    """Base of all sections: frozen, filled from `ROOFTREE_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)


class DatabaseSettings(SettingsSection):
    """How to reach the tenant's own database."""

    database_host: Text
    database_port: int = 5432
    database_name: Text
    database_user: Text
    ca_file: Path | None = None
    database_owner_role: str | None = None
    # Of a streaming standby; empty: there is none.
    database_standby_host: str = ""
    database_standby_port: int = 5432
    secrets_dir: Path = Path("/etc/rooftree/secrets")

    @model_validator(mode="after")
    def _tls_off_this_machine(self) -> Self:
        hosts = {self.database_host, self.database_standby_host or self.database_host}
        if self.ca_file is None and not hosts <= _LOOPBACK:
            raise ValueError("ROOFTREE_CA_FILE is required unless the database is on this machine")
        return self


class Settings(DatabaseSettings):
    """What every process of the app needs to know about its tenant."""

    tenant_id: Text
    slug: Text
    display_name: Text
    public_url: PublicUrl
    time_zone: Text = "America/Chicago"
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    version: Text = "0.0.0"
    frontend_dir: Path = Path("/app/frontend/dist")
    bind_host: str = "0.0.0.0"  # noqa: S104 - a pod's only interface
    bind_port: int = 8080
    drain_seconds: float = 3.0
    log_level: str = "INFO"
    # Entries of X-Forwarded-For that our own edge appended; the rightmost of them is the client.
    forwarded_hops: int = 1

    @cached_property
    def authority(self) -> str:
        """Host with port, as browsers send it."""
        return urlsplit(self.public_url).netloc

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The values of Host that mean this tenant: with and without the port."""
        return frozenset({self.authority, urlsplit(self.public_url).hostname or self.authority})


SectionT = TypeVar("SectionT", bound=SettingsSection)


def load(section: type[SectionT]) -> SectionT:
    """Read one section of the environment. Raises `SettingsError` that names every wrong variable, without values."""
    try:
        return section()
    except ValidationError as error:
        lines = [f"  {_variable(item['loc'])}: {item['msg']}" for item in error.errors(include_input=False)]
        raise SettingsError("\n".join(["The settings are wrong:", *lines])) from None


def _variable(location: tuple[int | str, ...]) -> str:
    return PREFIX + str(location[0]).upper() if location else "environment"


class Secrets:
    """Reads mounted secret files by name, at most 1 MiB each; a missing one is a `SettingsError`."""

    def __init__(self, folder: Path, overrides: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._overrides = dict(overrides or {})

    def read(self, name: str) -> SecretStr:
        if name in self._overrides:
            return SecretStr(self._overrides[name])
        try:
            with (self._folder / name).open("rb") as file:
                return SecretStr(file.read(_SECRET_BYTES).decode().strip())
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise SettingsError(f"The secret file {self._folder / name} cannot be read: {reason}") from None

    def read_optional(self, name: str) -> SecretStr | None:
        """None when the file does not exist."""
        if name in self._overrides or (self._folder / name).exists():
            return self.read(name)
        return None
