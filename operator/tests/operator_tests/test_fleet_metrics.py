"""What Prometheus is told of brokerages and plans, and of certificates that nobody renews by themselves."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY, CollectorRegistry
from rooftree_operator import expiry
from rooftree_operator.adapters.edge import Edge
from rooftree_operator.drift import Object
from rooftree_operator.fleet_metrics import FleetMetrics
from rooftree_operator.rpc_certificates import issue, new_authority

from .running import operator
from .world import World, brokerage, plan

ACME = {"tenant": "acme-0a1b2c3d", "brokerage": "acme"}
SINCE = "rooftree_operator_condition_since_timestamp_seconds"
T0 = 1_800_000_000.0
T0_STAMP = "2027-01-15T08:00:00.000Z"


def known(**status: Any) -> Object:
    return {**brokerage("acme"), "status": {"tenantID": ACME["tenant"], "phase": "Ready", **status}}


def condition(kind: str, status: str, reason: str) -> Object:
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": T0_STAMP}


def told(brokerages: list[Object], plans: list[Object] | None = None) -> CollectorRegistry:
    registry = CollectorRegistry()
    FleetMetrics(registry).take(brokerages, plans or [])
    return registry


def test_each_brokerage_is_told_with_its_plan_and_phase() -> None:
    found = told([known(), brokerage("birch")])
    name = "rooftree_operator_brokerage_info"
    assert found.get_sample_value(name, {**ACME, "plan": "starter", "phase": "Ready"}) == 1
    new = {"tenant": "", "brokerage": "birch", "plan": "starter", "phase": "Pending"}
    assert found.get_sample_value(name, new) == 1


@pytest.mark.parametrize(
    ("one", "actor"),
    [
        (condition("Ready", "False", "RolloutStuck"), "Platform"),
        (condition("DatabaseReady", "False", "Migrating"), "Nobody"),
        (condition("Stalled", "True", "SlugTaken"), "Reseller"),
    ],
)
def test_a_condition_that_is_not_met_is_told_since_when_and_who_must_act(one: Object, actor: str) -> None:
    labels = {**ACME, "condition": one["type"], "reason": one["reason"], "actor": actor}
    assert told([known(conditions=[one])]).get_sample_value(SINCE, labels) == T0


@pytest.mark.parametrize(
    "one",
    [
        condition("Ready", "True", "Answering"),
        condition("TopicsReady", "Unknown", "AwaitingDependency"),
        condition("Reconciling", "True", "Upgrading"),
        condition("Suspended", "True", "Suspended"),
    ],
)
def test_what_is_met_or_only_goes_on_is_not_told(one: Object) -> None:
    families = {family.name: family.samples for family in told([known(conditions=[one])]).collect()}
    assert families[SINCE] == []


def test_backups_are_told_when_they_are_due_what_they_hold_and_whether_the_last_try_failed() -> None:
    whole = told([known(backups={"newest": "a", "takenAt": T0_STAMP, "next": "2027-01-15T09:00:00Z"})])
    assert whole.get_sample_value("rooftree_operator_backup_taken_timestamp_seconds", ACME) == T0
    assert whole.get_sample_value("rooftree_operator_backup_due_timestamp_seconds", ACME) == T0 + 3600
    assert whole.get_sample_value("rooftree_operator_backup_failed", ACME) == 0
    broken = told([known(backups={"failure": "the disk is full", "next": T0_STAMP})])
    assert broken.get_sample_value("rooftree_operator_backup_failed", ACME) == 1
    assert broken.get_sample_value("rooftree_operator_backup_taken_timestamp_seconds", ACME) is None
    assert told([known()]).get_sample_value("rooftree_operator_backup_failed", ACME) is None


def test_plans_are_told_with_their_price_and_the_size_of_a_pod() -> None:
    sized = plan(
        "large",
        price={"amount": 4900, "currency": "EUR"},
        resources={"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1500Mi"}},
    )
    found = told([], [sized, plan("plain")])
    assert found.get_sample_value("rooftree_operator_plan_price", {"plan": "large", "currency": "EUR"}) == 4900
    cores, memory = "rooftree_operator_plan_pod_cpu_cores", "rooftree_operator_plan_pod_memory_bytes"
    assert found.get_sample_value(cores, {"plan": "large", "kind": "request"}) == 0.25
    assert found.get_sample_value(cores, {"plan": "large", "kind": "limit"}) == 2
    assert found.get_sample_value(memory, {"plan": "large", "kind": "limit"}) == 1500 * 2**20
    assert found.get_sample_value(memory, {"plan": "plain", "kind": "request"}) == 160 * 2**20
    assert found.get_sample_value("rooftree_operator_plan_price", {"plan": "plain", "currency": "USD"}) is None


async def test_each_round_tells_anew_and_forgets_who_is_gone() -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    labels = {
        "tenant": world.status("acme")["tenantID"],
        "brokerage": "acme",
        "plan": "starter",
        "phase": world.status("acme")["phase"],
    }
    running = operator(world)
    await running._round()
    assert REGISTRY.get_sample_value("rooftree_operator_brokerage_info", labels) == 1
    del world.kube.objects["Brokerage", None, "acme"]
    await running._round()
    assert REGISTRY.get_sample_value("rooftree_operator_brokerage_info", labels) is None


def test_of_several_authorities_of_a_backend_the_first_end_counts() -> None:
    soon = new_authority("soon", datetime(2026, 1, 1, tzinfo=UTC))
    late = new_authority("late", datetime(2027, 1, 1, tzinfo=UTC))
    expiry.note_authority("kafka", late.certificate + soon.certificate)
    wanted = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=3650)).timestamp()
    assert ends("authority of kafka") == wanted


async def test_asking_the_edge_tells_when_its_certificate_ends(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    authority = new_authority("the edge's", now)
    shown = issue(authority, "acme.example", now)
    (tmp_path / "ca.crt").write_text(authority.certificate)
    (tmp_path / "edge.pem").write_text(shown.certificate + shown.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "edge.pem")
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        edge = Edge(f"127.0.0.1:{port}", str(tmp_path / "ca.crt"))
        answer = await edge.version("acme.example", port)
        await edge.close()
    assert answer.tenant_id == ACME["tenant"]
    assert ends(expiry.EDGE) == (now + timedelta(days=90)).timestamp()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = b'{"tenant_id": "acme-0a1b2c3d", "version": "1.0.0"}'
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    await writer.drain()
    writer.close()


def ends(certificate: str) -> float | None:
    name = "rooftree_operator_certificate_expiry_timestamp_seconds"
    return REGISTRY.get_sample_value(name, {"certificate": certificate})
