"""What comes into the queue, and what the liveness probe is told about it."""

from typing import Any

import kopf
import pytest
from rooftree_operator.adapters.kubernetes import CONFIG, SECRET
from rooftree_operator.handlers import AWAITED, DECLARED, STUCK, WATCHED, Intake
from rooftree_operator.workqueue import Priority, WorkQueue


def stuck_queue() -> WorkQueue:
    """A queue with a key that nobody has worked on for too long."""
    now = [0.0]
    queue = WorkQueue(lambda: now[0])
    queue.add("tenant/acme", Priority.EDIT)
    now[0] = STUCK + 1
    return queue


def test_a_holder_whose_queue_does_not_move_counts_as_dead() -> None:
    with pytest.raises(kopf.PermanentError, match="has waited for 121 s"):
        Intake(stuck_queue(), lambda: True).moves()


def test_a_replica_on_standby_is_alive_however_old_its_queue_is() -> None:
    assert Intake(stuck_queue(), lambda: False).moves() == 0.0


def child(kind: str = "MODIFIED", **fields: Any) -> dict[str, Any]:
    metadata = {"uid": "u", "name": "app", "labels": {"rooftree.dev/brokerage": "acme"}, "resourceVersion": "1"}
    changed = {**metadata, **fields.pop("metadata", {})}
    return {"type": kind, "object": {"metadata": changed, "spec": {"maxReplicas": 2}, **fields}}


def queued(intake: Intake, queue: WorkQueue, event: dict[str, Any]) -> bool:
    """Whether the event has its tenant looked at."""
    intake.declared(event)
    key = queue.pop()
    if key is not None:
        queue.done(key)
    return key == "tenant/acme"


def test_a_child_is_looked_at_when_what_is_declared_of_it_changes_and_not_for_its_status() -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, lambda: True)
    assert queued(intake, queue, child("ADDED"))
    assert not queued(intake, queue, child(status={"currentReplicas": 2}))
    assert not queued(intake, queue, child(metadata={"resourceVersion": "2", "generation": 9, "managedFields": [{}]}))
    assert queued(intake, queue, child(spec={"maxReplicas": 99}))
    assert not queued(intake, queue, child(spec={"maxReplicas": 99}, status={"currentReplicas": 3}))
    assert queued(intake, queue, child(spec={"maxReplicas": 99}, metadata={"annotations": {"a": "b"}}))
    assert queued(intake, queue, child("DELETED"))
    assert queued(intake, queue, child("ADDED"))


def test_a_brokerage_that_vanished_has_one_look_more_so_that_it_is_counted_no_longer() -> None:
    queue = WorkQueue(lambda: 0.0)
    Intake(queue, lambda: True).brokerage({"type": "DELETED", "object": {"metadata": {"name": "acme"}}})
    assert queue.pop() == "tenant/acme"


def test_secrets_and_config_maps_are_never_watched() -> None:
    assert not {SECRET, CONFIG} & set(WATCHED)
    assert not set(AWAITED) & set(DECLARED)


def ordered(**status: Any) -> dict[str, Any]:
    item = {"metadata": {"uid": "u", "name": "first", "generation": 1}, "spec": {}, "status": status}
    return {"type": "MODIFIED", "object": item}


def test_an_operation_is_looked_at_when_it_comes_and_when_it_is_over_and_not_for_each_of_its_steps() -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, lambda: True)

    def looks(event: dict[str, Any]) -> bool:
        intake.operation(event)
        key = queue.pop()
        if key is not None:
            queue.done(key)
        return key == "operation/first"

    assert looks(ordered())
    assert looks(ordered(phase="Running"))
    assert not looks(ordered(phase="Running", step="Write"))
    assert looks(ordered(phase="Succeeded"))


def test_the_job_of_an_operation_has_the_operation_looked_at_and_not_the_tenant() -> None:
    queue = WorkQueue(lambda: 0.0)
    labels = {"rooftree.dev/brokerage": "acme", "rooftree.dev/operation": "first"}
    Intake(queue, lambda: True).child(child(metadata={"labels": labels}))
    assert (queue.pop(), queue.pop()) == ("operation/first", None)


def test_a_backup_is_looked_at_only_when_it_is_to_go() -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, lambda: True)
    intake.backup(child("ADDED"))
    assert queue.pop() is None
    intake.backup(child(metadata={"name": "first", "deletionTimestamp": "2026-11-24T12:00:00Z"}))
    assert queue.pop() == "backup/first"
