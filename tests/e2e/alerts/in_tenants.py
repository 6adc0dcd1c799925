"""Faults of one brokerage each. A cause lasts as long as its block, which is given the labels of each alert."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo

from ..conftest import Edge
from ..faults.lines import Visitor
from ..faults.load import Client, Line, Load
from ..test_tokens import Person
from .world import LONGEST_SECONDS, Repeating, World, asking, refusing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Labels = dict[str, dict[str, str]]

NAMED_APP = "app.kubernetes.io/name=app"
TENANT_LABEL = "rooftree.dev/tenant"
MIB = 2**20
# Of what a pod may use it uses this part; it is killed at 1. What it shares with others is counted to one of them only.
LEAST, AIM, MOST = 0.92, 0.95, 0.985
# From a smaller plan to new pods that are known: a round of the operator, a rollout, some looks.
SETTLED_SECONDS = 100


def only(labels: Mapping[str, str], *alerts: str) -> Labels:
    """The same labels for each of the alerts."""
    return {alert: dict(labels) for alert in alerts}


@contextmanager
def database_refuses(world: World) -> Iterator[Labels]:
    """The operator would let connections in again, so it is held back."""
    tenant = world.tenants["failing"]
    link = world.link(tenant)
    budget = ("ErrorBudgetBurnsFast", "ErrorBudgetBurns", "ErrorBudgetLeaks")
    with world.held_back(tenant), refusing(world.dsn, tenant.database), asking(tenant, link, every=0.35):
        yield only({"tenant": tenant.id}, "AppFailing", "EventsWithoutRelay", *budget)


@contextmanager
def few_requests_fail_and_a_pod_crashes(world: World) -> Iterator[Labels]:
    """Four errors, of a process that had none. The old pod goes on, as the new one never comes."""
    tenant, edge = world.tenants["quiet"], Edge()
    link = world.link(tenant)
    try:
        with world.held_back(tenant), refusing(world.dsn, tenant.database):
            _crash(world, tenant.namespace)
            with Repeating(lambda: edge.get(tenant.host, link), every=10, times=4):
                yield only({"tenant": tenant.id}, "QuietTenantFailing", "AppDown")
    finally:
        edge.close()


def _crash(world: World, namespace: str) -> None:
    broken = {"name": "app", "command": ["python", "-c", "raise SystemExit('a fault of a test')"]}
    change = {"spec": {"template": {"spec": {"containers": [broken]}}}}
    words = ("patch", "deployment", "app", "-n", namespace, "--type=strategic", "-p", json.dumps(change))
    world.kubectl.run(*words)


@contextmanager
def table_is_locked(world: World) -> Iterator[Labels]:
    """Each request waits for as long as it may, with one of the pod's connections in its hand."""
    tenant = world.tenants["slow"]
    link = world.link(tenant)
    with psycopg.connect(make_conninfo(world.dsn, dbname=tenant.database)) as somebody:
        somebody.execute("LOCK TABLE identity.invitations IN ACCESS EXCLUSIVE MODE")
        with asking(tenant, link, every=0.25):
            yield only({"tenant": tenant.id}, "AppPoolExhausted", "AnswersSlow")


@contextmanager
def pod_is_hidden(world: World) -> Iterator[Labels]:
    """It works and is read, and nobody can tell any more whose numbers these are."""
    tenant = world.tenants["hidden"]
    pods = ("pods", "-n", tenant.namespace, "-l", NAMED_APP, "--overwrite")
    world.kubectl.run("label", *pods, f"{TENANT_LABEL}-")
    mine = {"tenant": tenant.id}
    try:
        yield {**only(mine, "TenantSilent"), **only({**mine, "reason": "missing"}, "ScalingHeld")}
    finally:
        world.kubectl.run("label", *pods, f"{TENANT_LABEL}={tenant.id}")


@contextmanager
def more_is_asked_than_the_plan_allows(world: World) -> Iterator[Labels]:
    """Its objective is 20 ms, and a sign-in alone takes more of a CPU."""
    tenant = world.tenants["busy"]
    owner = Person(tenant, world.kubectl.ask_app(tenant.namespace, "owner-link"))
    visitor = Visitor(owner, "", "")
    lines = (Line(1.0, visitor.come_and_go), Line(1.0, visitor.page))
    try:
        with Load(Client(tenant.url), lines, longest=LONGEST_SECONDS):
            yield only({"tenant": tenant.id}, "ScalingAtCeiling")
    finally:
        owner.client.close()


@contextmanager
def memory_is_tight(world: World) -> Iterator[Labels]:
    """What a new pod uses is known when it runs: the plan follows it until it is a little more than that."""
    tenant, changed = world.tenants["full"], 0.0
    used = f'max(process_resident_memory_bytes{{tenant="{tenant.id}"}})'
    share = f'tenant:memory_used:of_limit{{tenant="{tenant.id}"}}'

    def tighten() -> None:
        nonlocal changed
        has_settled = not changed or time.monotonic() > changed + SETTLED_SECONDS
        size = world.prometheus.value(used)
        if size and has_settled and not LEAST <= world.prometheus.value(share) <= MOST:
            limits = {"memory": f"{limit(size)}Mi"}
            world.patch("brokerageplan", tenant.name, spec={"resources": {"limits": limits}})
            changed = time.monotonic()

    with Repeating(tighten, every=10):
        yield only({"tenant": tenant.id}, "AppMemoryNearLimit")


def limit(used: float) -> int:
    """MiB of a limit of which so many bytes are nearly all."""
    return ceil(used / AIM / MIB)
