"""`plan` and `diff`: what an apply would do, and what differs, told by the operator's own plans over what is there."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
import yaml
from rooftree_operator.adapters.kubernetes import DEPLOYMENT, PLAN, POLICY, SERVICE
from rooftree_operator.drift import Object
from rooftree_operator.plugin import installed, parts

from .plugin_world import FakeCluster, said
from .plugin_world import installed as installed_in
from .test_plans import APART, TENANT
from .test_plugin import image_that_does_not_pull, judged, plan_unknown, ready
from .world import CA, NAMESPACE, PLATFORM, World, brokerage, now, plan


def planned(cluster: FakeCluster, capsys: pytest.CaptureFixture[str], *documents: Object) -> tuple[int, str, str]:
    cluster.files["new.yaml"] = yaml.safe_dump_all(documents)
    return said(cluster, capsys, "plan", "-f", "new.yaml")


def test_the_installation_is_what_the_operator_itself_is_told() -> None:
    here = asyncio.run(installed.found(ready().kube))
    assert here.platform == PLATFORM
    assert here.ca == CA


def test_where_backups_lie_on_a_volume_the_plugin_knows_what_namespaces_take() -> None:
    world = ready()
    operator = world.kube.find(DEPLOYMENT, "rooftree-operator", NAMESPACE)
    assert operator is not None
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    volume = '{"nfs": {"server": "files.example", "path": "/exports"}}'
    container["env"].append({"name": "ROOFTREE_OPERATOR_BACKUPS_VOLUME", "value": volume})
    assert asyncio.run(installed.found(world.kube)).platform == replace(PLATFORM, claims=1)


def test_every_part_of_a_tenant_is_looked_at_or_said_to_be_unseen() -> None:
    kube = World().kube
    looked_at = {part.name for part in parts.of_kubernetes(kube, CA, now, NAMESPACE)}
    assert looked_at | set(parts.UNSEEN) == World().reconciler.graph.by_name.keys()
    assert not looked_at & set(parts.UNSEEN)


def test_what_the_plugin_knows_of_plans_has_no_password() -> None:
    told = str(
        [[parts.words(one) + str(parts.leaves(one)) for one in all_] for all_ in parts.from_nothing(TENANT).values()]
    )
    assert "unknown" not in told
    assert "create database template-1.0.0" in told.lower()


def test_a_ready_brokerage_differs_in_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(ready(), capsys, "diff", "acme")
    assert (code, err) == (0, "")
    judged("diff-ready", out)


def test_a_ready_brokerage_in_microservices_differs_in_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    async def make() -> World:
        world = World()
        await world.release("1.0.0")
        world.kube.put(plan("large", database={"connections": 60}))
        world.kube.put(brokerage("acme", plan="large", topology="microservices"))
        await world.converge("acme")
        return world

    code, out, _ = said(installed_in(asyncio.run(make())), capsys, "diff", "acme")
    assert (code, out.splitlines()[0]) == (0, "acme: nothing differs in Kubernetes")


def changed_by_hand() -> FakeCluster:
    cluster = ready()
    app, service = (cluster.world.child("acme", kind, "app") for kind in (DEPLOYMENT, SERVICE))
    assert app is not None
    assert service is not None
    app["spec"]["template"]["spec"]["containers"][0]["image"] = "localhost/app:mine"
    del cluster.kube.objects["NetworkPolicy", app["metadata"]["namespace"], "default"]
    return cluster


def test_what_somebody_changed_is_told_field_by_field(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = changed_by_hand()
    code, out, _ = said(cluster, capsys, "diff", "acme")
    assert code == 1
    judged("diff-changed", out)
    assert cluster.world.child("acme", POLICY, "default") is None, "nothing is repaired"


def test_a_diff_says_what_the_reader_may_not_see(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    cluster.kube.forbidden = {"ResourceQuota"}
    code, out, _ = said(cluster, capsys, "diff", "acme")
    assert code == 1
    assert "namespace: cannot be seen, you may not read its objects" in out
    cluster.kube.forbidden = {"Secret"}
    code, _, err = said(cluster, capsys, "diff", "acme")
    assert (code, "needs the right to read Secrets" in err) == (1, True)


def test_a_brokerage_of_which_there_is_nothing_has_no_diff(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(plan_unknown(), capsys, "diff", "acme")
    assert (code, err.startswith("error: nothing of acme has been made yet")) == (1, True)


def test_the_same_file_again_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = planned(ready(), capsys, brokerage("acme"), plan("starter"))
    assert (code, out) == (0, "BrokeragePlan starter: unchanged\nBrokerage acme: unchanged\n")


def test_a_new_brokerage_is_planned_from_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = planned(ready(), capsys, brokerage("birch"))
    assert code == 0
    judged("plan-new", out)


def test_plans_and_diffs_are_data_too(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = changed_by_hand()
    (first, second) = json.loads(said(cluster, capsys, "diff", "acme", "-o", "json")[1])
    assert (first["what"], first["how"]) == ("NetworkPolicy default", "made")
    assert second["fields"][0]["have"] == "localhost/app:mine"
    cluster.files["new.yaml"] = yaml.safe_dump(brokerage("birch"))
    (effect,) = yaml.safe_load(said(cluster, capsys, "plan", "-f", "new.yaml", "-o", "yaml")[1])
    assert (effect["name"], effect["how"]) == ("birch", "created")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"pause": "Changes"}, "held: spec.pause is Changes"),
        ({"managementPolicy": "Observe"}, "held: spec.managementPolicy is Observe"),
        ({"pause": "Everything"}, "held: spec.pause is Everything"),
    ],
    ids=["changes", "observe", "everything"],
)
def test_a_plan_and_a_diff_say_what_of_it_is_held(
    spec: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = ready()
    cluster.kube.put(plan("large", database={"connections": 40}, quota={"pods": 9}))
    wanted = brokerage("acme", plan="large", displayName="Acme West", **spec)
    code, out, _ = planned(cluster, capsys, wanted)
    assert code == 0
    assert words in out
    assert "its pods are replaced" not in out
    everything = spec.get("pause") == "Everything"
    assert ("Deployment app: changed, held" in out) is not everything
    assert ("PostgreSQL: ensure role acme-00000001.app: connection_limit" in out) is not everything
    assert all(line.endswith(", held") for line in out.splitlines() if line.startswith("  PostgreSQL"))
    live = cluster.kube.objects["Brokerage", None, "acme"]
    cluster.kube.put({**wanted, "metadata": dict(live["metadata"]), "status": live["status"]})
    del cluster.kube.objects["NetworkPolicy", "tenant-acme-00000001", "default"]
    code, out, _ = said(cluster, capsys, "diff", "acme")
    assert (code, words.replace(":", "", 1) in " ".join(out.split())) == (1, True)
    assert "Deployment app: changed, held" in out
    upkeep = "  NetworkPolicy default: made" + ("" if spec.get("pause") == "Changes" else ", held")
    assert upkeep in out.splitlines()


def test_a_plan_that_a_brokerage_does_not_fit_into_is_told_with_what_stays_in_force(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = ready()
    cluster.kube.put(plan("small", replicas={"min": 3, "max": 3}, quota={"pods": 3}))
    code, out, _ = planned(cluster, capsys, brokerage("acme", plan="small"))
    assert code == 1
    assert "blocked, PlanTooSmall: the brokerage does not fit into plan small: quota.pods is 3" in out
    assert "plan starter stays in force" in out
    assert "ResourceQuota" not in out
    shrunk = plan("starter", replicas={"min": 3, "max": 3}, quota={"pods": 3})
    code, out, _ = planned(cluster, capsys, shrunk)
    assert code == 1
    assert "nothing of it is applied" in out
    assert "ResourceQuota tenant: changed, held" in out


def test_a_suspension_over_a_pause_is_told_as_held(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = planned(ready(), capsys, brokerage("acme", pause="Changes", suspend={"reason": "billing"}))
    assert "HTTPRoute app: changed, held" in out


def test_a_field_tells_whether_pods_roll_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = planned(ready(), capsys, brokerage("acme", displayName="Acme & Sons", mls=[]))
    assert code == 0
    judged("plan-brokerage", out)


def test_a_changed_plan_reaches_its_brokerages_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()

    async def more() -> None:
        cluster.kube.put(plan("other"))
        cluster.kube.put(brokerage("cedar", plan="other"))
        await cluster.world.converge("cedar")

    asyncio.run(more())
    wanted = plan(
        "starter", database={"connections": 20}, kafka={"requestPercentage": 50}, replicas={"min": 2, "max": 2}
    )
    limits = {"requests": {"cpu": "50m", "memory": "160Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}
    code, out, _ = planned(cluster, capsys, {**wanted, "spec": {**wanted["spec"], "resources": limits}})
    assert code == 0
    assert "cedar" not in out
    judged("plan-plan", out)


def test_what_a_plan_says_is_what_the_operator_then_does(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    wanted = brokerage("acme", displayName="Acme & Sons", timeZone="Europe/Berlin")
    _, out, _ = planned(cluster, capsys, wanted)
    named = {line.split(":")[0].strip() for line in out.splitlines() if line.endswith((": changed", ": made"))}
    cluster.kube.put({**wanted, "metadata": dict(cluster.kube.objects["Brokerage", None, "acme"]["metadata"])})
    cluster.world.forget_writes()
    asyncio.run(cluster.world.converge("acme"))
    writes = [write.removeprefix("apply ") for write in cluster.kube.writes if write.startswith("apply ")]
    assert named - {"Brokerage acme"} == {write for write in writes if "status" not in write}


def test_a_topology_that_the_plan_does_not_carry_would_be_blocked(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = planned(ready(), capsys, brokerage("acme", topology="microservices"))
    assert code == 1
    assert "Brokerage acme: blocked, PlanTooSmall: microservices need more connections" in out


def test_an_address_that_somebody_has_is_seen_before_the_apply(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    labels = {"rooftree.dev/host": "birch.rooftree.localhost"}
    metadata = {"name": "theirs", "namespace": "elsewhere", "labels": labels}
    route = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata, "spec": {}}
    cluster.kube.put(route)
    code, out, _ = planned(cluster, capsys, brokerage("birch"))
    assert code == 1
    assert "Brokerage birch: blocked, HostTaken" in out


@pytest.mark.parametrize(
    ("spec", "reason"), [({"plan": "nowhere"}, "PlanUnknown"), ({"version": "9.9.9"}, "ReleaseUnknown")]
)
def test_what_cannot_be_resolved_is_said_as_the_operator_would(
    spec: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = planned(ready(), capsys, brokerage("acme", **spec))
    assert code == 1
    assert f"Brokerage acme: blocked, {reason}: there is no " in out


def test_a_new_release_rolls_pods_and_runs_its_migrations(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    manifest = json.loads(
        cluster.kube.objects["ConfigMap", "rooftree-system", "release-1.0.0"]["data"]["tenant_manifest.json"]
    )
    manifest["migration_heads"] = {"identity": "r2"}
    data = {"image": "localhost/app:1.1.0", "tenant_manifest.json": json.dumps(manifest)}
    metadata = {"name": "release-1.1.0", "namespace": "rooftree-system", "labels": {"rooftree.dev/release": "1.1.0"}}
    cluster.kube.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    code, out, _ = planned(cluster, capsys, brokerage("acme", version="1.1.0"))
    assert code == 0
    assert "spec.version: nothing → 1.1.0   pods roll" in out
    assert "migrations of 1.1.0 run in Job migrate-" in out


def test_a_file_of_something_else_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = planned(ready(), capsys, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})
    assert (code, err) == (1, "error: the file holds a Secret: this looks at Brokerages and BrokeragePlans only\n")


def test_a_plan_comes_from_the_standard_input_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(yaml.safe_dump(brokerage("acme", displayName="Acme & Sons"))))
    code, out, _ = said(ready(), capsys, "plan", "-f", "-")
    assert (code, out.splitlines()[0]) == (0, "Brokerage acme: changed, its pods are replaced one after the other")


def test_planning_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = image_that_does_not_pull()
    cluster.world.forget_writes()
    planned(cluster, capsys, brokerage("birch"), plan("starter", database={"connections": 20}))
    assert cluster.world.writes() == []
    assert cluster.kube.find(PLAN, "starter") is not None


@pytest.mark.parametrize("tenant", [TENANT, APART], ids=["monolith", "microservices"])
def test_paths_and_values_of_a_spec_come_back(tenant: Any) -> None:
    from rooftree_operator.plugin import planning

    for spec in (tenant.spec, tenant.plan):
        whole = spec.model_dump(by_alias=True, mode="json")
        assert type(spec).model_validate(planning._nested(parts.leaves(whole))) == spec
