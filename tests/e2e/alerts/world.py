"""What causes work with: brokerages of their own, one for each role, and the hands that do harm."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from ..conftest import Kubectl, Tenant, until
from ..faults.load import Client, Line, Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..components import Components
    from ..faults.view import Site
    from .prometheus import Prometheus

SITE = "site"  # the role of the one that follows the sample's feed
BETWEEN = {"min": 1, "max": 2}
SMALL = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "320Mi"}}
# Of each role the plan: all may have a second pod, and none sleeps, which would take what is looked at away.
PLANS: Mapping[str, dict[str, Any]] = {
    "failing": {"replicas": BETWEEN},
    "quiet": {"replicas": BETWEEN},
    "slow": {"replicas": BETWEEN},
    "hidden": {"replicas": BETWEEN},
    # No request is as short as that, so that one pod is never enough.
    "busy": {"replicas": BETWEEN, "autoscaling": {"objectiveMilliseconds": 20}},
    "full": {"resources": SMALL},
    "kept": {},
    "late": {},
    "asleep": {},
}
LONGEST_SECONDS = 3600.0  # of a load
HELD_SECONDS = 60
JOINED_SECONDS = 120


@dataclass(frozen=True)
class World:
    """`dsn` is PostgreSQL's superuser's; `tenants` has those that the chosen faults need."""

    kubectl: Kubectl
    components: Components
    prometheus: Prometheus
    dsn: str
    tenants: Mapping[str, Tenant]
    sample: Site | None = None

    @property
    def site(self) -> Site:
        assert self.sample is not None, f"a fault that needs the role {SITE!r} does not say so"
        return self.sample

    def link(self, tenant: Tenant) -> str:
        """The path of its owner's unused link, which is looked up in the database by everybody who has it."""
        token = self.kubectl.ask_app(tenant.namespace, "owner-link").rpartition("/")[2]
        return f"/api/v1/invitations/{token}"

    def patch(self, kind: str, name: str, *more: str, **change: Any) -> None:
        """A merge patch; `more` are further words for kubectl."""
        self.kubectl.run("patch", kind, name, "--type=merge", *more, "-p", json.dumps(change))

    def status(self, tenant: Tenant) -> dict[str, Any]:
        return self.kubectl.get("brokerage", tenant.name).get("status", {})

    @contextmanager
    def held_back(self, tenant: Tenant) -> Iterator[None]:
        """The operator repairs nothing of it meanwhile."""
        self.patch("brokerage", tenant.name, spec={"pause": "Everything"})
        try:
            until(f"{tenant.name} is paused", lambda: self.status(tenant)["phase"] == "Paused", seconds=HELD_SECONDS)
            yield
        finally:
            self.patch("brokerage", tenant.name, spec={"pause": None})


@contextmanager
def refusing(dsn: str, database: str) -> Iterator[None]:
    """PostgreSQL takes no connection to this database and has ended those that there were."""
    with psycopg.connect(dsn, autocommit=True) as superuser:
        _allow(superuser, database, allowed=False)
        try:
            superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])
            yield
        finally:
            _allow(superuser, database, allowed=True)


def _allow(superuser: psycopg.Connection[Any], database: str, *, allowed: bool) -> None:
    statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    superuser.execute(statement.format(sql.Identifier(database), sql.Literal(allowed)))


def asking(tenant: Tenant, path: str, *, every: float) -> Load:
    """A load of one request each so many seconds, whatever comes back."""

    async def ask(client: Client) -> None:
        await client.ask("request", "GET", path)

    return Load(Client(tenant.url), [Line(every, ask)], longest=LONGEST_SECONDS)


class Repeating:
    """Does something again and again beside everything else, for as long as the block lasts, `times` at most.

    That it failed once is no matter; if it failed at last, the block's end raises `AssertionError`.
    """

    def __init__(self, do: Callable[[], object], *, every: float, times: int | None = None) -> None:
        self._do, self._every, self._left = do, every, times
        self._problem: BaseException | None = None
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(JOINED_SECONDS)
        if self._problem is not None:
            raise AssertionError(f"what was to be repeated failed: {self._problem}") from self._problem

    def _run(self) -> None:
        while self._left != 0 and not self._ends.wait(self._every):
            self._left = None if self._left is None else self._left - 1
            try:
                self._do()
                self._problem = None
            except (Exception, pytest.fail.Exception) as problem:
                self._problem = problem
