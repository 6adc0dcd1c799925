"""`kubectl brokerage` over a cluster of fakes: what it says, how it ends, and what it leaves alone.

After an intended change: `ROOFTREE_GOLDENS=write pytest operator/tests/operator_tests/test_plugin.py`.
"""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from rooftree_operator import names
from rooftree_operator.adapters.kubernetes import BROKERAGE, DEPLOYMENT, EVENT, ROUTE
from rooftree_operator.drift import Object
from rooftree_operator.plugin import brokerages, output, why
from rooftree_operator.plugin.evidence import Evidence

from .plugin_world import FakeCluster, installed, pod, said
from .test_tenant_scenarios import ready_world
from .world import World, brokerage, now, plan

GOLDENS = Path(__file__).parent / "goldens" / "plugin"
LATER = timedelta(minutes=12)
TENANT = "acme-00000001"


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are given twelve minutes after everything happened."""
    monkeypatch.setattr(output, "clock", lambda: now() + LATER)


def made(prepare: Callable[[], Awaitable[World]]) -> FakeCluster:
    async def make() -> World:
        return await prepare()

    return installed(asyncio.run(make()))


def started(**spec: Any) -> World:
    async def make() -> World:
        world = World()
        await world.release("1.0.0")
        world.kube.put(brokerage("acme", **spec))
        await world.converge("acme")
        return world

    return asyncio.run(make())


def looked_at(world: World) -> World:
    asyncio.run(world.reconciler.reconcile("acme"))
    return world


def stuck(world: World) -> World:
    app = world.child("acme", DEPLOYMENT, "app")
    assert app is not None
    app["status"] |= {"availableReplicas": 0, "updatedReplicas": 1}
    app["status"]["conditions"] = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    return looked_at(world)


def waits(reason: str, message: str) -> dict[str, Any]:
    unready = [{"type": "Ready", "status": "False"}, {"type": "PodScheduled", "status": "True"}]
    state = {"waiting": {"reason": reason, "message": message}}
    return {"phase": "Pending", "conditions": unready, "containerStatuses": [{"name": "app", "state": state}]}


def ready() -> FakeCluster:
    cluster = made(ready_world)
    pod(cluster.world, "app-7c9f-x1")
    return cluster


def plan_unknown() -> FakeCluster:
    cluster = installed(started(plan="nowhere"))
    cluster.kube.put(plan("professional"))
    return cluster


def image_that_does_not_pull() -> FakeCluster:
    cluster = installed(stuck(ready().world))
    missing = 'Back-off pulling image "localhost/app:1.0.0": ErrImagePull: localhost/app:1.0.0: not found'
    pod(cluster.world, "app-7c9f-x1", **waits("ImagePullBackOff", missing))
    return cluster


def crash() -> FakeCluster:
    cluster = installed(stuck(ready().world))
    broken = waits("CrashLoopBackOff", "back-off 40s restarting failed container")
    broken["containerStatuses"][0]["lastState"] = {"terminated": {"exitCode": 3, "reason": "Error"}}
    pod(cluster.world, "app-7c9f-x1", **broken)
    cluster.logs["app-7c9f-x1", True] = ["starting", "KeyError: 'ROOFTREE_DATABASE_HOST'"]
    return cluster


def database_away() -> FakeCluster:
    cluster = ready()
    cluster.world.postgres.down = True
    looked_at(cluster.world)
    return cluster


def host_taken() -> FakeCluster:
    world = World()
    labels = {"rooftree.dev/host": "acme.rooftree.localhost"}
    metadata = {
        "name": "theirs",
        "namespace": "elsewhere",
        "labels": labels,
        "creationTimestamp": "2020-01-01T00:00:00Z",
    }
    spec = {"hostnames": ["acme.rooftree.localhost"]}
    world.kube.put({"apiVersion": ROUTE.api_version, "kind": ROUTE.kind, "metadata": metadata, "spec": spec})

    async def make() -> World:
        await world.release("1.0.0")
        world.kube.put(brokerage("acme"))
        await world.converge("acme")
        return world

    return made(make)


def waiting() -> FakeCluster:
    async def make() -> World:
        world = World()
        await world.release("1.0.0")
        world.kube.put(brokerage("acme"))
        await world.begun("acme")
        return world

    cluster = made(make)
    unready = [{"type": "Ready", "status": "False", "message": "containers with unready status: [app]"}]
    pod(cluster.world, "app-7c9f-x1", conditions=unready)
    return cluster


def unseen() -> FakeCluster:
    cluster = installed(World())
    cluster.kube.put(brokerage("acme"))
    cluster.kube.objects["Deployment", "rooftree-system", "rooftree-operator"]["status"] = {}
    return cluster


def changed_and_unseen() -> FakeCluster:
    cluster = ready()
    item = deepcopy(cluster.kube.find(BROKERAGE, "acme"))
    assert item is not None
    item["spec"]["displayName"] = "Acme & Sons"
    cluster.kube.put(item)
    return cluster


def deleting() -> FakeCluster:
    cluster = ready()
    cluster.world.delete("acme")
    looked_at(cluster.world)
    return cluster


def job_pod(cluster: FakeCluster, job: Object, name: str, **status: Any) -> None:
    metadata = job["metadata"]
    labels = {**metadata["labels"], "job-name": metadata["name"]}
    placed = {"name": name, "namespace": metadata["namespace"], "labels": labels}
    containers = [{"name": "migrate"}]
    pod_ = {"apiVersion": "v1", "kind": "Pod", "metadata": placed, "spec": {"containers": containers}, "status": status}
    cluster.kube.put(pod_)


def jobs_of(cluster: FakeCluster, prefix: str) -> Object:
    (job,) = [
        one for (kind, space, _), one in cluster.kube.objects.items() if kind == "Job" and str(space).startswith(prefix)
    ]
    return job


def migration_that_fails() -> FakeCluster:
    cluster = ready()

    async def upgrade() -> None:
        await cluster.world.release("1.1.0", "r2")
        await cluster.world.reconciler.reconcile("acme")
        job = jobs_of(cluster, "tenant-")
        failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
        job["status"] = {"conditions": [failed]}
        job_pod(cluster, job, "migrate-1-x", phase="Failed")
        cluster.logs["migrate-1-x", False] = ["upgrading", 'ERROR: column "price" contains null values']
        await cluster.world.reconciler.reconcile("acme")

    asyncio.run(upgrade())
    return cluster


def template_that_cannot_be_pulled() -> FakeCluster:
    async def make() -> World:
        world = World()
        await world.release("1.0.0")
        template = names.template_database("1.0.0")
        del world.postgres.known[template]
        world.kube.put(brokerage("acme"))
        await world.begun("acme")
        return world

    cluster = made(make)
    job = jobs_of(cluster, "rooftree-system")
    job["status"] = {"active": 1}
    missing = 'Back-off pulling image "localhost/app:1.0.0"'
    job_pod(cluster, job, "template-1-x", **waits("ImagePullBackOff", missing))
    return cluster


def changed(**spec: Any) -> FakeCluster:
    """A ready brokerage whose spec was changed, when all has come to rest."""

    async def make() -> World:
        world = await ready_world()
        item = world.kube.find(BROKERAGE, "acme")
        assert item is not None
        world.kube.put({**item, "spec": {**item["spec"], **spec}})
        await world.converge("acme")
        return world

    return made(make)


def deletion_held() -> FakeCluster:
    cluster = changed(pause="Everything")
    cluster.world.retire("acme")
    looked_at(cluster.world)
    return cluster


CASES: dict[str, Callable[[], FakeCluster]] = {
    "ready": ready,
    "plan-unknown": plan_unknown,
    "image": image_that_does_not_pull,
    "crash": crash,
    "database-away": database_away,
    "host-taken": host_taken,
    "migration": migration_that_fails,
    "template": template_that_cannot_be_pulled,
    "waiting": waiting,
    "unseen": unseen,
    "changed-and-unseen": changed_and_unseen,
    "deleting": deleting,
    "suspended": lambda: changed(suspend={"reason": "billing", "message": "Call us"}),
    "changes-held": lambda: changed(pause="Changes", displayName="Acme West"),
    "observed": lambda: changed(managementPolicy="Observe", suspend={"reason": "billing"}),
    "everything": lambda: changed(pause="Everything", displayName="Acme West"),
    "deletion-held": deletion_held,
}


def judged(name: str, text: str) -> None:
    """Compares with what is recorded."""
    golden = GOLDENS / f"{name}.txt"
    if os.environ.get("ROOFTREE_GOLDENS") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("case", CASES)
def test_why_tells_one_chain_as_recorded(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(CASES[case](), capsys, "why", "acme")
    assert (code, err) == (0 if case == "ready" else 1, "")
    judged(f"why-{case}", out)


@pytest.mark.parametrize("case", [case for case in CASES if case != "ready"])
def test_why_reads_at_eighty_columns_and_ends_in_a_command(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(CASES[case](), capsys, "why", "acme")
    told, command = out.split("\n  next        ")
    assert [line for line in told.splitlines() if len(line) > 80] == []
    assert command.startswith("kubectl ")
    # What is left to be filled in by the reader would be in capitals.
    assert not set(re.findall(r"[A-Z]{3,}", command)), command


@pytest.mark.parametrize("case", CASES)
def test_why_is_data_too(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(CASES[case](), capsys, "why", "acme", "-o", "json")
    found = json.loads(out)
    assert found["ready"] is (case == "ready")
    assert case == "ready" or found["next"].startswith("kubectl ")


@pytest.mark.parametrize("case", ["ready", "image", "waiting", "plan-unknown"])
def test_the_tree_is_as_recorded(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(CASES[case](), capsys, "tree", "acme")
    assert code == (0 if case == "ready" else 1)
    judged(f"tree-{case}", out)


def test_the_tree_says_what_the_reader_may_not_see(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    cluster.kube.forbidden = {"Secret"}
    code, out, _ = said(cluster, capsys, "tree", "acme")
    assert code == 0
    assert "Secret *  hidden: you may not list them" in out


def several() -> FakeCluster:
    async def make() -> World:
        world = await ready_world()
        world.kube.put(brokerage("birch", plan="nowhere"))
        world.kube.put(brokerage("cedar"))
        await world.converge("birch")
        return world

    return made(make)


@pytest.mark.parametrize("form", ["table", "wide"])
def test_the_list_tells_who_has_a_problem_and_who_acts(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(several(), capsys, "list", "-o", form)
    assert code == 0
    judged(f"list-{form}", out)


def test_the_list_tells_who_is_held_back_and_by_what(capsys: pytest.CaptureFixture[str]) -> None:
    for case, word in {"changes-held": "ChangesHeld", "observed": "ChangesHeld", "everything": "Everything"}.items():
        line = said(CASES[case](), capsys, "list")[1].splitlines()[1]
        assert re.split(r" {2,}", line)[2:5] == ["Paused", word, "Reseller"]


@pytest.mark.parametrize(
    ("spec", "ends"),
    [({"pause": "Changes"}, {"pause": None}), ({"managementPolicy": "Observe"}, {"managementPolicy": "Manage"})],
    ids=["changes", "observe"],
)
def test_why_says_of_a_ready_brokerage_that_it_is_held_back_and_how_to_go_on(
    spec: dict[str, str], ends: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = changed(**spec)
    code, out, _ = said(cluster, capsys, "why", "acme")
    (field,) = spec
    assert (code, out.splitlines()[0].startswith("acme is ready")) == (0, True)
    assert f"spec.{field} is {spec[field]}" in out
    assert out.endswith(f"next        kubectl patch brokerage acme --type=merge -p '{json.dumps({'spec': ends})}'\n")
    data = json.loads(said(cluster, capsys, "why", "acme", "-o", "json")[1])
    assert data["heldBack"]["level"] == spec[field]


def unserved(world: World, name: str, **spec: Any) -> FakeCluster:
    item = deepcopy(world.kube.find(BROKERAGE, name)) or brokerage(name, **spec)
    item["metadata"]["labels"] = {"rooftree.dev/shard": "esat"}
    world.kube.put(item)
    asyncio.run(world.reconciler.reconcile(name))
    return installed(world)


def test_why_says_of_a_ready_brokerage_that_no_operator_serves_its_shard(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = unserved(started(), "acme")
    code, out, _ = said(cluster, capsys, "why", "acme")
    assert (code, out.splitlines()[0].startswith("acme is ready")) == (0, True)
    assert "also wrong  ShardServed: ShardUnserved: no operator serves shard 'esat'" in out
    assert out.endswith("next        kubectl label --overwrite brokerage acme rooftree.dev/shard-\n")
    (error,) = json.loads(said(cluster, capsys, "why", "acme", "-o", "json")[1])["errors"]
    assert (error["code"], error["audience"]) == ("ShardUnserved", "Platform")


def test_why_says_of_a_new_brokerage_that_no_operator_serves_its_shard(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(unserved(started(), "birch"), capsys, "why", "birch")
    assert (code, "ShardServed is False: ShardUnserved" in out) == (1, True)
    assert "a platform admin" in out
    assert "next        kubectl label --overwrite brokerage birch rooftree.dev/shard-" in out


@pytest.mark.parametrize("words", [("suspend", "acme", "--reason", "billing"), ("resume", "acme")])
def test_whoever_suspends_or_resumes_over_a_pause_is_told_that_it_waits(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "held back" not in said(ready(), capsys, *words)[1]
    code, out, _ = said(changed(pause="Changes"), capsys, *words)
    assert (code, "that waits, the operator is held back (Changes): `kubectl brokerage why acme`" in out) == (0, True)


def test_what_is_wrong_comes_before_a_pause_which_is_told_besides(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = changed(pause="Changes", plan="nowhere")
    _, out, _ = said(cluster, capsys, "why", "acme")
    assert "Ready is False: PlanUnknown" in out
    assert "also wrong  Paused: Changes" in out


def test_the_list_of_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(FakeCluster(World()), capsys, "list") == (0, "There are no brokerages.\n", "")


@pytest.mark.parametrize("case", ["ready", "database-away", "unseen"])
def test_the_status_is_as_recorded(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(CASES[case](), capsys, "status", "acme")
    assert code == (0 if case == "ready" else 1)
    judged(f"status-{case}", out)


def test_the_status_as_json_and_yaml_is_all_that_the_operator_says(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    found = json.loads(said(cluster, capsys, "status", "acme", "-o", "json")[1])
    assert found == yaml.safe_load(said(cluster, capsys, "status", "acme", "-o", "yaml")[1])
    assert (found["name"], found["ready"], found["operation"]["state"]) == ("acme", True, "Succeeded")
    assert found.items() >= cluster.world.status("acme").items()


def test_events_come_in_order_with_those_of_the_pods(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    space = f"tenant-{TENANT}"
    late = {"name": "pull.1", "namespace": space, "creationTimestamp": "2026-11-24T12:05:00Z"}
    regarding = {"kind": "Pod", "name": "app-7c9f-x1"}
    event = {"type": "Warning", "reason": "Failed", "note": "no such image", "deprecatedCount": 4}
    cluster.kube.put(
        {"apiVersion": EVENT.api_version, "kind": "Event", "metadata": late, "regarding": regarding, **event}
    )
    cluster.world.kube.put(brokerage("birch"))
    code, out, _ = said(cluster, capsys, "events", "acme")
    lines = out.splitlines()
    assert code == 0
    assert lines[-1].split() == ["7m", "Warning", "Failed", "x4", "Pod/app-7c9f-x1", "no", "such", "image"]
    assert "The brokerage answers on https://acme.rooftree.localhost:8443." in out
    assert len(lines) == 1 + len(json.loads(said(cluster, capsys, "events", "acme", "-o", "json")[1]))


def test_whoever_may_not_look_into_the_namespace_sees_the_brokerages_own_story(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = image_that_does_not_pull()
    cluster.kube.forbidden = {"Pod", "Deployment"}
    code, out, err = said(cluster, capsys, "why", "acme")
    assert (code, err) == (1, "")
    assert "(you may not see deployments)" in out
    assert f"kubectl describe pods -n tenant-{TENANT}" in out


def measured(cluster: FakeCluster) -> None:
    cluster.kube.unserved.clear()
    usage = {"cpu": "12345678n", "memory": "98304Ki"}
    metadata = {"name": "app-7c9f-x1", "namespace": f"tenant-{TENANT}"}
    entry = {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": metadata}
    cluster.kube.objects["PodMetrics", metadata["namespace"], metadata["name"]] = entry | {
        "containers": [{"name": "app", "usage": usage}]
    }


def test_top_tells_what_pods_take_and_how_many_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    measured(cluster)
    code, out, _ = said(cluster, capsys, "top", "acme", "-o", "wide")
    assert code == 0
    assert out.splitlines()[1].split() == ["acme", "app-7c9f-x1", "12m", "96Mi", "1", "320Mi", "1/1"]


def test_top_without_a_metrics_api_says_so_and_still_counts_pods(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(ready(), capsys, "top")
    assert code == 1
    assert out.splitlines()[1].split() == ["acme", "app-7c9f-x1", "-", "-", "1/1"]
    assert "There is no metrics API" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["--tail=50", "--max-log-requests=60"]),
        (("--since", "10m", "-f"), ["--tail=-1", "--max-log-requests=60", "--since=10m", "--follow"]),
        (("--previous", "--tail", "5"), ["--tail=5", "--max-log-requests=60", "--previous"]),
    ],
    ids=["plain", "followed", "previous"],
)
def test_logs_are_those_of_the_tenants_pods(
    words: tuple[str, ...], expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = ready()
    assert said(cluster, capsys, "logs", "acme", *words)[0] == 0
    selector = f"--selector=rooftree.dev/tenant={TENANT},app.kubernetes.io/name"
    begin = ["logs", f"--namespace=tenant-{TENANT}", selector, "--all-containers", "--prefix", "--ignore-errors"]
    assert list(cluster.became) == [*begin, *expected]


def test_a_module_has_logs_of_its_own_only_where_it_has_pods(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    code, _, err = said(cluster, capsys, "logs", "acme", "--module", "crm")
    assert (code, err) == (1, "error: acme runs all its modules in the pods of the app: leave --module out\n")
    cluster.kube.objects["Brokerage", None, "acme"]["spec"]["topology"] = "microservices"
    said(cluster, capsys, "logs", "acme", "--module", "gateway")
    assert cluster.became[2].endswith("app.kubernetes.io/name=app")


def test_open_gives_the_address_and_the_owners_link(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    assert said(cluster, capsys, "open", "acme") == (0, "https://acme.rooftree.localhost:8443\n", "")
    assert said(cluster, capsys, "open", "acme", "--link")[1] == "https://acme.rooftree.localhost:8443/invite/once\n"
    assert cluster.ran[-1][-4:] == ("python", "-m", "rooftree.cli", "owner-link")
    code, _, err = said(plan_unknown(), capsys, "open", "acme")
    assert (code, err) == (1, "error: acme has no address yet: see `kubectl brokerage why acme`\n")


def test_suspend_and_resume_declare_it_or_say_that_nobody_understands_it(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    assert said(cluster, capsys, "suspend", "acme", "--reason", "billing", "--message", "Back soon")[0] == 0
    suspended = cluster.kube.objects["Brokerage", None, "acme"]["spec"]["suspend"]
    assert suspended == {"reason": "billing", "message": "Back soon"}
    assert said(cluster, capsys, "resume", "acme") == (0, "acme is resumed\n", "")
    assert "suspend" not in cluster.kube.objects["Brokerage", None, "acme"]["spec"]
    cluster.knows_suspend = False
    code, out, err = said(cluster, capsys, "suspend", "acme", "--reason", "idle")
    assert (code, out) == (1, "")
    assert err.startswith("error: this installation does not know spec.suspend")


@pytest.mark.parametrize("verb", ["status", "why", "tree", "events", "open", "logs", "diff", "top", "resume", "rotate"])
def test_a_brokerage_that_is_not_there_is_one_line_and_one(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(FakeCluster(World()), capsys, verb, "nobody")
    assert (code, out) == (1, "")
    assert err == "error: there is no brokerage 'nobody': see `kubectl brokerage list`\n"


@pytest.mark.parametrize("words", [(), ("whatever",), ("why",), ("list", "-o", "xml"), ("plan",)])
def test_a_wrong_command_line_is_one_line_and_two(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(FakeCluster(World()), capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--help" in err


def test_colours_are_for_terminals_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    screen: Any = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.Style.of(screen)("bad", "no") == "\x1b[31mno\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.Style.of(screen)("bad", "no") == "no"


def test_nothing_that_looks_writes_anything(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = crash()
    cluster.world.forget_writes()
    for verb in ("list", "status", "why", "tree", "events", "top", "diff"):
        said(cluster, capsys, verb, *([] if verb in ("list",) else ["acme"]))
    assert cluster.world.writes() == []


def test_why_copes_with_an_operator_that_tells_no_errors_yet() -> None:
    old = deepcopy(plan_unknown().kube.find(BROKERAGE, "acme"))
    assert old is not None
    del old["status"]["errors"]
    chain = why.linked(old, Evidence(), now())
    assert (chain.code, chain.audience) == ("PlanUnknown", "Reseller")
    assert chain.next == "kubectl get brokerageplans && kubectl edit brokerage acme"
    assert brokerages.worst_of(old) is not None


def test_a_new_version_that_does_not_come_up_is_the_one_that_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()

    async def upgrade() -> None:
        await cluster.world.release("1.1.0")
        for _ in range(2):
            await cluster.world.reconciler.reconcile("acme")

    asyncio.run(upgrade())
    pod(cluster.world, "app-new", **waits("ErrImagePull", "localhost/app:1.1.0: not found"))
    assert cluster.world.status("acme")["version"] == "1.0.0"
    assert "kubectl get configmap release-1.1.0 " in said(cluster, capsys, "why", "acme")[1]


def test_a_rotation_is_wanted_once_and_not_again_before_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = ready()
    code, out, _ = said(cluster, capsys, "rotate", "acme")
    assert (code, "which takes about 13 minutes" in out) == (0, True)
    wanted = cluster.kube.objects["Brokerage", None, "acme"]["metadata"]["annotations"]["rooftree.dev/rotate"]
    assert wanted in out
    for phase in ("Pending", "Preparing"):
        code, _, err = said(cluster, capsys, "rotate", "acme")
        assert (code, f"acme is being rotated already ({phase})" in err) == (1, True)
        asyncio.run(cluster.world.reconciler.reconcile("acme"))
    roles = said(cluster, capsys, "tree", "acme")[1]
    assert f"{TENANT}.app, {TENANT}.app-b" in roles
    assert f"{TENANT}.migrator-b" in roles


def test_a_rotation_over_a_pause_is_told_to_wait(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(changed(pause="Changes"), capsys, "rotate", "acme")
    assert (code, "that waits, the operator is held back (Changes)" in out) == (0, True)


def test_the_names_in_the_tree_are_those_of_the_backends(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(ready(), capsys, "tree", "acme")
    tenant = names.TenantId(TENANT)
    for name in (names.database(tenant), names.app_role(tenant), names.index_pattern(tenant), names.bucket(tenant)):
        assert name in out
