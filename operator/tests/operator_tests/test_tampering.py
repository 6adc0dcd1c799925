"""How a difference in Kubernetes is named, and whose it is."""

import copy
import json
from typing import Any

import pytest
from rooftree_operator.drift import Path, spelled, stamped
from rooftree_operator.tampering import culprit, is_foreign, is_renewal, words

WANTED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "app", "labels": {"app.kubernetes.io/name": "app"}},
    "spec": {
        "strategy": {"type": "RollingUpdate"},
        "template": {
            "metadata": {"annotations": {"rooftree.dev/secrets": "one"}},
            "spec": {"containers": [{"name": "app", "image": "a:1", "command": ["serve"]}]},
        },
    },
}
# As an API server has spelled it: `kubectl edit` of the image, a label, an annotation of the Deployment controller.
MANAGED = json.loads(
    """[
    {"manager": "rooftree-operator", "operation": "Apply", "time": "2026-11-29T07:00:00Z", "fieldsV1":
      {"f:spec": {"f:strategy": {"f:type": {}}, "f:template": {"f:spec": {"f:containers": {"k:{\\"name\\":\\"app\\"}":
      {".": {}, "f:name": {}, "f:command": {}}}}}}}},
    {"manager": "kubectl-edit", "operation": "Update", "time": "2026-11-29T08:00:00Z", "fieldsV1":
      {"f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}},
       "f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\\"name\\":\\"app\\"}": {"f:image": {}}}}}}}},
    {"manager": "older", "operation": "Update", "time": "2026-11-28T08:00:00Z", "fieldsV1":
      {"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\\"name\\":\\"app\\"}": {"f:image": {}}}}}}}},
    {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1":
      {"f:metadata": {"f:annotations": {".": {}, "f:deployment.kubernetes.io/revision": {}}}, "f:status": {}}}
    ]"""
)
CONTAINER: Path = ("spec", "template", "spec", "containers", 0)


def seen(path: Path, value: Any, **metadata: Any) -> dict[str, Any]:
    """What we applied, with one field as somebody else set it."""
    item = copy.deepcopy(stamped(WANTED))
    parent: Any = item
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    return {**item, "metadata": {**item["metadata"], **metadata}}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((*CONTAINER, "image"), ".spec.template.spec.containers[0].image"),
        (("metadata", "labels", "app.kubernetes.io/name"), ".metadata.labels['app.kubernetes.io/name']"),
        (("spec", "replicas"), ".spec.replicas"),
    ],
)
def test_a_path_is_written_as_people_write_it(path: Path, text: str) -> None:
    assert spelled(path) == text


@pytest.mark.parametrize(
    ("path", "manager"),
    [
        ((*CONTAINER, "image"), "kubectl-edit"),
        ((*CONTAINER, "command"), None),
        (("metadata", "labels", "app.kubernetes.io/name"), "kubectl-edit"),
        (("metadata", "annotations", "rooftree.dev/other"), None),
        (("spec", "template", "spec"), "kubectl-edit"),
        (("spec", "strategy", "type"), None),
    ],
    ids=["last-of-two", "ours", "label", "nobody", "a-part-of-it", "only-us"],
)
def test_who_set_a_field_last_is_read_from_its_managers(path: Path, manager: str | None) -> None:
    assert culprit(seen((*CONTAINER, "image"), "b:1", managedFields=MANAGED), path) == manager


def test_without_any_memory_nobody_is_named() -> None:
    assert culprit(seen((*CONTAINER, "image"), "b:1"), (*CONTAINER, "image")) is None
    item = seen((*CONTAINER, "image"), "b:1", managedFields=[{"manager": "x"}])
    assert culprit(item, (*CONTAINER, "image")) is None


def test_object_fields_and_culprit_are_named() -> None:
    item = seen((*CONTAINER, "image"), "b:1", managedFields=MANAGED)
    assert words(stamped(WANTED), item) == ("Deployment app: .spec.template.spec.containers[0].image (by kubectl-edit)")
    assert words(stamped(WANTED), None) == "Deployment app: missing"


def test_of_many_fields_the_first_are_named_and_the_others_counted() -> None:
    wanted = {**WANTED, "spec": {f"f{n}": n for n in range(9)}}
    item = {**stamped(wanted), "spec": {}}
    assert words(stamped(wanted), item) == "Deployment app: .spec.f0, .spec.f1, .spec.f2, .spec.f3 and 5 more"


def test_a_difference_is_somebody_elses_only_if_we_still_want_what_we_applied_last() -> None:
    item = seen((*CONTAINER, "image"), "b:1")
    assert is_foreign(stamped(WANTED), item)
    assert is_foreign(stamped(WANTED), None)
    assert is_foreign(stamped(WANTED), WANTED), "somebody replaced all of it, our mark as well"
    newer = copy.deepcopy(WANTED)
    newer["spec"]["strategy"]["type"] = "Recreate"
    assert not is_foreign(stamped(newer), item)


def test_only_secrets_that_pods_read_make_a_renewal() -> None:
    newer = copy.deepcopy(WANTED)
    newer["spec"]["template"]["metadata"]["annotations"]["rooftree.dev/secrets"] = "two"
    assert is_renewal(stamped(newer), stamped(WANTED))
    assert not is_renewal(stamped(newer), None)
    assert not is_renewal(stamped(newer), seen((*CONTAINER, "image"), "b:1"))
    assert not is_renewal(stamped(WANTED), stamped(WANTED))
