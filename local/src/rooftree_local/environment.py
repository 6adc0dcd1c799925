"""What tests and tools need to know about a stack."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rooftree_local import postgres
from rooftree_local.addresses import EDGE_DOMAIN, EDGE_PORT

if TYPE_CHECKING:
    from rooftree_local.paths import Stack


def variables(target: Stack) -> dict[str, str]:
    """The variables; the DSN holds the superuser's password and is meant for tests only."""
    found = {"ROOFTREE_STACK": target.name, "ROOFTREE_CA_FILE": str(target.pki / "ca.crt")}
    if target.kubeconfig.exists():
        found["KUBECONFIG"] = str(target.kubeconfig)
        found["KUBECACHEDIR"] = str(target.kubectl_cache)
        found["ROOFTREE_EDGE"] = f"https://{EDGE_DOMAIN}:{EDGE_PORT}"
    if target.postgres_password_file.exists():
        found["ROOFTREE_TEST_POSTGRES"] = postgres.dsn(target)
    return found


def exports(target: Stack) -> str:
    """The same as shell lines, the stack's own kubectl and helm first on PATH."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables(target).items()]
    if target.bin.is_dir():
        lines.append(f'export PATH={shlex.quote(str(target.bin))}:"$PATH"')
    return "\n".join(lines)
