"""A tenant's place in Elasticsearch over a fake that keeps state."""

from collections.abc import Callable
from copy import deepcopy

import pytest
from rooftree_operator.adapters.kubernetes import BROKERAGE
from rooftree_operator.provisioners.search import differs

from .test_tenant_scenarios import ready_world
from .world import World, brokerage

USER = "acme-00000001.app"


async def test_search_is_ready_when_the_tenant_has_its_role_user_and_template() -> None:
    world = await ready_world()
    assert world.condition("acme", "SearchReady") == ("True", "Provisioned")
    (own,) = world.elasticsearch.roles[USER]["indices"]
    assert (own["names"], own["allow_restricted_indices"]) == (["acme-00000001.*"], False)
    assert world.elasticsearch.roles[USER]["cluster"] == []
    assert world.elasticsearch.users[USER]["roles"] == [USER]
    template = world.elasticsearch.templates["acme-00000001"]
    assert (template["index_patterns"], template["allow_auto_create"]) == (["acme-00000001.*"], False)
    marks = [world.elasticsearch.roles[USER]["metadata"], template["_meta"], template["template"]["mappings"]["_meta"]]
    assert marks == [{"rooftree.dev/tenant": "acme-00000001"}] * 3


async def test_no_password_is_kept_in_the_open() -> None:
    world = await ready_world()
    assert len(world.elasticsearch.passwords[USER]) > 40
    assert world.elasticsearch.passwords[USER] not in str(world.inventory())


def held(world: World) -> object:
    """What the cluster has of all tenants."""
    return deepcopy((world.elasticsearch.roles, world.elasticsearch.users, world.elasticsearch.templates))


@pytest.mark.parametrize(
    "drift",
    [
        lambda world: world.elasticsearch.roles[USER]["indices"][0].update(names=["*"]),
        lambda world: world.elasticsearch.roles[USER].update(cluster=["monitor"]),
        lambda world: world.elasticsearch.roles[USER].update(remote_indices=[{"names": ["*"]}]),
        lambda world: world.elasticsearch.roles.pop(USER),
        lambda world: world.elasticsearch.users[USER].update(enabled=False),
        lambda world: world.elasticsearch.users[USER].update(roles=[USER, "superuser"]),
        lambda world: world.elasticsearch.users.pop(USER),
        lambda world: world.elasticsearch.templates.pop("acme-00000001"),
    ],
    ids=["names", "cluster", "remote", "no-role", "disabled", "superuser", "no-user", "no-template"],
)
async def test_each_drift_is_repaired(drift: Callable[[World], object]) -> None:
    world = await ready_world()
    before = held(world)
    drift(world)
    assert held(world) != before
    await world.converge("acme")
    assert held(world) == before


def test_a_role_that_grants_more_than_wanted_differs_however_it_is_written() -> None:
    wanted = {"cluster": [], "indices": [{"names": ["a.*"]}]}
    assert not differs(wanted, {**wanted, "transient_metadata": {"enabled": True}, "run_as": []})
    assert differs(wanted, {**wanted, "global": {"application": {"manage": {}}}})
    assert differs(wanted, {**wanted, "indices": [{"names": ["a.*"]}, {"names": ["b.*"]}]})


async def test_elasticsearch_down_shows_in_its_condition_and_leaves_the_other_parts_alone() -> None:
    world = await ready_world()
    world.elasticsearch.down = True
    assert (await world.reconciler.reconcile("acme")).failed
    assert world.condition("acme", "SearchReady") == ("False", "ElasticsearchUnreachable")
    assert world.condition("acme", "DatabaseReady")[0] == "True"
    assert world.condition("acme", "NetworkReady")[0] == "True"
    world.elasticsearch.down = False
    await world.converge("acme")
    assert world.status("acme")["phase"] == "Ready"


async def test_the_login_is_closed_first_and_the_data_goes_after_the_namespace() -> None:
    world = await ready_world()
    world.kube.put(brokerage("acme-west"))
    await world.converge("acme-west")
    west = f"{world.tenant('acme-west')}.app"
    world.elasticsearch.known = {"acme-00000001.properties-1", "acme-000000012.properties-1"}
    world.delete("acme")
    await world.reconciler.reconcile("acme")
    assert USER not in world.elasticsearch.users
    assert "acme-00000001.properties-1" in world.elasticsearch.known
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
    assert world.elasticsearch.known == {"acme-000000012.properties-1"}, "who only looks alike stays"
    assert list(world.elasticsearch.roles) == list(world.elasticsearch.users) == [west]


async def test_a_deletion_waits_for_elasticsearch() -> None:
    world = await ready_world()
    world.delete("acme")
    world.elasticsearch.down = True
    assert (await world.reconciler.reconcile("acme")).failed
    assert world.condition("acme", "Ready") == ("False", "ElasticsearchUnreachable")
    assert not world.postgres.known_roles[USER].can_login, "the other logins are closed all the same"
    world.elasticsearch.down = False
    await world.converge("acme")
    assert world.kube.find(BROKERAGE, "acme") is None
