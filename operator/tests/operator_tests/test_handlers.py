"""What the liveness probe is told about the queue."""

import kopf
import pytest
from rooftree_operator.handlers import STUCK, Intake
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
