"""Where the modules of other processes are, and as whom this process speaks with them. Loads no gRPC.

With neither addresses nor a port, all modules are in this process and nothing of gRPC is ever loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field
from starlette.types import ASGIApp

from rooftree.kernel.settings import SettingsError, SettingsSection


class RpcSettings(SettingsSection):
    """How this process and those of other modules reach each other."""

    rpc_addresses: dict[str, str] = Field(default_factory=dict[str, str])
    """Modules of other processes: name to gRPC target, such as `dns:///identity-rpc.tenant-acme:9443`."""
    rpc_port: int = 0
    """Where this process answers the others; 0: nowhere."""
    rpc_dir: Path = Path("/etc/rooftree/rpc")
    """Holds `ca.crt`, `tls.crt` and `tls.key`: PEM files; the certificate names the modules of this process."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM texts: the tenant's authority, and what proves this process."""

    authority: bytes
    chain: bytes
    key: bytes = field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> "Certificates":
        """Raises `SettingsError` that names the missing file."""
        return cls(*(_read(folder / name) for name in ("ca.crt", "tls.crt", "tls.key")))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"The file {path} cannot be read: {error.strerror}") from None


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """The modules of other processes, as this one uses them."""

    ports: Mapping[type, object] = field(default_factory=dict[type, object])
    """By contract."""
    http: Mapping[str, ASGIApp] = field(default_factory=dict[str, ASGIApp])
    """By module: answers a request of its routes."""
