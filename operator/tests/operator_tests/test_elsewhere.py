"""An operator that is installed in another namespace than the usual one: what it and the plugin tell leads there."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from rooftree_operator.adapters.kubernetes import CONFIG
from rooftree_operator.names import template_database
from rooftree_operator.plugin import brokerages

from . import world as worlds
from .plugin_world import FakeCluster, said
from .test_tenant_scenarios import FEED
from .world import World, brokerage

SPACE = "platform-east"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "NAMESPACE", SPACE)
    monkeypatch.setattr(worlds, "PLATFORM", replace(worlds.PLATFORM, namespace=SPACE))


async def world_of(**spec: Any) -> World:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme", **spec))
    return world


async def converged(**spec: Any) -> World:
    world = await world_of(**spec)
    await world.converge("acme")
    return world


async def test_the_status_tells_where_the_operator_is() -> None:
    world = await converged()
    assert world.status("acme")["operatorNamespace"] == SPACE
    assert world.kube.find(CONFIG, "release-1.0.0", SPACE) is not None
    world.forget_writes()
    await world.converge("acme")
    assert world.writes() == []


async def test_one_that_is_not_looked_at_tells_it_too() -> None:
    world = await converged(pause="Everything")
    assert world.status("acme")["operatorNamespace"] == SPACE


def test_releases_are_looked_for_where_the_operator_is(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = FakeCluster(asyncio.run(converged(version="9.9.9")))
    _, text, _ = said(cluster, capsys, "why", "acme")
    assert "there are: 1.0.0" in text
    assert f"kubectl get configmaps -n {SPACE} " in text


def test_jobs_of_templates_are_looked_for_where_the_operator_is(capsys: pytest.CaptureFixture[str]) -> None:
    async def without_template() -> World:
        world = await world_of()
        del world.postgres.known[template_database("1.0.0")]
        await world.begun("acme")
        return world

    cluster = FakeCluster(asyncio.run(without_template()))
    (job,) = [item for key, item in cluster.kube.objects.items() if key[:2] == ("Job", SPACE)]
    job["status"] = {"active": 1}
    _, text, _ = said(cluster, capsys, "why", "acme")
    assert f"Job {SPACE}/{job['metadata']['name']}: running" in " ".join(text.split())


def test_what_is_awaited_leads_there(capsys: pytest.CaptureFixture[str]) -> None:
    world = asyncio.run(converged(mls=[FEED]))
    assert world.status("acme").get("errors") is None, "else the operator had filled in the command"
    _, text, _ = said(FakeCluster(world), capsys, "why", "acme")
    assert f"kubectl get secrets -n {SPACE} -l rooftree.dev/brokerage=acme" in text


def test_what_nobody_has_looked_at_yet_leads_there(capsys: pytest.CaptureFixture[str]) -> None:
    world = asyncio.run(converged())
    world.kube.objects["Brokerage", None, "acme"]["metadata"]["generation"] += 1
    _, text, _ = said(FakeCluster(world), capsys, "why", "acme")
    assert f"-n {SPACE} " in text


def test_as_long_as_the_operator_has_said_nothing_it_is_sought_where_it_usually_is() -> None:
    assert brokerages.platform_of(brokerage("acme")) == "rooftree-system"
