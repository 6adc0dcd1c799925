"""What the watches told is read instead of asking, as long as it cannot be older than what we know otherwise."""

import json
from typing import Any

import pytest
from rooftree_operator.adapters.kubernetes import (
    BINDING,
    BUDGET,
    DEPLOYMENT,
    JOB,
    NAMESPACE,
    POLICY,
    QUOTA,
    ROUTE,
    SERVICE,
    Forbidden,
    Kind,
    Kubernetes,
)
from rooftree_operator.adapters.shared_reads import shared
from rooftree_operator.adapters.watched import FORGOTTEN, SILENT, Watched, WentBack
from rooftree_operator.drift import Object
from rooftree_operator.errors import Unavailable
from rooftree_operator.gate import Gate
from rooftree_operator.names import LABEL_MANAGED_BY, MANAGER

from .fakes.followed import FollowedKubernetes
from .test_topology import LARGE, change
from .world import World, brokerage, plan

SPACE = "tenant-acme"
APP = SERVICE.path("app", SPACE)


def service(version: int, name: str = "app", **more: Any) -> Object:
    metadata = {"name": name, "namespace": SPACE, "resourceVersion": str(version), "managedFields": [{"manager": "x"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, **more}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def following(*items: Object) -> tuple[Watched, Clock]:
    """Services, with a listing of these as of version 10."""
    clock = Clock()
    made = Watched(clock)
    made.keeps(["services", "namespaces"])
    told = made.lists("services", [(SERVICE.path(item["metadata"]["name"], SPACE), item) for item in items])
    made.listed("services", told, "10")
    return made, clock


def version(made: Watched, path: str = APP) -> int:
    found = made.find("services", path)
    assert found is not None
    return int(found["metadata"]["resourceVersion"])


def unknown(made: Watched, path: str = APP, plural: str = "services") -> bool:
    try:
        made.find(plural, path)
    except LookupError:
        return True
    return False


def test_what_was_listed_is_found_without_its_managers_and_as_a_copy() -> None:
    made, _ = following(service(5, spec={"ports": [80]}))
    found = made.find("services", APP)
    assert found is not None
    found["spec"]["ports"].append(81)
    assert made.find("services", APP) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "app", "namespace": SPACE, "resourceVersion": "5"},
        "spec": {"ports": [80]},
    }


def test_before_the_listing_is_complete_nobody_is_told_anything() -> None:
    made = Watched(Clock())
    assert unknown(made)
    made.keeps(["services"])
    made.lists("services", [(APP, service(5))])
    assert unknown(made)
    made.listed("services", {APP}, "10")
    assert version(made) == 5


def test_what_is_not_in_a_complete_listing_is_missing_but_a_namespace_may_be_somebody_elses() -> None:
    made, _ = following()
    assert made.find("services", APP) is None
    made.listed("namespaces", set(), "10")
    assert unknown(made, NAMESPACE.path(SPACE, None), "namespaces")


def test_what_went_while_nobody_watched_is_gone_with_the_next_listing() -> None:
    made, _ = following(service(5), service(6, "rpc"))
    made.listed("services", {APP}, "20")
    assert made.find("services", SERVICE.path("rpc", SPACE)) is None
    assert version(made) == 5


def test_a_listing_that_began_before_a_write_does_not_take_the_written_away() -> None:
    made, _ = following()
    made.answered("services", APP, service(15))
    made.listed("services", set(), "12")
    assert version(made) == 15


def test_events_bring_newer_versions_and_an_old_event_covers_nothing() -> None:
    made, _ = following(service(5))
    made.hears("services", "MODIFIED", APP, service(12))
    made.hears("services", "MODIFIED", APP, service(11))
    assert version(made) == 12


def test_what_was_deleted_is_asked_for_and_an_answer_from_before_does_not_bring_it_back() -> None:
    made, _ = following(service(5))
    made.hears("services", "DELETED", APP, service(12))
    assert unknown(made), "it may only have lost our label"
    made.answered("services", APP, service(11))
    assert unknown(made)
    made.listed("services", set(), "20")
    assert made.find("services", APP) is None


def test_a_watch_that_tells_nothing_not_even_that_is_not_believed() -> None:
    made, clock = following(service(5))
    clock.now = SILENT + 1
    assert unknown(made)
    made.hears("services", "BOOKMARK", "", {"metadata": {"resourceVersion": "30"}})
    assert version(made) == 5


