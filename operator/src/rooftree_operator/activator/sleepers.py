"""What the route of a brokerage that is asleep tells the activator by headers. Pure, standard library only.

The edge sets them on every request, whatever its sender had put there, and only the edge reaches the activator: so the
activator knows whose request it has without a look-up, and needs no right to read routes. The app never sees them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .. import names

HEADER_NAMESPACE = "X-Rooftree-Namespace"
HEADER_MODULES = "X-Rooftree-Modules"
HEADERS = (HEADER_NAMESPACE, HEADER_MODULES)
ENTRANCE = "app"  # the Deployment and the Service that answer requests

_MODULE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Sleeper:
    """A brokerage that may be asleep. `modules`: those that have pods of their own beside the entrance's."""

    namespace: str
    modules: tuple[str, ...] = ()

    @property
    def deployments(self) -> tuple[str, ...]:
        """All that have no pod while it is asleep."""
        return (ENTRANCE, *self.modules)


def headers_of(sleeper: Sleeper) -> dict[str, str]:
    """The request headers that tell of it."""
    modules = {HEADER_MODULES: ",".join(sleeper.modules)} if sleeper.modules else {}
    return {HEADER_NAMESPACE: sleeper.namespace, **modules}


def sleeper_of(headers: Mapping[str, str]) -> Sleeper | None:
    """What `headers_of` told; None if it is not the request of a brokerage."""
    namespace = headers.get(HEADER_NAMESPACE, "")
    modules = tuple(headers.get(HEADER_MODULES, "").split(",")) if headers.get(HEADER_MODULES) else ()
    if not _is_of_tenant(namespace) or not all(_MODULE.fullmatch(module) for module in modules):
        return None
    return Sleeper(namespace, modules)


def _is_of_tenant(namespace: str) -> bool:
    try:
        return names.namespace(names.TenantId(names.of_namespace(namespace))) == namespace
    except ValueError:
        return False
