"""What was just made in the backends for a brokerage that never ran, so that it is not looked at again at once.

Each event of a child brings a pass, and a new brokerage has several until its pods are ready. No backend has more to
tell then than what the first of them put there. Kept in memory only, and only while nothing else became of it: as soon
as pods run, everything is in place, a part fails or a backend goes or comes, all is looked at again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from .tenant import Tenant

# The parts whose things are in a backend. What is in Kubernetes is read from watches, and costs nothing.
PARTS = frozenset({"database", "migrations", "topics", "search", "cache", "storage"})
# Of 200 that are made at once, at half a second each, the first has its second pass after 100 s.
KEPT = timedelta(seconds=120)

FoundT = TypeVar("FoundT")


@dataclass(frozen=True)
class Basis:
    """What the parts were made from: the tenant, without what its own passes say of it, and its logins' Secrets."""

    tenant: Tenant
    secrets: tuple[str | None, ...]  # resource versions


def basis(tenant: Tenant, secrets: tuple[str | None, ...]) -> Basis:
    return Basis(replace(tenant, met=frozenset(), bucket=None), secrets)


class Fresh(Generic[FoundT]):
    """What was found of each part, by tenant."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._found: dict[str, dict[str, tuple[datetime, Basis, FoundT]]] = {}

    def of(self, part: str, now: Basis) -> FoundT | None:
        """None: it has to be looked at."""
        at, before, found = self._found.get(now.tenant.id.value, {}).get(part, (None, None, None))
        is_young = at is not None and timedelta() <= self._now() - at < KEPT
        return found if is_young and before == now else None

    def keep(self, part: str, now: Basis, found: FoundT) -> None:
        self._found.setdefault(now.tenant.id.value, {})[part] = (self._now(), now, found)

    def drop(self, tenant: Tenant) -> None:
        self._found.pop(tenant.id.value, None)

    def clear(self) -> None:
        self._found.clear()
