"""The chart: what it refuses, and that the operator gets no more rights than it uses."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from rooftree_operator import activator, counterfactual, host_pages, names, routing, shards
from rooftree_operator.activator import server
from rooftree_operator.activator.settings import Settings as ActivatorSettings
from rooftree_operator.adapters.kubernetes import BACKUP, BROKERAGE, OPERATION, PLAN, Kind
from rooftree_operator.api.plan import BrokeragePlanSpec
from rooftree_operator.counterfactual.settings import Settings as CounterfactualSettings
from rooftree_operator.handlers import WATCHED
from rooftree_operator.settings import MostCalls, Settings

NODE = [{"ipBlock": {"cidr": "10.0.0.1/32"}}]


def destination(*ports: int) -> dict[str, Any]:
    return {"to": NODE, "ports": [{"protocol": "TCP", "port": port} for port in ports]}


OPERATOR = "rooftree-operator"
CHART = Path(__file__).parents[3] / "charts" / "rooftree"
VALUES: dict[str, Any] = {
    "image": {"operator": "localhost/rooftree-operator:1.0.0", "edge": "localhost/rooftree-edge:1.0.0"},
    "release": {"version": "1.0.0", "image": "localhost/rooftree-tenant:1.0.0", "manifest": '{"version": "1.0.0"}'},
    "channels": {"stable": "1.0.0"},
    "postgres": {"host": "10.0.0.1", "port": 5432},
    "s3": {"secret": "rooftree-s3"},
    "network": {
        "peers": {
            "dns": destination(53),
            "postgres": destination(5432),
            "kafka": destination(9092),
            "elasticsearch": destination(9200),
            "redis": destination(6379),
            "s3": destination(7070),
            "telemetry": destination(4318),
        },
        "apiserver": destination(6443),
        "edge": NODE,
    },
}


def merged(**changes: Any) -> dict[str, Any]:
    """The chart's own values with ours and the changes over them, as helm does it."""
    own = yaml.safe_load((CHART / "values.yaml").read_text())
    for layer in (VALUES, changes):
        own = {**own, **{name: {**own.get(name, {}), **value} for name, value in layer.items()}}
    return own


def mistakes(values: dict[str, Any]) -> list[str]:
    schema = json.loads((CHART / "values.schema.json").read_text())
    return sorted({"/".join(str(part) for part in error.path) for error in Draft7Validator(schema).iter_errors(values)})


def test_good_values_are_taken() -> None:
    assert mistakes(merged()) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"image": {"operator": "localhost/operator:latest"}}, "image/operator"),
        ({"image": {"operator": "localhost/operator"}}, "image/operator"),
        ({"release": {"version": ""}}, "release/version"),
        ({"edge": {"port": 0}}, "edge/port"),
        ({"edge": {"domain": "*.example"}}, "edge/domain"),
        ({"postgres": {"host": ""}}, "postgres/host"),
        ({"operator": {"replicas": 0}}, "operator/replicas"),
        ({"operator": {"replica": 3}}, "operator"),
        ({"operator": {"shards": ["East"]}}, "operator/shards/0"),
        ({"operator": {"shards": ["a" * 31]}}, "operator/shards/0"),
        ({"operator": {"shards": ["east", "east"]}}, "operator/shards"),
        ({"operator": {"mostCalls": {"kafka": 0}}}, "operator/mostCalls/kafka"),
        ({"operator": {"mostCalls": {"mongodb": 1}}}, "operator/mostCalls"),
        ({"edge": {"replicas": 0}}, "edge/replicas"),
        ({"unknownHost": {"nodeSelector": {"zone": 1}}}, "unknownHost/nodeSelector/zone"),
        ({"activator": {"replicas": 0}}, "activator/replicas"),
        ({"activator": {"patience": 5}}, "activator"),
        ({"counterfactual": {"replicas": 0}}, "counterfactual/replicas"),
        ({"counterfactual": {"clients": [{}]}}, "counterfactual/clients/0"),
        ({"counterfactual": {"enabled": True}}, "scaling/prometheusUrl"),
        ({"dashboards": {"replayUrl": "replay.example"}}, "dashboards/replayUrl"),
        ({"dashboards": {"replayUrl": "https://replay.example/?x="}}, "dashboards/replayUrl"),
        ({"operator": {"tolerations": [{}]}}, "operator/tolerations/0"),
        ({"operator": {"podAnnotations": ["a"]}}, "operator/podAnnotations"),
        ({"serviceMonitor": {"interval": "soon"}}, "serviceMonitor/interval"),
        ({"channels": {"Stable": "1.0.0"}}, "channels"),
        ({"elasticsearch": {"replicas": -1}}, "elasticsearch/replicas"),
        ({"telemetry": {"otlpEndpoint": "collector:4318"}}, "telemetry/otlpEndpoint"),
        (
            {"scaling": {"prometheusUrl": "prometheus:9090"}, "network": {"prometheus": destination(9090)}},
            "scaling/prometheusUrl",
        ),
        ({"scaling": {"prometheusUrl": "http://prometheus:9090"}, "network": {"prometheus": {}}}, "network/prometheus"),
        ({"smtp": {"host": "mail.example", "from": "rooftree@example.com"}}, "network/peers"),
        ({"network": {"peers": {name: destination(1) for name in ("dns", "kafka", "redis")}}}, "network/peers"),
        (
            {"network": {"peers": {"dns": {"to": [], "ports": [{"port": 53}]}}, "enabled": False}},
            "network/peers/dns/to",
        ),
        ({"network": {"edge": []}}, "network/edge"),
        ({"network": {"apiserver": {}}}, "network/apiserver"),
        ({"backups": {"volume": {"nfs": {"server": "files.example"}}}}, "backups/volume/nfs"),
        ({"backups": {"volume": {"nfs": {"server": "files.example", "path": "exports"}}}}, "backups/volume/nfs/path"),
        ({"backups": {"volume": {"nfs": {"server": "a' || true", "path": "/x"}}}}, "backups/volume/nfs/server"),
        ({"backups": {"volume": {"nfs": {"server": "a", "path": "/x' || 'a"}}}}, "backups/volume/nfs/path"),
        ({"backups": {"volume": {"hostPath": {"path": "/srv/../etc"}}}}, "backups/volume/hostPath/path"),
        ({"backups": {"volume": {"hostPath": {"path": "/"}}}}, "backups/volume/hostPath/path"),
        ({"backups": {"volume": {"csi": {"driver": "d", "volumeHandle": "a'b"}}}}, "backups/volume/csi/volumeHandle"),
        ({"backups": {"volume": {"emptyDir": {}}}}, "backups/volume"),
        ({"backups": {"volume": {"mountOptions": ["hard"]}}}, "backups/volume"),
        ({"backups": {"volume": {"nfs": {"server": "a", "path": "/x"}, "hostPath": {"path": "/x"}}}}, "backups/volume"),
    ],
)
def test_a_wrong_value_is_refused(changes: dict[str, Any], path: str) -> None:
    assert mistakes(merged(**changes)) == [path]


