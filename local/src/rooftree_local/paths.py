"""Where things are: the checkout, the shared cache, and the state folder of each stack."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

DEVELOPMENT_STACK = "dev"
STACK_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def repository() -> Path:
    """The checkout that this package was installed from (it is always installed editable)."""
    return Path(__file__).resolve().parents[3]


def cache() -> Path:
    """Downloads and builds, shared by all checkouts of this user."""
    configured = os.environ.get("ROOFTREE_CACHE")
    return Path(configured).expanduser().resolve() if configured else Path.home() / ".cache" / "rooftree"


def cached(*parts: str) -> Path:
    """A path in the cache, its folder made."""
    path = cache().joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@dataclass(frozen=True)
class Stack:
    """One stack's name and its files. Nothing here looks at processes."""

    name: str

    def __post_init__(self) -> None:
        if not STACK_NAME.fullmatch(self.name):
            raise ValueError(f"a stack's name is lower-case letters, digits and dashes, at most 31: {self.name!r}")

    @property
    def state(self) -> Path:
        return repository() / ".local" / self.name

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def bin(self) -> Path:
        return self.state / "bin"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    @property
    def kubectl_cache(self) -> Path:
        """kubectl's notes on the cluster, apart for each stack: it files them by address, and all have the same."""
        return self.state / "kubectl-cache"

    @property
    def lock(self) -> Path:
        return repository() / ".local" / "locks" / self.name

    @property
    def ledger(self) -> Path:
        return self.state / "steps.json"

    @property
    def process_file(self) -> Path:
        return self.state / "process.json"

    @property
    def status_file(self) -> Path:
        return self.state / "status.json"

    @property
    def components_file(self) -> Path:
        return self.config / "components.json"

    @property
    def postgres_password_file(self) -> Path:
        return self.state / "secrets" / "postgres-superuser"

    def secret_file(self, name: str) -> Path:
        """Where a generated secret of that name is kept; it lives as long as the stack's data."""
        return self.state / "secrets" / name

    @property
    def cgroup(self) -> str:
        """The name of its control groups, different for equally named stacks of two checkouts."""
        return f"rooftree-{self.name}-{hashlib.sha256(str(self.state).encode()).hexdigest()[:8]}"


def write_private(path: Path, content: str | bytes) -> None:
    """Writes a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    temporary.replace(path)


def generated(path: Path) -> str:
    """A secret that is made when it is first asked for."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32))
        path.parent.chmod(0o700)
    return path.read_text()


def stacks() -> list[Stack]:
    """Every stack that has a state folder in this checkout."""
    root = repository() / ".local"
    if not root.is_dir():
        return []
    return [Stack(path.name) for path in sorted(root.iterdir()) if (path / "config").is_dir()]
