"""What counts as a difference between the wanted and the observed object."""

from typing import Any

import pytest
from rooftree_operator.drift import differences, is_current, pending, quantity, stamped

WANTED: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Thing",
    "metadata": {"name": "x", "labels": {"a": "1"}},
    "spec": {"list": [{"name": "n", "cpu": "1000m"}], "number": 1},
}


def observed(**spec: Any) -> dict[str, Any]:
    stored = stamped(WANTED)
    return {
        **stored,
        "metadata": {**stored["metadata"], "uid": "u"},
        "spec": {**stored["spec"], "default": True, **spec},
    }


def test_what_the_apiserver_adds_is_no_difference() -> None:
    assert is_current(stamped(WANTED), observed())


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"number": 2}, ".spec.number"),
        ({"list": []}, ".spec.list"),
        ({"list": [{"name": "other", "cpu": "1"}]}, ".spec.list[0].name"),
        ({"list": None}, ".spec.list"),
    ],
)
def test_a_changed_field_is_named(spec: dict[str, Any], path: str) -> None:
    assert differences(stamped(WANTED), observed(**spec)) == [path]


def test_the_same_quantity_in_another_spelling_is_no_difference() -> None:
    assert differences(stamped(WANTED), observed(list=[{"name": "n", "cpu": "1"}])) == []


def test_a_field_that_is_no_longer_wanted_is_noticed_by_the_stamp() -> None:
    less = {**WANTED, "spec": {"number": 1}}
    assert differences(less, observed()) == []
    assert not is_current(stamped(less), observed())


def test_only_what_differs_is_pending() -> None:
    other = {**WANTED, "metadata": {"name": "y"}}
    assert [item["metadata"]["name"] for item in pending([WANTED, other], [observed(), None])] == ["y"]


@pytest.mark.parametrize(("left", "right"), [("1", "1000m"), ("1Gi", "1024Mi"), ("0.5", "500m"), ("2k", "2000")])
def test_quantities_that_mean_the_same_are_equal(left: str, right: str) -> None:
    assert quantity(left) == quantity(right)


@pytest.mark.parametrize("text", ["", "one", "1 Gi", "-1", "1e3", 5, None])
def test_other_things_are_no_quantities(text: Any) -> None:
    assert quantity(text) is None
