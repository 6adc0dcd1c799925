"""What the chart renders is what an API server takes, for every stage, with all that an admin may ask for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from delivery import ROOT, chart
from jsonschema import Draft7Validator
from rooftree_operator.scaling import signals

pytestmark = pytest.mark.chart

VALUES = chart.release_values("registry.example", '{"version": "1"}')
PEER: dict[str, Any] = {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"protocol": "TCP", "port": 1}]}
# Parts of the question of scaling that look at less than two of the chart's usual intervals.
FRESH = ("arrivals", "recent", "deviation", "in_flight", "age", "measured", "residence", "waits")
DASHBOARDS = ROOT / "observability" / "dashboards" / "generated"
RULES = ROOT / "observability" / "rules"
# The chart's own values take everything else from here.
LEAST = VALUES | {
    "postgres": {"host": "10.0.0.1"},
    "network": {
        "peers": dict.fromkeys(("dns", "postgres", "kafka", "elasticsearch", "redis"), PEER),
        "apiserver": PEER,
        "edge": PEER["to"],
    },
}

# What the page of replays needs.
REPLAYS = {
    "scaling": {"prometheusUrl": "http://10.0.0.1:9090"},
    "network": LEAST["network"] | {"prometheus": PEER},
}


@pytest.fixture(scope="module")
def stages() -> dict[str, list[dict[str, Any]]]:
    return {stage: chart.render_stage(stage) for stage in chart.STAGES}


def only(documents: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [one for one in documents if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def test_what_the_own_values_render_is_taken_by_the_api_server() -> None:
    documents = chart.render(values=LEAST)
    assert len(documents) > 20
    assert [mistake for document in documents for mistake in chart.mistakes(document)] == []


@pytest.mark.parametrize(
    "volume",
    [
        {"nfs": {"server": "files.example", "path": "/exports/rooftree"}, "mountOptions": ["hard"]},
        {"hostPath": {"path": "/srv/rooftree"}},
        {"csi": {"driver": "nfs.csi.k8s.io", "volumeHandle": "rooftree", "volumeAttributes": {"share": "/x"}}},
    ],
    ids=["nfs", "hostPath", "csi"],
)
def test_what_a_volume_of_backups_renders_is_taken_by_the_api_server(volume: dict[str, Any]) -> None:
    documents = chart.render(values=LEAST | {"backups": {"volume": volume}})
    assert {"PersistentVolume", "PersistentVolumeClaim"} <= {document["kind"] for document in documents}
    assert [mistake for document in documents for mistake in chart.mistakes(document)] == []


@pytest.mark.parametrize(
    ("kind", "path", "value", "found"),
    [
        ("Deployment", ("spec", "replica"), 2, "spec: Additional properties are not allowed"),
        ("Deployment", ("spec", "replicas"), "two", "spec/replicas: 'two' is not of type"),
        ("NetworkPolicy", ("spec", "podSelectors"), {}, "Additional properties are not allowed"),
        ("Gateway", ("spec", "listener"), [], "spec: Additional properties are not allowed"),
        ("HTTPRoute", ("spec", "parentRefs"), "rooftree", "spec/parentRefs: 'rooftree' is not of type 'array'"),
    ],
)
def test_an_object_that_the_api_server_would_refuse_is_found(
    stages: dict[str, list[dict[str, Any]]], kind: str, path: tuple[str, ...], value: Any, found: str
) -> None:
    document = next(one for one in stages["dev"] if one["kind"] == kind)
    assert chart.mistakes(document) == []
    broken = yaml.safe_load(yaml.safe_dump(document))
    broken[path[0]][path[1]] = value
    assert any(found in mistake for mistake in chart.mistakes(broken))


def test_an_object_of_a_kind_that_nobody_knows_is_found() -> None:
    unknown = {"apiVersion": "apps/v1", "kind": "Sandwich", "metadata": {"name": "x"}}
    assert any("Couldn't find schema" in mistake for mistake in chart.mistakes(unknown))


def test_lint_is_content_with_every_stage() -> None:
    assert chart.lint() == []


def test_lint_tells_a_bad_value_of_a_stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    values = yaml.safe_load(chart.stage_file("dev").read_text())
    values["operator"]["logLevel"] = "LOUD"
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(values))
    monkeypatch.setattr(chart, "stage_file", lambda stage: tmp_path / "dev.yaml")
    assert any("logLevel" in finding for finding in chart.lint())


def test_every_image_has_a_tag_of_its_sources_and_never_latest(stages: dict[str, list[dict[str, Any]]]) -> None:
    for documents in stages.values():
        images = re.findall(r"registry\.example/[^\"'\s]+", yaml.safe_dump_all(documents))
        assert images
        assert all(re.fullmatch(r"registry\.example/rooftree-[a-z-]+:0\.1\.0-dev\.[0-9a-f]{12}", one) for one in images)
    assert "latest" not in yaml.safe_dump_all(documents for stage in stages.values() for documents in stage)


def test_the_definitions_in_the_chart_s_rights_are_those_that_we_generate(
    stages: dict[str, list[dict[str, Any]]],
) -> None:
    defined = {yaml.safe_load(file.read_text())["spec"]["names"]["plural"] for file in (ROOT / "crds").glob("*.yaml")}
    rules = only(stages["dev"], "ClusterRole", "rooftree-operator")["rules"]
    named = {name for rule in rules if rule["apiGroups"] == ["rooftree.dev"] for name in rule["resources"]}
    assert {name.partition("/")[0] for name in named} == defined


def test_examples_are_such_as_the_definitions_take() -> None:
    for file in sorted((ROOT / "examples").glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            assert chart.mistakes(document) == [], file.name


def test_notes_say_where_brokerages_answer_and_what_to_do_next() -> None:
    words = ["install", "rooftree", str(chart.CHART), "--dry-run=client", f"--namespace={chart.NAMESPACE}"]
    notes = chart.run_helm(*words, f"--values={chart.stage_file('staging')}", values=VALUES).partition("NOTES:")[2]
    assert "https://<name>.staging.rooftree.example:8443" in notes
    assert f"stable={VALUES['release']['version']}" in notes
    assert "<no value>" not in notes


def test_a_component_runs_where_and_as_an_admin_says() -> None:
    wanted = {
        "replicas": 2,
        "podAnnotations": {"note": "1"},
        "nodeSelector": {"pool": "platform"},
        "tolerations": [{"key": "platform", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}},
    }
    components = {
        "operator": "rooftree-operator",
        "edge": "rooftree-edge",
        "unknownHost": "unknown-host",
        "activator": "rooftree-activator",
        "counterfactual": "rooftree-counterfactual",
    }
    secrets = [{"name": "registry"}]
    asked: dict[str, Any] = dict.fromkeys(components, wanted) | {"imagePullSecrets": secrets, **REPLAYS}
    asked["counterfactual"] = wanted | {"enabled": True}
    documents = chart.render(values=LEAST | asked)
    for name in components.values():
        spec = only(documents, "Deployment", name)["spec"]
        pod = spec["template"]["spec"]
        assert spec["replicas"] == 2
        assert spec["template"]["metadata"]["annotations"]["note"] == "1"
        assert {key: pod[key] for key in ("nodeSelector", "tolerations", "affinity")} == {
            key: wanted[key] for key in ("nodeSelector", "tolerations", "affinity")
        }
        assert pod["containers"][0]["resources"]["requests"] == {"cpu": "1m", "memory": "1Mi"}
        assert pod["imagePullSecrets"] == secrets
        assert only(documents, "PodDisruptionBudget", name)["spec"]["maxUnavailable"] == 1
    assert [mistake for document in documents for mistake in chart.mistakes(document)] == []


def test_a_single_pod_has_no_disruption_budget_and_budgets_can_be_switched_off() -> None:
    def budgets(**values: Any) -> list[str]:
        documents = chart.render(values=LEAST | values)
        return [one["metadata"]["name"] for one in documents if one["kind"] == "PodDisruptionBudget"]

    assert budgets() == []
    assert budgets(edge={"replicas": 2}) == ["rooftree-edge"]
    assert budgets(edge={"replicas": 2}, podDisruptionBudgets=False) == []


def test_monitors_are_made_only_where_they_are_asked_for(stages: dict[str, list[dict[str, Any]]]) -> None:
    assert not chart.WITHOUT_SCHEMA & {one["kind"] for one in stages["dev"]}
    monitor = only(stages["production"], "ServiceMonitor", "rooftree-operator")
    service = only(stages["production"], "Service", "rooftree-operator")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert [port["name"] for port in service["spec"]["ports"]] == [monitor["spec"]["endpoints"][0]["port"]]
    # All shards' operators are behind the one Service; of a lost one the others must not speak.
    (named,) = monitor["spec"]["endpoints"][0]["relabelings"]
    assert named == {"sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_name"], "targetLabel": "job"}
    activator = only(stages["production"], "PodMonitor", "rooftree-activator")
    assert activator["spec"]["podMetricsEndpoints"][0]["port"] == "metrics"


def test_where_there_are_monitors_there_are_all_rules(stages: dict[str, list[dict[str, Any]]]) -> None:
    wanted = {f"rooftree-{path.stem}": yaml.safe_load(path.read_text()) for path in RULES.glob("*.yaml")}
    made = {one["metadata"]["name"]: one for one in stages["production"] if one["kind"] == "PrometheusRule"}
    assert wanted
    assert {name: one["spec"] for name, one in made.items()} == wanted
    assert {one["metadata"]["labels"]["release"] for one in made.values()} == {"prometheus"}


def test_what_scaling_goes_by_is_read_as_often_as_it_asks_and_nowhere_else(
    stages: dict[str, list[dict[str, Any]]],
) -> None:
    tenants = only(stages["production"], "PodMonitor", "rooftree-tenants")
    pods, arrivals, demand = tenants["spec"]["podMetricsEndpoints"]
    assert {one["port"] for one in (pods, arrivals, demand)} == {"metrics"}
    assert (arrivals["interval"], arrivals["scrapeTimeout"]) == ("1s", "1s")
    # Rates over 30 s: of all other numbers there may be one in that time.
    assert (demand["interval"], demand["scrapeTimeout"]) == ("5s", "5s")
    read = [name for one in (arrivals, demand) for name in one["params"]["name[]"]]
    assert pods["metricRelabelings"] == [{"sourceLabels": ["__name__"], "regex": "|".join(read), "action": "drop"}]
    made = [[rule["targetLabel"] for rule in one["relabelings"]] for one in (pods, arrivals, demand)]
    assert made == [["tenant", "module", "job"]] * 3
    assert [one["relabelings"][-1]["replacement"] for one in (arrivals, demand)] == ["arrivals", "demand"]
    asked = set(re.findall(r"(?:rooftree|http)_\w+", " ".join(signals.PARTS[part] for part in FRESH)))
    assert asked == set(read)


def test_dashboards_are_made_only_where_they_are_asked_for(stages: dict[str, list[dict[str, Any]]]) -> None:
    def found(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {one["metadata"]["name"]: one for one in documents if "grafana_dashboard" in one["metadata"]["labels"]}

    assert found(stages["dev"]) == {}
    generated = {path.stem: json.loads(path.read_text()) for path in DASHBOARDS.glob("*.json")}
    made = found(stages["production"])
    assert set(made) == {f"rooftree-dashboard-{name}" for name in generated}
    for name, dashboard in generated.items():
        one = made[f"rooftree-dashboard-{name}"]
        assert one["kind"] == "ConfigMap"
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert one["metadata"]["annotations"] == {"grafana_folder": "Rooftree"}
        assert json.loads(one["data"][f"rooftree-{name}.json"]) == without_replays(dashboard)


def without_replays(dashboard: dict[str, Any]) -> dict[str, Any]:
    return dashboard | {"links": [link for link in dashboard["links"] if not link.get("url", "").startswith("/replay")]}


def test_dashboards_lead_to_the_page_of_replays_where_an_admin_says_that_it_is() -> None:
    wanted = {"enabled": True, "replayUrl": "https://replay.example/x/"}
    documents = chart.render(values=LEAST | {"dashboards": wanted})
    for path in DASHBOARDS.glob("*.json"):
        data = only(documents, "ConfigMap", f"rooftree-dashboard-{path.stem}")["data"]
        made = json.loads(data[f"rooftree-{path.name}"])
        own = [link["url"] for link in made["links"] if link["type"] == "link"]
        assert own == (["https://replay.example/x/?tenant=${tenant}"] if path.stem in ("scaling", "tenant") else [])
        assert made | {"links": []} == json.loads(path.read_text()) | {"links": []}


def test_an_admin_may_have_dashboards_found_by_another_label_and_in_another_folder() -> None:
    wanted = {"enabled": True, "labels": {"team": "platform"}, "annotations": {"folder": "Tenants"}}
    documents = chart.render(values=LEAST | {"dashboards": wanted})
    metadata = only(documents, "ConfigMap", "rooftree-dashboard-fleet")["metadata"]
    assert metadata["labels"]["team"] == "platform"
    assert metadata["annotations"]["folder"] == "Tenants"


def test_the_package_holds_neither_stages_nor_the_edges_build() -> None:
    text = chart.run_helm("show", "all", str(chart.package()))
    assert f"version: {chart.version()}" in text
    assert "FROM" not in text


def test_schema_of_the_values_is_a_schema() -> None:
    Draft7Validator.check_schema(yaml.safe_load((chart.CHART / "values.schema.json").read_text()))


def test_a_stage_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="dev, staging, production"):
        chart.stage_file("prod")