def test_what_is_only_known_to_have_gone_is_forgotten_when_no_answer_can_come_any_more() -> None:
    made, clock = following(service(5))
    made.hears("services", "DELETED", APP, service(12))
    made.writes("services", SERVICE.path("refused", SPACE))
    clock.now = FORGOTTEN - 1
    made.hears("services", "ADDED", SERVICE.path("rpc", SPACE), service(13, "rpc"))
    assert unknown(made)
    clock.now = FORGOTTEN + 1
    made.hears("services", "BOOKMARK", "", {"metadata": {"resourceVersion": "30"}})
    assert list(made._watches["services"].kept) == [SERVICE.path("rpc", SPACE)]
    assert made.find("services", APP) is None


def test_what_came_back_is_not_forgotten_with_what_had_gone() -> None:
    made, clock = following(service(5))
    made.hears("services", "DELETED", APP, service(12))
    made.hears("services", "ADDED", APP, service(14))
    clock.now = FORGOTTEN + 1
    made.hears("services", "BOOKMARK", "", {"metadata": {"resourceVersion": "30"}})
    assert version(made) == 14


def test_what_is_there_stays_unknown_however_long_ago_a_write_to_it_was_refused() -> None:
    made, clock = following(service(5), service(6, "rpc"))
    made.writes("services", APP)
    made.answered("services", SERVICE.path("rpc", SPACE) + "/scale", service(6, "rpc"))
    clock.now = FORGOTTEN + 1
    made.hears("services", "BOOKMARK", "", {"metadata": {"resourceVersion": "30"}})
    assert unknown(made)
    assert unknown(made, SERVICE.path("rpc", SPACE))


def test_an_answer_from_before_a_listing_that_does_not_tell_of_it_does_not_bring_it_back() -> None:
    made, _ = following(service(5))
    made.listed("services", set(), "20")
    made.answered("services", APP, service(12))
    assert made.find("services", APP) is None
    made.answered("services", APP, service(21))
    assert version(made) == 21


def test_what_our_own_last_write_made_is_known_until_anybody_makes_something_else_of_it() -> None:
    made, _ = following(service(7))
    assert not made.is_own("services", APP, service(7))
    made.writes("services", APP)
    made.answered("services", APP, service(11))
    assert made.is_own("services", APP, service(11))
    assert not made.is_own("services", APP, service(12))
    made.answered("services", f"{APP}/scale", service(13))
    assert made.is_own("services", APP, service(13))
    assert not made.is_own("services", APP, service(11))
    made.answered("services", APP, service(14), deleted=True)
    assert not made.is_own("services", APP, service(14))
    made.hears("services", "DELETED", APP, service(14))
    assert not made.is_own("services", APP, service(13))


def test_of_what_a_listing_does_not_tell_any_more_nothing_is_our_own() -> None:
    made, _ = following(service(7))
    made.answered("services", APP, service(11))
    made.listed("services", set(), "12")
    assert not made.is_own("services", APP, service(11))


def test_of_what_went_before_the_answer_to_our_write_came_nothing_is_our_own() -> None:
    made, _ = following(service(7))
    made.writes("services", APP)
    made.hears("services", "DELETED", APP, service(12))
    made.answered("services", APP, service(11))
    assert not made.is_own("services", APP, service(11))


def test_all_that_have_a_label_are_found_and_nobody_else_however_alike() -> None:
    def of(host: str, name: str, version: int, **labels: str) -> Object:
        found = service(version, name)
        return {**found, "metadata": {**found["metadata"], "labels": {"host": host, **labels}}}

    made, clock = following(of("a.test", "app", 7), of("b.test", "other", 8, note="a.test"), of("a.test.b", "third", 9))
    found = made.having("services", "host", "a.test")
    assert [item["metadata"]["name"] for item in found] == ["app"]
    made.writes("services", APP)
    assert made.having("services", "host", "a.test") == []
    made.answered("services", APP, of("b.test", "app", 11))
    assert len(made.having("services", "host", "b.test")) == 2
    clock.now = SILENT + 1
    with pytest.raises(LookupError):
        made.having("services", "host", "a.test")


