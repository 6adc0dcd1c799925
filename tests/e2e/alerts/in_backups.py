"""Faults of backups, and of a brokerage that the operator is held back from."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..conftest import ObjectStore, until
from .in_tenants import Labels, only
from .world import Repeating, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..conftest import Tenant

EACH_MINUTE, EACH_NIGHT = "* * * * *", "0 3 * * *"
WRITTEN_SECONDS, DRILLED_SECONDS, PLANNED_SECONDS = 240, 180, 90
# So many of the next backups find their place taken: longer than anybody waits for the alert.
TAKEN_MINUTES = 45
HOUR = timedelta(hours=1)
# What a program would change that is nobody's but its own: everything that the operator watches.
CHANGED = "services,networkpolicies,resourcequotas,limitranges,poddisruptionbudgets,httproutes"


@contextmanager
def backups_are_damaged(world: World) -> Iterator[Labels]:
    """The first one is spoilt and tried; where the next ones belong something lies already."""
    tenant, store = world.tenants["kept"], ObjectStore.administrator()
    world.patch("brokerage", tenant.name, spec={"backup": {"schedule": EACH_MINUTE}})
    newest = until(
        f"a backup of {tenant.name}",
        lambda: world.status(tenant).get("backups", {}).get("newest"),
        seconds=WRITTEN_SECONDS,
        every=1,
    )
    bucket = f"/{tenant.id}-backups"
    places = [f"{bucket}/{name}/taken" for name in upcoming(tenant.name, datetime.now(UTC))]
    for place in places:
        assert store.ask("PUT", place, b"a fault of a test").is_success, place
    try:
        assert store.ask("PUT", f"{bucket}/{newest}/manifest.json", b"spoilt").is_success
        _drill(world, tenant, newest)
        yield only({"brokerage": tenant.name}, "BackupUnproven", "BackupFailed")
    finally:
        world.patch("brokerage", tenant.name, spec={"backup": None})
        for place in places:
            store.ask("DELETE", place)


def upcoming(brokerage: str, now: datetime) -> list[str]:
    """The names of the backups that a schedule of each minute orders from now on."""
    return [f"{brokerage}-{now + timedelta(minutes=ahead):%Y%m%d-%H%M}" for ahead in range(TAKEN_MINUTES)]


def _drill(world: World, tenant: Tenant, backup: str) -> None:
    name = f"{tenant.name}-drill-{secrets.token_hex(3)}"
    spec: dict[str, Any] = {"brokerage": tenant.name, "type": "Drill", "backup": backup}
    head = {"apiVersion": "rooftree.dev/v1alpha1", "kind": "BrokerageOperation", "metadata": {"name": name}}
    world.kubectl.apply({**head, "spec": {**spec, "ttlSecondsAfterFinished": 600}})
    until(
        f"the drill of {backup} fails",
        lambda: world.kubectl.get("brokerageoperation", name).get("status", {}).get("phase"),
        enough=lambda phase: phase == "Failed",
        seconds=DRILLED_SECONDS,
        every=1,
    )


@contextmanager
def held_back_for_long_and_changed_without_end(world: World) -> Iterator[Labels]:
    """The hour for which it is held back is put into its status; nobody else writes there meanwhile."""
    tenant = world.tenants["late"]
    world.patch("brokerage", tenant.name, spec={"backup": {"schedule": EACH_NIGHT}})
    until(
        "its next backup is known",
        lambda: world.status(tenant).get("backups", {}).get("next"),
        seconds=PLANNED_SECONDS,
    )
    with world.held_back(tenant):
        due = f"{datetime.now(UTC) - HOUR:%Y-%m-%dT%H:%M:%S}.000Z"
        world.patch("brokerage", tenant.name, "--subresource=status", status={"backups": {"next": due}})
        with Repeating(lambda: _fight(world, tenant), every=0.5):
            late = only({"brokerage": tenant.name}, "BackupOverdue")
            yield {**late, "ChildrenStorm": {}}
    world.patch("brokerage", tenant.name, spec={"backup": None})


def _fight(world: World, tenant: Tenant) -> None:
    mark = f"test.rooftree.dev/mark={secrets.token_hex(4)}"
    world.kubectl.run("annotate", CHANGED, "--all", "-n", tenant.namespace, mark, "--overwrite")
