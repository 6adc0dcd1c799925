"""What a deployment says to the cluster, and that a smoke test tells what does not work."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from delivery import chart, deploy, push, smoke
from jsonschema import Draft7Validator
from rooftree_local import sources

STAGES = list(chart.STAGES)


@pytest.fixture(autouse=True)
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """helm need not be there to say how it is called; the app's manifest takes a second that nobody needs here."""
    monkeypatch.setattr(chart, "helm", lambda: "helm")
    monkeypatch.setattr(deploy, "manifest", lambda: '{"version": "x"}')


def mistakes(values: dict[str, Any]) -> list[str]:
    """What the chart's schema says of values over the chart's own."""
    whole = yaml.safe_load((chart.CHART / "values.yaml").read_text())
    whole |= {key: {**whole[key], **value} if isinstance(value, dict) else value for key, value in values.items()}
    schema = json.loads((chart.CHART / "values.schema.json").read_text())
    return [error.message for error in Draft7Validator(schema).iter_errors(whole)]


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("stage", STAGES)
def test_values_of_every_stage_are_such_as_the_chart_wants(stage: str, local: bool) -> None:
    told = deploy.values(stage, "registry.example/group", local=local)
    assert mistakes(told) == []
    assert told["image"]["operator"] == f"registry.example/group/rooftree-operator:{sources.OPERATOR.version}"
    assert told["release"]["version"] == told["channels"]["stable"] == sources.TENANT.version


def test_stages_differ_in_size_and_address_and_in_nothing_that_decides_about_the_product() -> None:
    told = {stage: deploy.values(stage, "r", local=False) for stage in STAGES}
    assert len({told[stage]["edge"]["domain"] for stage in STAGES}) == len(STAGES)
    assert len({json.dumps(told[stage]["release"]) for stage in STAGES}) == 1
    assert told["production"]["edge"]["replicas"] >= 2
    assert told["production"]["operator"]["replicas"] >= 2
    assert all(told[stage].get("network", {}).get("enabled", True) for stage in STAGES)


def test_a_local_stack_gets_its_own_addresses_and_the_stages_size() -> None:
    told = deploy.values("staging", "localhost", local=True)
    assert told["edge"]["domain"] == "rooftree.localhost"
    assert told["edge"]["replicas"] == 1
    assert told["operator"]["replicas"] == 2
    assert told["imagePullSecrets"] == []


def test_an_upgrade_waits_and_goes_back_by_itself() -> None:
    words = deploy.upgrade_words("5m", dry_run=False)
    assert {"--wait", "--rollback-on-failure", "--cleanup-on-fail", "--timeout=5m"} <= set(words)


def test_a_dry_run_asks_the_server_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[list[str]] = []
    monkeypatch.setattr(deploy, "run", lambda argv, content=None: said.append(list(argv)) or "")
    deploy.upgrade({}, "5m", dry_run=True)
    changing = [words for words in said if words[1] in {"apply", "upgrade"}]
    assert len(changing) == 2
    assert all("--dry-run=server" in words for words in changing)


def test_definitions_come_before_the_chart_and_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[list[str]] = []
    monkeypatch.setattr(deploy, "run", lambda argv, content=None: said.append(list(argv)) or "")
    deploy.upgrade({}, "5m", dry_run=False)
    assert [words[1] for words in said] == ["get", "apply", "wait", "upgrade"]


def test_a_failure_is_told_with_the_programs_own_words() -> None:
    with pytest.raises(deploy.Failed, match=r"exit code 3\nwhy"):
        deploy.run([sys.executable, "-c", "print('why'); raise SystemExit(3)"])


def test_what_the_build_storage_lost_is_brought_back_before_it_is_pushed() -> None:
    known = {image.reference for image in push.DELIVERED if image is not sources.EDGE}
    commands = push.commands("registry.example/group", known)
    assert [command[-1] for command in commands if "pull" in command] == [f"docker-archive:{sources.EDGE.archive}"]
    assert [command[-1] for command in commands if "push" in command] == [
        f"docker://registry.example/group/rooftree-{image.name}:{image.version}" for image in push.DELIVERED
    ]


@pytest.mark.parametrize("registry", [[], [""], ["localhost"]])
def test_nothing_is_pushed_to_nowhere(registry: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["push", *registry])
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something was run"))
    assert push.main() == 2


@dataclass
class Cluster:
    """A cluster that answers kubectl, with what is wrong with it."""

    broken: str = ""
    objects: set[str] = field(default_factory=set[str])
    asked: list[str] = field(default_factory=list[str])
    canary: dict[str, Any] = field(default_factory=dict[str, Any])

    def __call__(self, *words: str, content: str | None = None) -> str:
        line = " ".join(words)
        self.asked.append(line)
        if self.broken and self.broken in line:
            raise smoke.Failed(f"kubectl {line}\ntimed out")
        if words[0] == "apply":
            self.objects |= {item["kind"] for item in json.loads(content or "")["items"]}
            (self.canary,) = [item for item in json.loads(content or "")["items"] if item["kind"] == "Brokerage"]
        if words[0] == "delete":
            # Only who confirmed it on the object may delete one with all its data, and only so nothing stays.
            assert self.canary["spec"]["deletionPolicy"] == "Delete"
            assert self.canary["metadata"]["annotations"] == {"rooftree.dev/confirm-deletion": "canary"}
            self.objects.clear()
        return self._answer(line)

    def _answer(self, line: str) -> str:
        if "get --raw" in line:
            names = ["brokerages"] if self.broken == "kinds" else ["brokerages", "brokerageplans", "brokerages/status"]
            return json.dumps({"resources": [{"name": name} for name in names]})
        if "configmap channels" in line:
            return json.dumps({"data": {"stable": "1.0"}})
        if "get brokerage/canary --output=json" in line:
            status = {"tenantID": "canary-1", "namespace": "t-canary-1", "url": "https://canary", "version": "1.0"}
            return json.dumps({"status": status})
        if "get namespace" in line:
            return "namespace/t-canary-1" if self.broken == "leftover" else ""
        return "canary   False   MigrationsApplied" if "--output=wide" in line else ""


def ask(cluster: Cluster, stage: str) -> list[str]:
    return [check(cluster) for check in smoke.checks(stage)]


@pytest.mark.parametrize("stage", STAGES)
def test_a_cluster_that_works_passes_and_only_staging_has_a_canary(stage: str) -> None:
    cluster = Cluster()
    said = ask(cluster, stage)
    assert said[2] == "channel stable is 1.0"
    assert any("brokerage/canary" in line for line in cluster.asked) is (stage == "staging")
    assert cluster.objects == set()


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("deployment/rooftree-operator", "deployment/rooftree-operator"),
        ("deployment/rooftree-edge", "deployment/rooftree-edge"),
        ("kinds", "does not serve brokerageplans"),
        ("configmap release-1.0", "release-1.0"),
        ("wait brokerage/canary", "MigrationsApplied"),
        ("leftover", "there is left: namespace/t-canary-1"),
    ],
)
def test_what_does_not_work_is_told(broken: str, told: str) -> None:
    with pytest.raises(smoke.Failed, match=told):
        ask(Cluster(broken), "staging")


def test_a_canary_that_is_not_ready_stays_to_be_looked_at() -> None:
    cluster = Cluster("wait brokerage/canary")
    with pytest.raises(smoke.Failed):
        ask(cluster, "staging")
    assert cluster.objects == {"Brokerage", "BrokeragePlan"}