async def test_a_host_that_a_route_of_another_brokerage_has_is_known_from_the_watches() -> None:
    world = World(cluster=FollowedKubernetes)
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    world.kube.reads.clear()
    await world.reconciler.reconcile("acme")
    assert not [read for read in world.kube.reads if "HTTPRoute" in read or "httproutes" in read]
    route = world.child("acme", ROUTE, "app")
    assert route is not None
    metadata = {**route["metadata"], "namespace": "tenant-other", "creationTimestamp": "2020-01-01T00:00:00Z"}
    world.kube.put({**route, "metadata": {name: metadata[name] for name in metadata if name != "resourceVersion"}})
    await world.reconciler.reconcile("acme")
    assert world.condition("acme", "RouteReady") == ("False", "HostTaken")


def test_a_cluster_that_was_put_back_to_an_earlier_state_ends_the_process_which_knows_a_later_one() -> None:
    made, _ = following(service(5))
    made.hears("services", "BOOKMARK", "", {"metadata": {"resourceVersion": "12"}})
    told = made.lists("services", [(APP, service(5))])
    with pytest.raises(WentBack, match="services are as of version 11, and were as of 12 before"):
        made.listed("services", told, "11")
    made.listed("services", told, "12")


class Api:
    """An apiserver that answers in turn; `asked` lists methods and paths."""

    def __init__(self, *answers: Object | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def request(self, method: str, path: str, **_: Any) -> Any:
        self.asked.append(f"{method} {path}")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self.answer = answer
        return self

    async def json(self) -> Object:
        return json.loads(json.dumps(self.answer))


def cluster(made: Watched, *answers: Object | Exception) -> tuple[Kubernetes, Api]:
    kube, api = Kubernetes.__new__(Kubernetes), Api(*answers)
    kube.gate, kube._client, kube.watched = Gate(), api, made
    return kube, api


async def test_a_pass_reads_what_a_watch_told_and_whoever_is_in_no_pass_asks() -> None:
    kube, api = cluster(following(service(5))[0], service(5))
    with shared():
        assert await kube.get(SERVICE, "app", SPACE) is not None
        assert await kube.get(SERVICE, "rpc", SPACE) is None
    assert api.asked == []
    await kube.get(SERVICE, "app", SPACE)
    assert api.asked == [f"get {APP}"]


async def test_a_kind_that_is_not_watched_is_asked_for() -> None:
    kube, api = cluster(following()[0], service(5))
    with shared():
        await kube.get(JOB, "migrate", SPACE)
    assert api.asked == [f"get {JOB.path('migrate', SPACE)}"]


async def test_what_was_applied_is_known_from_the_answer_before_its_event_comes() -> None:
    made, _ = following(service(5))
    kube, api = cluster(made, service(12, spec={"ports": [81]}))
    await kube.apply(service(0))
    made.hears("services", "MODIFIED", APP, service(11))
    with shared():
        found = await kube.get(SERVICE, "app", SPACE)
    assert found is not None
    assert (found["spec"], len(api.asked)) == ({"ports": [81]}, 1)


async def test_a_write_whose_answer_got_lost_makes_the_next_pass_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = following(service(5))
    kube, api = cluster(made, TimeoutError(), service(12), TimeoutError(), service(13, "rpc"))
    with pytest.raises(Unavailable):
        await kube.apply(service(0))
    with shared():
        found = await kube.get(SERVICE, "app", SPACE)
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "12"
    with pytest.raises(Unavailable):
        await kube.create(service(0, "rpc"))
    with shared():
        assert await kube.get(SERVICE, "rpc", SPACE) is not None
    assert [line.partition(" ")[0] for line in api.asked] == ["patch", "get", "post", "get"]


async def test_what_was_deleted_or_scaled_is_asked_for_until_the_watch_tells() -> None:
    made = Watched(Clock())
    made.keeps(["deployments"])
    path = DEPLOYMENT.path("app", SPACE)
    made.listed("deployments", made.lists("deployments", [(path, service(5))]), "10")
    scaled: Object = {"kind": "Scale", "metadata": {"name": "app", "resourceVersion": "12"}}
    kube, _ = cluster(made, scaled, {"kind": "Status", "metadata": {}})
    await kube.scale("app", SPACE, 3)
    made.hears("deployments", "MODIFIED", path, service(11))
    assert unknown(made, path, "deployments")
    made.hears("deployments", "MODIFIED", path, service(12))
    assert not unknown(made, path, "deployments")
    await kube.delete(DEPLOYMENT, "app", SPACE)
    assert unknown(made, path, "deployments")


async def test_the_answer_to_a_deletion_is_the_deleted_object_and_does_not_bring_it_back() -> None:
    """Of Services and ResourceQuotas; with the very version of the event, which may come before it."""
    made, _ = following(service(5))
    kube, api = cluster(made, service(12))
    send = api.request

    async def late(method: str, path: str, **options: Any) -> Any:
        made.hears("services", "DELETED", APP, service(12))
        return await send(method, path, **options)

    api.request = late
    assert await kube.delete(SERVICE, "app", SPACE)
    assert unknown(made)
    made.listed("services", set(), "20")
    assert made.find("services", APP) is None


async def test_who_changed_something_is_read_from_the_apiserver() -> None:
    kube, api = cluster(following(service(5))[0], service(5))
    with shared():
        found = await kube.fetch(SERVICE, "app", SPACE)
    assert found is not None
    assert found["metadata"]["managedFields"] == [{"manager": "x"}]
    assert len(api.asked) == 1


class HesitantKubernetes(FollowedKubernetes):
    """Its authorizer sees a new RoleBinding only after a few requests."""

    refusals = 3

    async def fetch(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        if kind == QUOTA and self.find(BINDING, MANAGER, namespace) and self.refusals:
            self.refusals -= 1
            raise Forbidden(403, "no rights yet")
        return await super().fetch(kind, name, namespace)

    async def apply(self, wanted: Object, *, subresource: str | None = None) -> Object:
        if wanted["kind"] == QUOTA.kind and self.refusals:
            raise Forbidden(403, "no rights yet")
        return await super().apply(wanted, subresource=subresource)


async def test_new_rights_are_waited_for_though_a_watch_could_tell_what_they_are_tried_on() -> None:
    world = World(cluster=HesitantKubernetes)
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.reconciler.reconcile("acme")
    await world.reconciler.reconcile("acme")
    assert world.condition("acme", "NamespaceReady") == ("True", "Provisioned")


async def test_an_app_that_lost_our_label_while_nobody_watched_gets_it_back_and_keeps_its_pods() -> None:
    """It looks like one that is missing, but it does not begin anew: how many pods it has is the autoscaler's."""
    world = World(cluster=FollowedKubernetes)
    await world.release("1.0.0")
    world.kube.put(plan("starter", replicas={"min": 2, "max": 5}))
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    app = world.child("acme", DEPLOYMENT, "app")
    assert app is not None
    app["spec"]["replicas"] = 5
    del app["metadata"]["labels"][LABEL_MANAGED_BY]
    world.settle()
    world.forget_writes()
    await world.converge("acme")
    assert "scale app" not in world.writes()
    app = world.child("acme", DEPLOYMENT, "app")
    assert app is not None
    assert (app["spec"]["replicas"], app["metadata"]["labels"][LABEL_MANAGED_BY]) == (5, MANAGER)


async def test_what_modules_leave_goes_also_where_it_lost_our_label_while_nobody_watched() -> None:
    world = World(cluster=FollowedKubernetes)
    await world.release("1.0.0")
    world.kube.put(LARGE)
    world.kube.put(brokerage("acme", plan="large", topology="microservices"))
    await world.converge("acme")
    kinds = (DEPLOYMENT, SERVICE, POLICY, BUDGET)
    for kind in kinds:
        item = world.child("acme", kind, "property")
        assert item is not None
        del item["metadata"]["labels"][LABEL_MANAGED_BY]
    world.settle()
    change(world, topology="monolith")
    await world.converge("acme")
    assert [kind.kind for kind in kinds if world.child("acme", kind, "property")] == []


async def test_what_is_right_by_now_is_not_told_as_changed_by_others() -> None:
    """Somebody has just put it back, for example the operator before this one, and the watch has not told of it."""
    world = World(cluster=FollowedKubernetes)
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    app = world.child("acme", SERVICE, "app")
    assert app is not None
    label = app["metadata"]["labels"].pop(LABEL_MANAGED_BY)
    world.settle()
    app["metadata"]["labels"][LABEL_MANAGED_BY] = label
    await world.reconciler.reconcile("acme")
    assert [key for key, item in world.kube.objects.items() if item.get("reason") == "DriftRepaired"] == []