def test_an_object_store_needs_a_way_to_it_and_none_needs_none() -> None:
    peers = {name: peer for name, peer in VALUES["network"]["peers"].items() if name != "s3"}
    assert mistakes(merged(network={"peers": peers})) == ["network/peers"]
    assert mistakes(merged(network={"peers": peers}, s3={"secret": ""})) == []


def test_policies_can_be_left_out_where_nothing_enforces_them() -> None:
    assert mistakes(merged(network={"enabled": False, "peers": {}, "apiserver": {}, "edge": []})) == []


def rendered(**changes: Any) -> list[dict[str, Any]]:
    """The chart as helm renders it."""
    helm = shutil.which("helm") or next((str(p) for p in sorted(_cache().glob("tools/helm-*/helm"))), None)
    if helm is None:
        pytest.fail("helm is neither on PATH nor in the cache: `make chart-tools` builds it")
    words = [helm, "template", "rooftree", str(CHART), "--namespace", "rooftree-system", "--values", "-"]
    done = subprocess.run(words, input=json.dumps({**VALUES, **changes}), capture_output=True, text=True, check=True)
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def _cache() -> Path:
    return Path(os.environ.get("ROOFTREE_CACHE") or Path.home() / ".cache" / "rooftree")


def rules(name: str, **changes: Any) -> list[dict[str, Any]]:
    return next(d for d in rendered(**changes) if d["kind"] == "ClusterRole" and d["metadata"]["name"] == name)["rules"]


@pytest.mark.chart
@pytest.mark.parametrize("name", [OPERATOR, "rooftree-tenant-manager", "rooftree-edge", names.ACTIVATOR])
def test_no_role_has_wildcards_or_ways_up(name: str) -> None:
    for rule in rules(name):
        words = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
        assert not {"*", "escalate", "impersonate", "deletecollection"} & words
        assert "bind" not in words or rule["resourceNames"] == ["rooftree-tenant-manager"]


@pytest.mark.chart
def test_secrets_of_tenants_are_reached_by_name_only() -> None:
    about = [rule for rule in rules("rooftree-tenant-manager") if "secrets" in rule["resources"]]
    named = [(rule["resourceNames"], rule["verbs"]) for rule in about if rule["verbs"] != ["create"]]
    assert named == [
        (["app", "migrator", "rpc-ca", "rpc-gateway"], ["get", "patch"]),
        (["operation"], ["get", "patch", "delete"]),
        (["rpc-ca", "rpc-gateway"], ["delete"]),
    ]
    assert not any("secrets" in rule["resources"] for rule in rules("rooftree-operator"))


