"""The committed custom resource definitions are what the models say, and complete."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rooftree_operator.api import generate
from rooftree_operator.api.brokerage import RESERVED_SLUGS, BrokerageSpec
from rooftree_operator.api.plan import BrokeragePlanSpec

ROOT = Path(__file__).parents[3]
ALL = [generate.brokerage(), generate.plan(), generate.operation(), generate.backup()]


def schema(crd: dict[str, Any]) -> dict[str, Any]:
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def fields(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from fields(child, f"{path}.{name}")
    if "items" in node:
        yield from fields(node["items"], f"{path}[]")


@pytest.mark.parametrize("name", sorted(generate.rendered()))
def test_the_committed_file_is_current(name: str) -> None:
    assert (ROOT / "crds" / name).read_text() == generate.rendered()[name], "run `make gen`"


@pytest.mark.parametrize("crd", ALL, ids=lambda crd: crd["spec"]["names"]["kind"])
def test_every_field_is_described(crd: dict[str, Any]) -> None:
    missing = [path for path, node in fields(schema(crd)) if not node.get("description") and path != ".metadata"]
    assert missing == []


@pytest.mark.parametrize("crd", ALL, ids=lambda crd: crd["spec"]["names"]["kind"])
def test_the_schema_is_structural(crd: dict[str, Any]) -> None:
    for path, node in fields(schema(crd)):
        assert not {"$ref", "anyOf", "allOf", "oneOf", "title", "const"} & node.keys(), path
        assert node["type"] in ("string", "integer", "number", "boolean", "object", "array"), path
        assert node.get("default", "") is not None, path


@pytest.mark.parametrize("crd", ALL, ids=lambda crd: crd["spec"]["names"]["kind"])
def test_every_string_that_people_write_has_a_longest_length_or_a_pattern(crd: dict[str, Any]) -> None:
    spec = schema(crd)["properties"]["spec"]
    loose = [p for p, n in fields(spec) if n["type"] == "string" and not {"maxLength", "pattern", "enum"} & n.keys()]
    assert loose == []


def test_the_columns_are_those_that_people_look_for() -> None:
    columns = generate.brokerage()["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [c["name"] for c in columns if not c.get("priority")] == ["Plan", "Phase", "Ready", "Version", "URL", "Age"]
    wide = ["Suspended", "DB", "Replicas", "Operation", "Progress", "Paused", "Message"]
    assert [c["name"] for c in columns if c.get("priority") == 1] == wide


def test_it_is_cluster_scoped_with_a_short_name_a_category_and_a_status() -> None:
    crd = generate.brokerage()
    assert crd["spec"]["scope"] == "Cluster"
    assert (crd["spec"]["names"]["shortNames"], crd["spec"]["names"]["categories"]) == (["bkr"], ["rooftree"])
    assert crd["spec"]["versions"][0]["subresources"] == {"status": {}}


def test_what_was_ordered_cannot_be_changed() -> None:
    for crd in (generate.operation(), generate.backup()):
        (rule,) = [
            one for one in schema(crd)["properties"]["spec"]["x-kubernetes-validations"] if "oldSelf" in one["rule"]
        ]
        assert rule["rule"] == "self == oldSelf"


def test_every_rule_names_its_field() -> None:
    root = schema(generate.brokerage())
    messages = [rule["message"] for rule in root["x-kubernetes-validations"]]
    messages += [rule["message"] for rule in root["properties"]["spec"]["x-kubernetes-validations"]]
    assert [message for message in messages if not message.startswith(("metadata.name", "spec."))] == []
    assert {"admin", "api", "www"} <= set(RESERVED_SLUGS)


def test_a_tenant_from_the_pool_can_be_claimed_by_its_brokerage_though_its_id_does_not_name_it() -> None:
    rules = schema(generate.brokerage())["x-kubernetes-validations"]
    (rule,) = (rule for rule in rules if "tenantID" in rule["rule"])
    assert "startsWith('pool-') && size(self.spec.tenantID) == 13" in rule["rule"]
    assert "pool" in RESERVED_SLUGS, "or it would be somebody's name"


def test_a_plan_wants_no_spares_unless_it_says_so_and_twenty_at_most() -> None:
    warm = schema(generate.plan())["properties"]["spec"]["properties"]["warm"]
    assert (warm["default"], warm["minimum"], warm["maximum"]) == (0, 0, 20)


@pytest.mark.parametrize("name", ["plans.yaml", "acme.yaml"])
def test_the_examples_are_what_the_models_take(name: str) -> None:
    for document in yaml.safe_load_all((ROOT / "examples" / name).read_text()):
        model = BrokerageSpec if document["kind"] == "Brokerage" else BrokeragePlanSpec
        spec = model.model_validate(document["spec"])
        given = spec.model_dump(by_alias=True, exclude_unset=True)
        assert given == document["spec"], "a field is misspelled or unknown"


def test_a_plan_whose_quota_cannot_hold_its_own_pods_is_refused_by_rules_that_name_the_field() -> None:
    rules = schema(generate.plan())["properties"]["spec"]["x-kubernetes-validations"]
    assert [rule["message"].split(" must")[0] for rule in rules] == [
        "spec.quota.pods",
        "spec.quota.cpu",
        "spec.quota.memory",
    ]
    assert all("self.replicas.min + 1" in rule["rule"] for rule in rules)


def test_a_pause_has_two_levels_and_a_policy_two_words() -> None:
    spec = schema(generate.brokerage())["properties"]["spec"]["properties"]
    assert (spec["pause"]["enum"], spec["pause"].get("default")) == (["Changes", "Everything"], None)
    assert (spec["managementPolicy"]["enum"], spec["managementPolicy"]["default"]) == (["Manage", "Observe"], "Manage")


def test_a_suspension_has_a_reason_of_three_and_a_short_message() -> None:
    suspend = schema(generate.brokerage())["properties"]["spec"]["properties"]["suspend"]
    assert (suspend["type"], suspend["required"]) == ("object", ["reason"])
    assert suspend["properties"]["reason"]["enum"] == ["billing", "idle", "manual"]
    message = suspend["properties"]["message"]
    assert (message["minLength"], message["maxLength"]) == (1, 300)
    assert "suspend" not in schema(generate.brokerage())["properties"]["spec"].get("required", [])
