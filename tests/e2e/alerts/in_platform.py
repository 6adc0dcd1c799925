"""Faults of what brokerages share: plans, shards, the edge, the collector, events and feeds, the operator."""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo
from rooftree_local import pki

from ..conftest import PLATFORM, Tenant, fresh_name, manifest, plan_manifest, required, until
from ..faults.test_takeover import Operators
from ..sleeping import ACTIVATOR, led_to_activator, scale
from ..test_backends import lose_the_role
from .in_tenants import Labels, only
from .world import World, asking

if TYPE_CHECKING:
    from collections.abc import Iterator

NOWHERE = "nowhere"
SOON_DAYS = 7
AUTHORITIES = ("ca", "etcd-ca")
# The feed is read each half minute; a busy machine is slower.
CHANGED_SECONDS = 240
SHARD_LABEL = "rooftree.dev/shard"


@contextmanager
def plan_is_unknown(world: World) -> Iterator[Labels]:
    name = fresh_name("stuck")
    world.kubectl.apply(manifest(name, plan=f"{name}-plan"))
    try:
        yield only({"brokerage": name}, "TenantStuck")
    finally:
        world.kubectl.delete_brokerage(name, code=None)


@contextmanager
def spares_cannot_be_made(world: World) -> Iterator[Labels]:
    name = fresh_name("pool")
    world.kubectl.apply(plan_manifest(name, warm=1, channel=NOWHERE))
    try:
        yield only({"plan": name}, "PoolEmpty")
    finally:
        world.kubectl.run("delete", "brokerageplan", name)


@contextmanager
def shard_has_no_operator(world: World) -> Iterator[Labels]:
    item = manifest(fresh_name("nobodys"))
    item["metadata"]["labels"] = {SHARD_LABEL: NOWHERE}
    world.kubectl.apply(item)
    try:
        yield {"ShardUnserved": {}}
    finally:
        world.kubectl.delete_brokerage(item["metadata"]["name"], code=None)


@contextmanager
def edge_certificate_ends_soon(world: World) -> Iterator[Labels]:
    """By the same authority, so that everybody goes on trusting it."""
    name, where = "rooftree-edge-tls", ("-n", PLATFORM)
    before = world.kubectl.get("secret", name, *where)["data"]
    with tempfile.TemporaryDirectory() as folder:
        soon = near_its_end(Path(required("ROOFTREE_CA_FILE")).parent, Path(folder))
    world.patch("secret", name, *where, data=soon)
    try:
        yield only({"certificate": "edge"}, "CertificateExpires")
    finally:
        world.patch("secret", name, *where, data=before)


def near_its_end(authorities: Path, folder: Path) -> dict[str, str]:
    """Data of a Secret with a certificate of the edge that ends in a week; `folder`: to work in."""
    for name in AUTHORITIES:
        for part in ("crt", "key"):
            shutil.copy(authorities / f"{name}.{part}", folder)
    pki.ensure(folder, now=datetime.now(UTC) - timedelta(days=pki.LEAF_DAYS - SOON_DAYS))
    chain = (folder / "edge.crt").read_bytes() + (folder / "ca.crt").read_bytes()
    parts = {"tls.crt": chain, "tls.key": (folder / "edge.key").read_bytes()}
    return {name: base64.b64encode(content).decode() for name, content in parts.items()}


@contextmanager
def collector_hangs(world: World) -> Iterator[Labels]:
    """It takes connections and answers nobody. Some requests are traced meanwhile."""
    world.components.stop("jaeger")
    try:
        with asking(world.tenants["kept"], "/version", every=0.2):
            yield {"AppTracesDropped": {}}
    finally:
        world.components.go_on()


@contextmanager
def event_is_unreadable(world: World) -> Iterator[Labels]:
    """As a release with a fault would publish it."""
    tenant, aggregate = world.site.tenant, uuid.uuid4()
    dsn = make_conninfo(world.dsn, dbname=tenant.database)
    with psycopg.connect(dsn, autocommit=True) as database, database.transaction():
        database.execute("INSERT INTO events.sequences (aggregate_id, last) VALUES (%s, 1)", [aggregate])
        database.execute(
            "INSERT INTO events.outbox (id, aggregate_id, sequence, type, data, actor_id)"
            " VALUES (%s, %s, 1, 'dev.rooftree.property.feed-failed.v1', %s, 'system')",
            [uuid.uuid4(), aggregate, json.dumps({})],
        )
        database.execute("NOTIFY events_outbox")
    yield only({"tenant": tenant.id}, "DeadLetters")


@contextmanager
def index_and_feed_are_away(world: World) -> Iterator[Labels]:
    """A change of a listing waits for the index; only then the feed fails, as it brought the change.

    Of one brokerage alone: while all of Elasticsearch is away none is ready, and other faults need some that are.
    """
    site = world.site
    lag = f'sum(rooftree_consumer_lag{{tenant="{site.tenant.id}", consumer="property.search"}})'
    waits = f"min_over_time({lag}[30s:5s])"
    with world.held_back(site.tenant):
        lose_the_role(site.tenant)
        site.change_listing()
        until("a change waits for the index", lambda: world.prometheus.value(waits), seconds=CHANGED_SECONDS, every=2)
        site.sample("trouble", "error", "--status", "503")
        try:
            yield only({"tenant": site.tenant.id}, "SearchStale", "ConsumerBehind", "FeedFailing", "FeedStale")
        finally:
            site.sample("well")


@contextmanager
def broker_is_away(world: World) -> Iterator[Labels]:
    world.components.kill("kafka")
    try:
        world.site.publish_alert()
        mine = only({"tenant": world.site.tenant.id}, "EventsUnpublished")
        yield {**mine, **only({"backend": "kafka"}, "BackendAway")}
    finally:
        world.components.start("kafka")


@contextmanager
def sleeper_cannot_start(world: World) -> Iterator[Labels]:
    """It is asked for again and again; each wait is in vain."""
    tenant = world.tenants["asleep"]
    with led_to_activator(world.kubectl, tenant):
        _ask_for_nodes(world, tenant, NOWHERE)
        try:
            scale(world.kubectl, tenant, 0)
            with asking(tenant, "/", every=5):
                yield {"WakesLate": {}}
        finally:
            _ask_for_nodes(world, tenant, None)


def _ask_for_nodes(world: World, tenant: Tenant, label: str | None) -> None:
    change = {"template": {"spec": {"nodeSelector": {SHARD_LABEL: label}}}}
    world.patch("deployment", "app", "-n", tenant.namespace, spec=change)


@contextmanager
def activator_is_gone(world: World) -> Iterator[Labels]:
    activators = Operators(world.kubectl, ACTIVATOR)
    before = activators.replicas()
    activators.scale(0)
    try:
        yield {"ActivatorDown": {}}
    finally:
        activators.scale(before)


@contextmanager
def operator_is_gone(world: World) -> Iterator[Labels]:
    operators = Operators(world.kubectl)
    before = operators.replicas()
    operators.scale(0)
    try:
        yield {"OperatorDown": {}, "ScalingStopped": {}}
    finally:
        operators.scale(before)