@pytest.mark.chart
def test_the_operator_may_list_and_watch_exactly_the_kinds_that_it_watches() -> None:
    watched = set(map(_watched, (*WATCHED, BROKERAGE, PLAN, OPERATION, BACKUP)))
    granted = {
        (group, resource)
        for rule in rules("rooftree-operator")
        if "watch" in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert granted == watched


def _watched(kind: Kind) -> tuple[str, str]:
    return kind.api_version.rpartition("/")[0], kind.plural


@pytest.mark.chart
def test_every_pod_is_restricted_except_that_the_edge_holds_the_nodes_port() -> None:
    for deployment in (d for d in rendered() if d["kind"] == "Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec.get("hostNetwork", False) is (deployment["metadata"]["name"] == "rooftree-edge")
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"].keys() == {"cpu", "memory"}
            assert not container["image"].endswith(":latest")


def test_on_a_busy_node_the_edge_weighs_as_much_as_several_pods_of_one_brokerage() -> None:
    edge = yaml.safe_load((CHART / "values.yaml").read_text())["edge"]["resources"]["requests"]["cpu"]
    pod = BrokeragePlanSpec.model_fields["resources"].default.requests.cpu
    assert int(edge.removesuffix("m")) >= 4 * int(pod.removesuffix("m"))


@pytest.mark.chart
def test_in_our_own_namespace_everything_is_refused_except_what_is_named() -> None:
    policies = {d["metadata"]["name"]: d["spec"] for d in rendered() if d["kind"] == "NetworkPolicy"}
    assert policies["default"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    ports = [[port["port"] for port in rule["ports"]] for rule in policies["operator"]["egress"]]
    assert ports == [[53], [5432], [9092], [9200], [6379], [7070], [6443], [8443]]
    assert policies["operator"]["ingress"] == []
    assert all(rule["to"] for policy in policies.values() for rule in policy.get("egress", []))


@pytest.mark.chart
@pytest.mark.parametrize("secret", ["", "objects"])
def test_the_operator_gets_the_object_stores_secret_if_there_is_an_object_store(secret: str) -> None:
    documents = rendered(s3={"secret": secret})
    operator = next(d for d in documents if d["kind"] == "Deployment" and d["metadata"]["name"] == "rooftree-operator")
    pod = operator["spec"]["template"]["spec"]
    mounted = [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]]
    assert ("/etc/rooftree/s3" in mounted) is bool(secret)
    assert [v["secret"]["secretName"] for v in pod["volumes"] if v["name"] == "s3"] == ([secret] if secret else [])


@pytest.mark.chart
def test_the_operator_reads_its_limits_as_the_chart_writes_them_and_they_are_its_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def limits(**changes: Any) -> MostCalls:
        monkeypatch.setenv("ROOFTREE_OPERATOR_MOST_CALLS", environment(**changes)["ROOFTREE_OPERATOR_MOST_CALLS"])
        return Settings().most_calls

    assert limits() == MostCalls()
    assert limits(operator={"mostCalls": {"postgres": 16}}) == MostCalls(postgres=16)


def test_a_shard_that_the_chart_takes_is_one_that_the_operator_takes() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    pattern = schema["properties"]["operator"]["properties"]["shards"]["items"]["pattern"]
    (rule,) = [one.pattern for one in Settings.model_fields["shard"].metadata if hasattr(one, "pattern")]
    assert rule == f"^({pattern[1:-1]})?$"


@pytest.mark.chart
def test_each_shard_has_an_operator_of_its_own_that_is_told_which_and_nothing_else_differs() -> None:
    found = rendered(operator={"shards": ["east", "west"], "replicas": 2})
    names = [OPERATOR, f"{OPERATOR}-east", f"{OPERATOR}-west"]
    operators = [one for one in found if one["kind"] == "Deployment" and one["metadata"]["name"].startswith(OPERATOR)]
    assert [one["metadata"]["name"] for one in operators] == names
    selectors = [one["spec"]["selector"]["matchLabels"] for one in operators]
    assert selectors == [{"app.kubernetes.io/name": name} for name in names]
    budgets = [one for one in found if one["kind"] == "PodDisruptionBudget"]
    assert [one["spec"]["selector"]["matchLabels"] for one in budgets] == selectors
    pods = [one["spec"]["template"] for one in operators]
    own = [told(pod).pop("ROOFTREE_OPERATOR_SHARD", "") for pod in pods]
    assert own == ["", "east", "west"]
    for pod, name in zip(pods, names, strict=True):
        assert pod["metadata"]["labels"].pop("app.kubernetes.io/name") == name
        (container,) = pod["spec"]["containers"]
        container["env"] = [one for one in container["env"] if one["name"] != "ROOFTREE_OPERATOR_SHARD"]
    assert pods[0] == pods[1] == pods[2]


def told(pod: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod["spec"]["containers"]
    return {entry["name"]: entry.get("value") for entry in container["env"]}


@pytest.mark.chart
def test_operators_of_all_shards_reach_what_they_need_are_measured_and_hold_their_own_leases_only() -> None:
    monitored = {"enabled": True, "interval": "30s", "labels": {}}
    found = rendered(operator={"shards": ["east"]}, serviceMonitor=monitored)
    labels = [
        one["spec"]["template"]["metadata"]["labels"]
        for one in found
        if one["kind"] == "Deployment" and one["metadata"]["name"].startswith(OPERATOR)
    ]
    policy = next(one for one in found if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "operator")
    (chosen,) = policy["spec"]["podSelector"]["matchExpressions"]
    assert (chosen["key"], chosen["operator"]) == ("app.kubernetes.io/name", "In")
    assert chosen["values"] == [one["app.kubernetes.io/name"] for one in labels]
    service = next(one for one in found if one["kind"] == "Service" and one["metadata"]["name"] == OPERATOR)
    assert all(service["spec"]["selector"].items() <= one.items() for one in labels)
    own = next(one for one in found if one["kind"] == "Role" and one["metadata"]["name"] == OPERATOR)
    leases = [(rule["verbs"], rule.get("resourceNames")) for rule in own["rules"] if "leases" in rule["resources"]]
    held = [shards.lease_name(shard) for shard in ("", "east")]
    assert leases == [(["create"], None), (["get"], None), (["update"], held)]


@pytest.mark.chart
def test_without_shards_there_is_one_operator_which_is_told_of_none() -> None:
    assert "ROOFTREE_OPERATOR_SHARD" not in environment()
    found = [one["metadata"]["name"] for one in rendered() if one["kind"] == "Deployment"]
    assert [name for name in found if name.startswith(OPERATOR)] == [OPERATOR]


def environment(**changes: Any) -> dict[str, Any]:
    (deployment,) = [
        one for one in rendered(**changes) if one["metadata"]["name"] == OPERATOR and one["kind"] == "Deployment"
    ]
    return told(deployment["spec"]["template"])


@pytest.mark.chart
@pytest.mark.parametrize("endpoint", ["", "http://collector:4318"])
def test_the_operator_may_reach_whoever_takes_traces_and_only_then(endpoint: str) -> None:
    policies = {
        one["metadata"]["name"]: one
        for one in rendered(telemetry={"otlpEndpoint": endpoint})
        if one["kind"] == "NetworkPolicy"
    }
    assert (destination(4318) in policies["operator"]["spec"]["egress"]) is bool(endpoint)


@pytest.mark.chart
@pytest.mark.parametrize("url", ["", "http://prometheus:9090"])
def test_the_operator_asks_prometheus_only_if_it_is_told_where_that_is(url: str) -> None:
    network = {**VALUES["network"], "prometheus": destination(9090)}
    found = rendered(scaling={"prometheusUrl": url}, network=network)
    policies = {one["metadata"]["name"]: one for one in found if one["kind"] == "NetworkPolicy"}
    assert (destination(9090) in policies["operator"]["spec"]["egress"]) is bool(url)
    asked = environment(scaling={"prometheusUrl": url}, network=network)
    assert asked.get("ROOFTREE_OPERATOR_PROMETHEUS_URL", "") == url


@pytest.mark.chart
def test_the_edge_tells_nobody_about_itself() -> None:
    edge = next(d for d in rendered() if d["kind"] == "Deployment" and d["metadata"]["name"] == "rooftree-edge")
    (container,) = edge["spec"]["template"]["spec"]["containers"]
    assert {"--global.checknewversion=false", "--global.sendanonymoususage=false"} <= set(container["args"])


@pytest.mark.chart
def test_the_edge_sends_what_it_could_not_send_to_one_pod_to_another_and_repeats_nothing_that_was_sent() -> None:
    found = {(d["kind"], d["metadata"]["name"]): d for d in rendered()}
    retry = yaml.safe_load(found["ConfigMap", "rooftree-edge"]["data"]["middlewares.yaml"])["http"]["middlewares"]
    # By the answer's status nothing is repeated: that would send a write again that has happened.
    assert retry == {"retry": {"retry": {"attempts": 3, "initialInterval": "50ms", "timeout": "5s"}}}
    (container,) = found["Deployment", "rooftree-edge"]["spec"]["template"]["spec"]["containers"]
    assert {
        "--entrypoints.websecure.http.middlewares=retry@file",
        "--providers.file.filename=/etc/rooftree/edge/middlewares.yaml",
        "--serverstransport.forwardingtimeouts.dialtimeout=1s",
    } <= set(container["args"])


@pytest.mark.chart
def test_nobody_can_forge_the_page_of_a_suspended_brokerage_for_a_host_without_one() -> None:
    found = {(d["kind"], d["metadata"]["name"]): d for d in rendered()}
    (rule,) = found["HTTPRoute", "unknown-host"]["spec"]["rules"]
    removed = {name for one in rule["filters"] for name in one["requestHeaderModifier"]["remove"]}
    assert removed == {host_pages.HEADER_REASON, host_pages.HEADER_NAME, host_pages.HEADER_MESSAGE}


@pytest.mark.chart
def test_the_page_that_routes_of_suspended_brokerages_lead_to_is_there() -> None:
    found = {(d["kind"], d["metadata"]["name"]): d for d in rendered()}
    service = found["Service", routing.PAGE]["spec"]
    assert [port["port"] for port in service["ports"]] == [routing.PORT]
    (container,) = found["Deployment", routing.PAGE]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", host_pages.__name__]
    assert [port["containerPort"] for port in container["ports"]] == [host_pages.PORT]
    policy = found["NetworkPolicy", routing.PAGE]["spec"]
    assert policy["podSelector"]["matchLabels"] == service["selector"]
    assert policy["ingress"] == [{"from": NODE, "ports": [{"protocol": "TCP", "port": host_pages.PORT}]}]


@pytest.mark.chart
def test_the_activator_that_routes_of_sleeping_brokerages_lead_to_is_there() -> None:
    found = {(d["kind"], d["metadata"]["name"]): d for d in rendered(network=MONITORED)}
    service = found["Service", names.ACTIVATOR]["spec"]
    template = found["Deployment", names.ACTIVATOR]["spec"]["template"]
    assert [port["port"] for port in service["ports"]] == [routing.PORT]
    assert service["selector"].items() <= template["metadata"]["labels"].items()
    pod = template["spec"]
    (container,) = pod["containers"]
    assert container["command"] == ["python", "-m", activator.__name__]
    assert pod["serviceAccountName"] == names.ACTIVATOR
    settings = ActivatorSettings()
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": settings.port, "metrics": settings.own_port}
    assert {probe["httpGet"]["port"] for probe in (container["readinessProbe"], container["livenessProbe"])} == {
        "metrics"
    }
    assert pod["terminationGracePeriodSeconds"] > settings.drain_seconds + settings.patience_seconds + server.LEFT


MONITORED: dict[str, Any] = {**VALUES["network"], "monitoring": [{"ipBlock": {"cidr": "10.0.0.2/32"}}]}


@pytest.mark.chart
def test_only_the_edge_reaches_the_activator_which_reaches_nobody_but_apps_and_the_api_server() -> None:
    found = {(d["kind"], d["metadata"]["name"]): d for d in rendered(network=MONITORED)}
    policy = found["NetworkPolicy", "activator"]["spec"]
    assert policy["podSelector"]["matchLabels"] == {names.LABEL_NAME: names.ACTIVATOR}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    ingress = [(rule["from"], [port["port"] for port in rule["ports"]]) for rule in policy["ingress"]]
    assert ingress == [(NODE, [8080]), (MONITORED["monitoring"], [8081])]
    apiserver, apps = policy["egress"]
    assert apiserver == VALUES["network"]["apiserver"]
    ours = {"matchLabels": {names.LABEL_MANAGED_BY: names.MANAGER}}
    assert apps == {"to": [{"namespaceSelector": ours, "podSelector": {"matchLabels": {names.LABEL_NAME: "app"}}}]}


@pytest.mark.chart
def test_the_activator_may_only_wake_and_only_brokerages() -> None:
    manifest = {**VALUES["release"], "manifest": '{"calls": {"gateway": ["identity"], "identity": []}}'}
    documents = rendered(release=manifest)
    found = {(d["kind"], d["metadata"]["name"]): d for d in documents}
    assert [(rule["resources"], rule.get("resourceNames"), rule["verbs"]) for rule in rules_of(documents)] == [
        (["deployments/scale"], ["app", "identity"], ["get", "patch"]),
        (["endpointslices"], None, ["list", "watch"]),
    ]
    policy = found["ValidatingAdmissionPolicy", names.ACTIVATOR]["spec"]
    assert policy["failurePolicy"] == "Fail"
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == (["deployments/scale"], ["UPDATE"])
    (condition,) = policy["matchConditions"]
    assert condition["expression"].endswith("== 'system:serviceaccount:rooftree-system:rooftree-activator'")
    where, what = (one["expression"] for one in policy["validations"])
    assert "['app.kubernetes.io/managed-by'] == 'rooftree-operator'" in where
    assert "object.spec.replicas == 1" in what
    assert "!has(oldObject.spec.replicas) || oldObject.spec.replicas == 0" in what
    assert found["ValidatingAdmissionPolicyBinding", names.ACTIVATOR]["spec"]["validationActions"] == ["Deny"]


REPLAYED: dict[str, Any] = {
    "scaling": {"prometheusUrl": "http://prometheus.monitoring:9090"},
    "network": {**VALUES["network"], "prometheus": destination(9090)},
}


def test_replays_need_a_prometheus_and_nothing_else() -> None:
    assert mistakes(merged(counterfactual={"enabled": True}, **REPLAYED)) == []


@pytest.mark.chart
def test_the_page_of_replays_is_there_only_if_it_is_asked_for() -> None:
    named = [one["metadata"]["name"] for one in rendered(**REPLAYED)]
    assert not [name for name in named if "counterfactual" in name]


@pytest.mark.chart
def test_the_page_of_replays_has_no_account_and_asks_prometheus_only() -> None:
    found = {(d["kind"], d["metadata"]["name"]): d for d in rendered(counterfactual={"enabled": True}, **REPLAYED)}
    name = "rooftree-counterfactual"
    template = found["Deployment", name]["spec"]["template"]
    service = found["Service", name]["spec"]
    assert service["selector"].items() <= template["metadata"]["labels"].items()
    pod = template["spec"]
    (container,) = pod["containers"]
    assert container["command"] == ["python", "-m", counterfactual.__name__]
    assert pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod
    assert [port["containerPort"] for port in container["ports"]] == [CounterfactualSettings().port]
    assert told(template)["ROOFTREE_COUNTERFACTUAL_PROMETHEUS_URL"] == "http://prometheus.monitoring:9090"
    assert pod["terminationGracePeriodSeconds"] > CounterfactualSettings().patience_seconds
    policy = found["NetworkPolicy", "counterfactual"]["spec"]
    assert policy["podSelector"]["matchLabels"] == service["selector"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == []
    assert policy["egress"] == [destination(53), destination(9090)]


@pytest.mark.chart
def test_the_page_of_replays_is_reached_by_those_who_are_named() -> None:
    documents = rendered(counterfactual={"enabled": True, "clients": NODE, "replicas": 2}, **REPLAYED)
    found = {(d["kind"], d["metadata"]["name"]): d["spec"] for d in documents if "spec" in d}
    (rule,) = found["NetworkPolicy", "counterfactual"]["ingress"]
    assert rule == {"from": NODE, "ports": [{"protocol": "TCP", "port": CounterfactualSettings().port}]}
    budget = found["PodDisruptionBudget", "rooftree-counterfactual"]
    assert budget["selector"] == found["Deployment", "rooftree-counterfactual"]["selector"]


@pytest.mark.chart
def test_what_is_told_about_the_page_of_replays_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    (deployment,) = [
        one
        for one in rendered(counterfactual={"enabled": True, "logLevel": "DEBUG"}, **REPLAYED)
        if (one["kind"], one["metadata"]["name"]) == ("Deployment", "rooftree-counterfactual")
    ]
    for name, value in told(deployment["spec"]["template"]).items():
        monkeypatch.setenv(name, value)
    settings = CounterfactualSettings()
    assert (settings.prometheus_url, settings.log_level) == ("http://prometheus.monitoring:9090", "DEBUG")


def rules_of(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the activator's account is granted, by whatever binding."""
    bound = [
        one["roleRef"]["name"]
        for one in documents
        if one["kind"] in ("RoleBinding", "ClusterRoleBinding")
        and any(subject["name"] == names.ACTIVATOR for subject in one["subjects"])
    ]
    roles = [one for one in documents if one["kind"] in ("Role", "ClusterRole") and one["metadata"]["name"] in bound]
    return [rule for role in roles for rule in role["rules"]]


@pytest.mark.chart
def test_grants_are_made_and_taken_in_the_operators_own_namespace_only() -> None:
    roles = [d for d in rendered() if d["kind"] in ("Role", "ClusterRole")]
    granting = [
        (role["kind"], role["metadata"]["name"], rule["verbs"])
        for role in roles
        for rule in role["rules"]
        if "referencegrants" in rule["resources"] and role["metadata"]["name"] != "rooftree-edge"
    ]
    assert granting == [("Role", "rooftree-operator", ["get", "create", "patch", "delete"])]


@pytest.mark.chart
def test_a_release_and_its_channels_are_what_the_operator_reads() -> None:
    configs = {d["metadata"]["name"]: d for d in rendered() if d["kind"] == "ConfigMap"}
    assert configs["channels"]["data"] == {"stable": "1.0.0"}
    release = configs["release-1.0.0"]
    assert release["data"] == {"image": VALUES["release"]["image"], "tenant_manifest.json": '{"version": "1.0.0"}'}
    assert release["metadata"]["labels"]["rooftree.dev/release"] == "1.0.0"


CONFIRM = "rooftree.dev/confirm-deletion"


def admission() -> dict[str, dict[str, Any]]:
    """The policies about deletions by their name."""
    wanted = ("brokerages", "definitions", "tenant-namespaces", "kept-secrets")
    found = {d["metadata"]["name"]: d for d in rendered() if d["kind"] == "ValidatingAdmissionPolicy"}
    return {name: found[f"rooftree-{name}"]["spec"] for name in wanted}


def said(policy: dict[str, Any]) -> str:
    """Everything that a policy asks and says, on one line."""
    expressions = [*policy.get("variables", []), *policy["validations"], *policy.get("matchConditions", [])]
    return " ".join(word for entry in expressions for word in entry.values())


@pytest.mark.chart
def test_every_policy_about_deletions_is_bound_and_refuses_when_it_cannot_be_asked() -> None:
    bound = {
        d["spec"]["policyName"]: d["spec"]["validationActions"]
        for d in rendered()
        if d["kind"] == "ValidatingAdmissionPolicyBinding"
    }
    for name, policy in admission().items():
        assert policy["failurePolicy"] == "Fail"
        assert bound[f"rooftree-{name}"] == ["Deny"]
        assert all(rule["messageExpression"] for rule in policy["validations"])


@pytest.mark.chart
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("brokerages", "'kubectl annotate brokerage ' + variables.name"),
        ("definitions", "kubectl annotate crd ' + oldObject.metadata.name"),
        ("tenant-namespaces", "kubectl annotate namespace ' + oldObject.metadata.name"),
    ],
)
def test_who_deletes_what_cannot_be_had_back_is_told_how_to_confirm(name: str, command: str) -> None:
    policy = admission()[name]
    assert command in said(policy)
    assert f"'{CONFIRM}' in oldObject.metadata.annotations" in said(policy)
    operations = [operation for rule in policy["matchConstraints"]["resourceRules"] for operation in rule["operations"]]
    assert "DELETE" in operations


@pytest.mark.chart
def test_the_operator_and_controllers_delete_namespaces_of_tenants_without_a_word() -> None:
    policy = admission()["tenant-namespaces"]
    selector = policy["matchConstraints"]["objectSelector"]
    assert selector == {"matchExpressions": [{"key": "rooftree.dev/tenant", "operator": "Exists"}]}
    (condition,) = policy["matchConditions"]
    assert "!= 'system:serviceaccount:rooftree-system:rooftree-operator'" in condition["expression"]
    assert "system:serviceaccounts:kube-system" in condition["expression"]


@pytest.mark.chart
def test_of_our_secrets_the_operator_changes_and_deletes_those_of_kept_tenants_only() -> None:
    policy = admission()["kept-secrets"]
    names = policy["matchConstraints"]["namespaceSelector"]["matchLabels"]
    assert names == {"kubernetes.io/metadata.name": "rooftree-system"}
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == (["secrets"], ["UPDATE", "DELETE"])
    assert policy["validations"][0]["expression"] == "!variables.isOperator || variables.isKept"
    assert "' rooftree.dev/purge=' + variables.tenant" in said(policy)
    own = next(d for d in rendered() if d["kind"] == "Role" and d["metadata"]["name"] == "rooftree-operator")
    (verbs,) = [rule["verbs"] for rule in own["rules"] if "secrets" in rule["resources"]]
    assert verbs == ["get", "create", "update", "delete"]


def cost_warning() -> dict[str, dict[str, Any]]:
    """The admission policy and its binding, by kind."""
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    found = [d for d in rendered() if d["kind"] in kinds and d["metadata"]["name"] == "rooftree-plan-cost"]
    return {d["kind"]: d["spec"] for d in found}


@pytest.mark.chart
def test_what_a_plan_costs_is_a_warning_and_never_a_refusal() -> None:
    policy, binding = cost_warning().values()
    assert binding["validationActions"] == ["Warn", "Audit"]
    assert binding["paramRef"] == {"selector": {}, "parameterNotFoundAction": "Allow"}
    assert policy["failurePolicy"] == "Ignore"
    (rule,) = policy["matchConstraints"]["resourceRules"]
    # Not the status, which the operator writes all the time.
    assert (rule["resources"], rule["operations"]) == (["brokerages"], ["CREATE", "UPDATE"])


@pytest.mark.chart
def test_the_warning_reads_fields_that_every_plan_has() -> None:
    policy = cost_warning()["ValidatingAdmissionPolicy"]
    texts = [entry["expression"] for entry in policy["variables"]]
    texts += [policy["validations"][0]["messageExpression"]]
    read = {path for text in texts for path in re.findall(r"variables\.plan\.([a-zA-Z.]+)", text)}
    sample = BrokeragePlanSpec.model_validate({"displayName": "x", "price": {"amount": 1}}).model_dump(by_alias=True)
    for path in read:
        value: Any = sample
        for step in path.split("."):
            value = value[step]
    assert {"price.amount", "price.currency", "replicas.max", "resources.requests.memory"} <= read


NFS = {"nfs": {"server": "files.example", "path": "/exports/rooftree"}, "mountOptions": ["hard"]}
VOLUMES: list[dict[str, Any]] = [
    NFS,
    {"hostPath": {"path": "/srv/rooftree"}},
    {"csi": {"driver": "nfs.csi.k8s.io", "volumeHandle": "rooftree", "volumeAttributes": {"share": "/x"}}},
]


def backups_on(volume: dict[str, Any]) -> dict[str, Any]:
    return {"backups": {"volume": volume}}


@pytest.mark.parametrize("volume", VOLUMES, ids=["nfs", "hostPath", "csi"])
def test_a_volume_that_the_chart_takes_is_one_that_the_operator_takes(
    volume: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mistakes(merged(**backups_on(volume))) == []
    monkeypatch.setenv("ROOFTREE_OPERATOR_BACKUPS_VOLUME", json.dumps(volume))
    assert Settings().backups_volume.source() == volume


def test_without_a_volume_the_operator_is_told_of_none() -> None:
    assert Settings().backups_volume.source() == {}


@pytest.mark.chart
@pytest.mark.parametrize("volume", VOLUMES, ids=["nfs", "hostPath", "csi"])
def test_the_operator_sees_the_volume_of_backups_whole_and_nobody_else_does(
    volume: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = rendered(operator={"shards": ["east"]}, **backups_on(volume))
    (made,) = [one for one in found if one["kind"] == "PersistentVolume"]
    (claim,) = [one for one in found if one["kind"] == "PersistentVolumeClaim"]
    assert made["spec"].items() >= volume.items()
    assert (made["spec"]["persistentVolumeReclaimPolicy"], made["spec"]["storageClassName"]) == ("Retain", "")
    assert made["spec"]["claimRef"]["name"] == claim["metadata"]["name"] == claim["spec"]["volumeName"]
    assert made["spec"]["claimRef"]["namespace"] == claim["metadata"]["namespace"]
    pods = {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in found if one["kind"] == "Deployment"}
    claiming = {
        name: one["persistentVolumeClaim"]["claimName"]
        for name, pod in pods.items()
        for one in pod.get("volumes", [])
        if "persistentVolumeClaim" in one
    }
    assert claiming == {OPERATOR: claim["metadata"]["name"], f"{OPERATOR}-east": claim["metadata"]["name"]}
    pod = pods[OPERATOR]
    assert pod["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
    (mount,) = [one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "backups"]
    monkeypatch.setenv("ROOFTREE_OPERATOR_BACKUPS_VOLUME", told({"spec": pod})["ROOFTREE_OPERATOR_BACKUPS_VOLUME"])
    assert str(Settings().backups_dir) == mount["mountPath"]
    assert Settings().backups_volume.source() == volume


@pytest.mark.chart
def test_another_volume_has_another_name_as_none_can_be_changed() -> None:
    names = {
        one["metadata"]["name"]
        for volume in VOLUMES
        for one in rendered(**backups_on(volume))
        if one["kind"] == "PersistentVolumeClaim"
    }
    assert len(names) == len(VOLUMES)


@pytest.mark.chart
def test_the_operator_has_rights_to_volumes_only_where_backups_lie_on_one() -> None:
    def granted(**changes: Any) -> list[tuple[str, list[str], list[str] | None]]:
        return [
            (name, rule["verbs"], rule.get("resourceNames"))
            for name in ("rooftree-operator", "rooftree-tenant-manager")
            for rule in rules(name, **changes)
            if {"persistentvolumes", "persistentvolumeclaims"} & {*rule["resources"]}
        ]

    assert granted() == []
    assert granted(**backups_on(NFS)) == [
        ("rooftree-operator", ["get", "list", "create", "delete"], None),
        ("rooftree-tenant-manager", ["create"], None),
        ("rooftree-tenant-manager", ["get", "delete"], ["operation"]),
    ]
    kinds = {one["kind"] for one in rendered()}
    assert not {"PersistentVolume", "PersistentVolumeClaim"} & kinds


@pytest.mark.chart
@pytest.mark.parametrize(
    ("volume", "told_of"),
    [
        (NFS, "object.spec.nfs.server == 'files.example' && object.spec.nfs.path.startsWith('/exports/rooftree/')"),
        (VOLUMES[1], "object.spec.hostPath.path.startsWith('/srv/rooftree/')"),
        (VOLUMES[2], "object.spec.csi.driver == 'nfs.csi.k8s.io' && object.spec.csi.volumeHandle == 'rooftree'"),
        ({"nfs": {"server": "a", "path": "/"}}, "object.spec.nfs.path.startsWith('/')"),
    ],
    ids=["nfs", "hostPath", "csi", "nfs-root"],
)
def test_of_volumes_the_operator_makes_those_of_operations_on_the_one_volume_only(
    volume: dict[str, Any], told_of: str
) -> None:
    found = rendered(**backups_on(volume))
    policies = {one["metadata"]["name"]: one["spec"] for one in found if one["kind"] == "ValidatingAdmissionPolicy"}
    bound = {one["spec"]["policyName"] for one in found if one["kind"] == "ValidatingAdmissionPolicyBinding"}
    for name, kind in (("volumes", "persistentvolumes"), ("claims", "persistentvolumeclaims")):
        policy = policies[f"rooftree-backup-{name}"]
        assert f"rooftree-backup-{name}" in bound
        assert policy["failurePolicy"] == "Fail"
        (rule,) = policy["matchConstraints"]["resourceRules"]
        assert rule["resources"] == [kind]
        (condition,) = policy["matchConditions"]
        assert condition["expression"].endswith("== 'system:serviceaccount:rooftree-system:rooftree-operator'")
    asked = [one["expression"] for one in policies["rooftree-backup-volumes"]["validations"]]
    assert told_of in " ".join(asked[2].split())
    assert asked[0].endswith("oldObject.metadata.name.startsWith('rooftree-operation-')")
    assert names.operation_volume("u").startswith("rooftree-operation-")
