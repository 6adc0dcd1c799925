"""The queue: one worker a key, nothing lost, urgent things first, failing keys on their own clock."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator.workqueue import BACKOFF_MOST, Priority, WorkQueue


class Clock:
    """Time that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def queue() -> tuple[WorkQueue, Clock]:
    clock = Clock()
    return WorkQueue(clock, jitter=lambda: 1.0), clock


def test_a_key_that_waits_already_waits_once() -> None:
    line, _ = queue()
    line.add("a", Priority.CHILD)
    line.add("a", Priority.EDIT)
    assert (line.pop(), line.pop()) == ("a", None)


def test_edits_go_before_deletions_children_and_resyncs() -> None:
    line, _ = queue()
    for key, priority in (
        ("r", Priority.RESYNC),
        ("c", Priority.CHILD),
        ("d", Priority.DELETION),
        ("e", Priority.EDIT),
    ):
        line.add(key, priority)
    assert [line.pop() for _ in range(4)] == ["e", "d", "c", "r"]


def test_the_older_of_two_equally_urgent_keys_goes_first() -> None:
    line, clock = queue()
    line.add("b", Priority.CHILD)
    clock.now += 1
    line.add("a", Priority.CHILD)
    assert [line.pop(), line.pop()] == ["b", "a"]


def test_a_key_is_never_given_to_two_workers_and_what_came_meanwhile_runs_afterwards() -> None:
    line, _ = queue()
    line.add("a", Priority.EDIT)
    assert line.pop() == "a"
    line.add("a", Priority.CHILD)
    assert line.pop() is None
    line.done("a")
    assert line.pop() == "a"
    line.done("a")
    assert line.pop() is None


def test_a_later_look_happens_when_it_is_due_or_earlier_when_something_happens() -> None:
    line, clock = queue()
    line.add("a", Priority.EDIT)
    line.pop()
    line.done("a", again_in=5)
    assert line.pop() is None
    clock.now += 5
    assert line.pop() == "a"
    line.done("a", again_in=5)
    line.add("a", Priority.CHILD)
    assert line.pop() == "a"


def test_a_failing_key_backs_off_up_to_a_limit_and_forgets_it_once_it_is_well() -> None:
    line, clock = queue()
    delays = []
    for _ in range(8):
        line.add("a", Priority.EDIT)
        clock.now += 100
        assert line.pop() == "a"
        delays.append(line.failed("a"))
    assert delays == [0.25, 0.5, 1, 2, 4, 8, 8, 8]
    clock.now += BACKOFF_MOST
    assert line.pop() == "a"
    line.done("a")
    line.add("a", Priority.EDIT)
    line.pop()
    assert line.failed("a") == 0.25


def test_a_key_that_fails_for_hours_keeps_the_longest_backoff() -> None:
    line, clock = queue()
    line.add("a", Priority.EDIT)
    for _ in range(2000):
        assert line.pop() == "a"
        clock.now += line.failed("a")
    assert line.pop() == "a"
    assert line.failed("a") == BACKOFF_MOST


def test_a_resync_does_not_shorten_a_backoff_and_an_edit_does() -> None:
    line, _ = queue()
    line.add("a", Priority.EDIT)
    line.pop()
    line.add("a", Priority.RESYNC)
    line.failed("a")
    assert line.pop() is None
    line.add("a", Priority.RESYNC)
    assert line.pop() is None
    line.add("a", Priority.EDIT)
    assert line.pop() == "a"


def test_one_failing_key_does_not_slow_another() -> None:
    line, _ = queue()
    line.add("bad", Priority.EDIT)
    line.pop()
    line.failed("bad")
    line.add("good", Priority.RESYNC)
    assert line.pop() == "good"


def test_depth_and_age_count_only_what_is_due() -> None:
    line, clock = queue()
    line.add("a", Priority.EDIT)
    line.add("later", Priority.EDIT, after=50)
    clock.now += 10
    assert (line.depth, line.oldest_age) == (1, 10)


async def test_a_waiting_worker_wakes_when_a_key_comes() -> None:
    line, _ = queue()
    worker = asyncio.create_task(line.get())
    await asyncio.sleep(0)
    line.add("a", Priority.EDIT)
    assert await asyncio.wait_for(worker, 1) == "a"


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["add", "pop", "done", "failed", "wait"])), max_size=60)
)
def test_whatever_happens_no_key_is_lost_and_none_runs_twice(steps: list[tuple[str, str]]) -> None:
    line, clock = queue()
    working: set[str] = set()
    owed: set[str] = set()
    for key, step in steps:
        if step == "add":
            line.add(key, Priority.CHILD)
            owed.add(key)
        elif step == "pop" and (got := line.pop()) is not None:
            assert got not in working
            working.add(got)
            owed.discard(got)
        elif step == "done" and key in working:
            working.remove(key)
            line.done(key)
        elif step == "failed" and key in working:
            working.remove(key)
            line.failed(key)
            owed.add(key)
        elif step == "wait":
            clock.now += 10
    for key in sorted(working):
        line.done(key)
    clock.now += 100
    left = set()
    while (got := line.pop()) is not None:
        left.add(got)
    assert owed <= left
