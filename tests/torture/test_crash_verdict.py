"""The oracle of crashes tells what is wrong, and only that."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from .crash_points import Trace
from .crash_verdict import State, Verdict, compared, repeated

TOPIC = "kafka.create.topic"


def item(system: str, kind: str, name: str, detail: str = "") -> dict[str, str]:
    return {"system": system, "kind": kind, "name": name, "detail": detail}


def inventory(tenant: str, *more: dict[str, str]) -> dict[str, Any]:
    there = (item("postgres", "database", tenant, f"owner {tenant}.owner"), item("kafka", "topic", f"{tenant}.events"))
    return {"items": [*there, *more], "tombstones": []}


def deployment(tenant: str, image: str = "app:1") -> dict[str, Any]:
    metadata = {"name": "app", "namespace": f"tenant-{tenant}", "uid": f"uid of {tenant}", "resourceVersion": "7"}
    template = {"metadata": {"annotations": {"digest": tenant}}, "spec": {"containers": [{"image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"template": template, "replicas": 1},
    }


def state(tenant: str, *more: dict[str, str], image: str = "app:1") -> State:
    return State.of(tenant[:-9], inventory(tenant, *more), [deployment(tenant, image)])


EXPECTED = state("one-00000001")


def test_two_brokerages_are_the_same_but_for_their_names() -> None:
    assert compared(EXPECTED, state("other-0a1b2c3d")) == Verdict()


def test_what_pods_and_the_app_make_at_any_time_is_not_compared() -> None:
    other = state("other-0a1b2c3d", item("kafka", "group", "other-0a1b2c3d.search"))
    assert compared(EXPECTED, other).is_clean


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (state("other-0a1b2c3d", item("s3", "bucket", "other-0a1b2c3d")), "orphans"),
        (
            State.of(
                "other",
                {"items": inventory("other-0a1b2c3d")["items"][:1], "tombstones": []},
                [deployment("other-0a1b2c3d")],
            ),
            "missing",
        ),
        (state("other-0a1b2c3d", item("kafka", "topic", "other-ffffffff.events")), "duplicates"),
    ],
    ids=["orphans", "missing", "duplicates"],
)
def test_each_kind_of_harm_is_told(found: State, kind: str) -> None:
    verdict = compared(EXPECTED, found)
    assert {name for name in ("orphans", "missing", "duplicates") if getattr(verdict, name)} == {kind}


def test_an_object_that_declares_something_else_is_no_match() -> None:
    verdict = compared(EXPECTED, state("other-0a1b2c3d", image="app:2"))
    assert (len(verdict.orphans), len(verdict.missing)) == (1, 1)


def test_when_nothing_is_to_be_left_nothing_passing_is_either() -> None:
    nothing = State.of("one", {"items": [], "tombstones": ["one-00000001"]}, [])
    left = State.of("one", {"items": [item("redis", "keys", "one-00000001.*")], "tombstones": ["one-00000001"]}, [])
    assert compared(nothing, nothing).is_clean
    assert len(compared(nothing, left).orphans) == 1


@pytest.mark.parametrize(("tombstones", "harm"), [([], "missing"), (["a", "b"], "duplicates")])
def test_a_brokerage_leaves_one_tombstone(tombstones: list[str], harm: str) -> None:
    expected = State.of("one", {"items": [], "tombstones": ["a"]}, [])
    found = compared(expected, State.of("one", {"items": [], "tombstones": tombstones}, []))
    assert getattr(found, harm)


def lines(*words: str) -> Trace:
    return Trace.read(f"{word} {TOPIC} {number}" for word, number in (one.split("-") for one in words))


ONCE = lines("sent-1", "done-1")


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (lines("sent-1", "done-1", "died-1"), lines(), ()),
        (lines("sent-1", "done-1", "died-1"), lines("sent-1", "done-1"), (TOPIC,)),
        (lines("sent-1", "sent-2", "done-2"), lines(), ()),
        (lines("died-1"), lines("sent-1", "done-1"), ()),
        (lines("sent-1"), lines("sent-1", "done-1"), ()),
    ],
    ids=["looked", "did not look", "answer lost", "never sent", "died without an answer"],
)
def test_what_somebody_knew_to_be_made_is_not_made_again(before: Trace, after: Trace, found: tuple[str, ...]) -> None:
    assert repeated(ONCE, before, after) == found


def test_what_was_deleted_in_between_may_be_made_again_as_often() -> None:
    gone = Trace.read(["sent kafka.delete.topic 1", "done kafka.delete.topic 1"])
    anew = Trace.read([*(f"{what} {TOPIC} {one}" for one in (1, 2) for what in ("sent", "done"))])
    assert repeated(ONCE, ONCE, Trace(gone.sent + ONCE.sent, gone.done + ONCE.done)) == ()
    assert repeated(ONCE, gone, anew) == ()
    assert repeated(ONCE, ONCE, Trace(gone.sent + anew.sent, gone.done + anew.done)) == (TOPIC,)


def test_probes_events_and_what_is_applied_may_be_sent_again() -> None:
    names = (
        "elasticsearch.create.probe",
        "kubernetes.create.Event",
        "kubernetes.apply.Secret",
        "postgres.create.registry",
    )
    again = Trace.read([f"{what} {name} 1" for name in names for what in ("sent", "done")])
    assert repeated(deepcopy(again), again, again) == ()


def test_two_rows_of_the_registry_are_noticed() -> None:
    row = Trace.read(["sent postgres.insert.registry 1", "done postgres.insert.registry 1"])
    assert repeated(row, row, row) == ("postgres.insert.registry",)
