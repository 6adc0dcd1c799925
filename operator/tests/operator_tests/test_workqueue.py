"""The queue: one worker a key, nothing lost, urgent things first, failing keys on their own clock."""

import asyncio
import gc
import sys
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator.workqueue import BACKOFF_MOST, PATIENCE, SLACK, Priority, WorkQueue


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


async def test_resyncs_leave_a_worker_free_for_what_somebody_waits_for() -> None:
    line = WorkQueue(Clock(), jitter=lambda: 1.0, most_resyncs=2)
    for key in "abc":
        line.add(key, Priority.RESYNC)
    assert (line.pop(), line.pop(), line.pop()) == ("a", "b", None)
    waiting = asyncio.create_task(line.get())
    await asyncio.sleep(0)
    line.add("edit", Priority.EDIT)
    assert await waiting == "edit"
    waiting = asyncio.create_task(line.get())
    await asyncio.sleep(0)
    line.done("edit")
    await asyncio.sleep(0)
    assert not waiting.done()
    line.done("a")
    assert await waiting == "c"


async def test_while_somebody_waits_for_work_only_one_resync_begins() -> None:
    line = WorkQueue(Clock(), jitter=lambda: 1.0, most_resyncs=3)
    line.add("edit", Priority.EDIT)
    for key in "abc":
        line.add(key, Priority.RESYNC)
    assert (line.pop(), line.pop(), line.pop()) == ("edit", "a", None)
    line.done("edit")
    assert (line.pop(), line.pop()) == ("b", "c")


async def test_resyncs_that_have_given_way_for_long_begin_all_the_same() -> None:
    """Or one urgent pass that hangs would leave a single worker for a round of a thousand tenants."""
    clock = Clock()
    line = WorkQueue(clock, jitter=lambda: 1.0, most_resyncs=3)
    line.add("edit", Priority.EDIT)
    for key in "abcd":
        line.add(key, Priority.RESYNC)
    assert (line.pop(), line.pop(), line.pop()) == ("edit", "a", None)
    clock.now += PATIENCE
    assert (line.pop(), line.pop(), line.pop()) == ("b", "c", None)


async def test_a_resync_that_becomes_an_edit_is_held_back_no_longer() -> None:
    line = WorkQueue(Clock(), jitter=lambda: 1.0, most_resyncs=1)
    line.add("a", Priority.RESYNC)
    line.add("b", Priority.RESYNC)
    assert (line.pop(), line.pop()) == ("a", None)
    line.add("b", Priority.EDIT)
    assert line.pop() == "b"


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


@dataclass
class Simple:
    """The queue as one would first write it, which looks at every key each time: what the real one has to do."""

    clock: Clock
    waiting: dict[str, tuple[Priority, float]] = field(default_factory=dict)
    working: dict[str, tuple[Priority, float] | None] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    def add(self, key: str, priority: Priority, *, after: float = 0.0) -> None:
        if priority is Priority.RESYNC and key in self.failures and key in self.waiting:
            return
        line = self.working if key in self.working else self.waiting
        old, new = line.get(key), (priority, self.clock.now + after)
        line[key] = new if old is None else (min(old[0], new[0]), min(old[1], new[1]))

    def due(self) -> list[tuple[Priority, float, str]]:
        return sorted((*entry, key) for key, entry in self.waiting.items() if entry[1] <= self.clock.now)

    def pop(self) -> str | None:
        for _, _, key in self.due():
            del self.waiting[key]
            self.working[key] = None
            return key
        return None

    def done(self, key: str, *, again_in: float | None = None) -> None:
        self.failures.pop(key, None)
        self.release(key, again_in)

    def failed(self, key: str) -> None:
        count = self.failures[key] = self.failures.get(key, 0) + 1
        missed = self.working[key]
        if missed and missed[0] is Priority.RESYNC:
            self.working[key] = None
        self.release(key, min(BACKOFF_MOST, 0.25 * 2 ** (count - 1)))

    def release(self, key: str, again_in: float | None) -> None:
        if (missed := self.working.pop(key)) is not None:
            self.waiting[key] = missed
        if again_in is not None:
            self.add(key, Priority.CHILD, after=again_in)


KEYS, SECONDS = st.sampled_from("abcd"), st.sampled_from([0.0, 0.25, 1.0, 5.0, 50.0])
STEPS = st.one_of(
    st.tuples(st.just("add"), KEYS, st.sampled_from(Priority), SECONDS),
    st.tuples(st.just("pop")),
    st.tuples(st.just("done"), KEYS, st.none() | SECONDS),
    st.tuples(st.just("failed"), KEYS),
    st.tuples(st.just("wait"), SECONDS),
)


@given(st.lists(STEPS, max_size=150))
def test_the_queue_does_what_the_simple_one_does(steps: list[tuple[Any, ...]]) -> None:
    line, clock = queue()
    model = Simple(clock)
    for step, *values in steps:
        if step == "add":
            key, priority, after = values
            line.add(key, priority, after=after)
            model.add(key, priority, after=after)
        elif step == "pop":
            came = {key: priority for priority, _, key in model.due()}
            assert (got := line.pop()) == model.pop()
            assert got is None or line.priority(got) is came[got]
        elif step == "done" and values[0] in model.working:
            line.done(values[0], again_in=values[1])
            model.done(values[0], again_in=values[1])
        elif step == "failed" and values[0] in model.working:
            line.failed(values[0])
            model.failed(values[0])
        elif step == "wait":
            clock.now += values[0]
        due = model.due()
        assert line.depth == len(due)
        assert line.oldest_age == max((clock.now - since for _, since, _ in due), default=0.0)
        assert all((key in line) == (key in model.waiting or key in model.working) for key in "abcd")


def test_a_key_that_comes_back_is_as_urgent_as_what_brings_it_back() -> None:
    line, _ = queue()
    line.add("a", Priority.EDIT)
    assert line.pop() == "a"
    line.done("a")
    line.add("a", Priority.RESYNC)
    line.add("b", Priority.CHILD)
    assert [line.pop(), line.pop()] == ["b", "a"]


def test_a_pop_does_not_look_at_every_key_that_waits() -> None:
    def lines_run(keys: int) -> int:
        line, clock = queue()
        for number in range(keys):
            line.add(str(number), Priority.RESYNC, after=1.0 + number / keys)
        line.add("edit", Priority.EDIT)
        ran = 0

        def count(*_: Any) -> Any:
            nonlocal ran
            ran += 1
            return count

        before = sys.gettrace()
        gc.disable()  # what earlier tests left would be counted, too
        sys.settrace(count)
        try:
            assert line.pop() == "edit"
            line.done("edit", again_in=0.5)
            assert (line.depth, line.oldest_age) == (0, 0.0)
        finally:
            sys.settrace(before)
            gc.enable()
        assert clock.now == 100.0
        return ran

    assert lines_run(2000) <= lines_run(20) + 50, "a heap's depth grows by seven"


def test_a_key_that_is_brought_forward_again_and_again_leaves_nothing_behind() -> None:
    line, clock = queue()
    for _ in range(5000):
        line.add("a", Priority.RESYNC, after=50)
        line.add("a", Priority.CHILD)
        assert line.pop() == "a"
        line.done("a")
        clock.now += 0.001
    heaps = (line._later, line._urgent, line._oldest)
    assert all(len(heap._heap) <= SLACK + 2 for heap in heaps)
