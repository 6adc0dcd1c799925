"""Which points there are, and in which lives they are tried."""

from __future__ import annotations

from collections import Counter

import pytest

from .crash_points import LIVES, Point, Trace, next_life, points, sample, sure

LEARNT = {
    "create": Counter({"kafka.create.topic": 2, "postgres.create.database": 1}),
    "remove": Counter({"s3.delete.bucket": 1}),
}
TOPIC = "create kafka.create.topic:after:2=kill"


def test_each_effect_is_disturbed_in_each_mode() -> None:
    found = [str(point) for point in points(LEARNT)]
    assert len(found) == len(set(found)) == 12
    assert {TOPIC, "create kafka.create.topic:before:1=kill", "remove s3.delete.bucket:after:1=lost"} <= set(found)


@pytest.mark.parametrize("point", points(LEARNT), ids=str)
def test_a_point_is_read_as_it_is_told(point: Point) -> None:
    assert Point.parse(str(point)) == point


@pytest.mark.parametrize("text", ["born kafka.create.topic:after:2=kill", "create kafka.create.topic", ""])
def test_what_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no"):
        Point.parse(text)


def test_a_sample_is_the_same_for_a_seed_and_leaves_no_stage_out() -> None:
    every = points(LEARNT)
    assert sample(every, 4, 7) == sample(every, 4, 7)
    assert {point.stage for point in sample(every, 2, 7)} == {"create", "remove"}
    assert len({tuple(sample(every, 4, seed)) for seed in range(20)}) > 1
    assert sorted(map(str, sample(every, 0, 7))) == sorted(map(str, every))


def test_a_sample_aims_at_nothing_whose_number_follows_the_pace() -> None:
    every = points({"create": Counter({"kubernetes.apply.Brokerage/status": 3, "kafka.create.topic": 2})})
    aimed = {point.failpoint.name for point in sure(every) if point.failpoint.occurrence > 1}
    assert aimed == {"kafka.create.topic"}
    assert {point.failpoint.name for point in sure(every)} == {point.failpoint.name for point in every}


def test_lives_are_chosen_by_what_is_left() -> None:
    (point,) = points({"create": Counter({"kafka.create.topic": 1})})[:1]
    assert next_life({stage: [point] for stage in LIVES["whole"]}) == "whole"
    assert next_life({"create": [point]}) == "short"
    assert next_life({"purge": [point]}) == "purged"
    assert next_life({"undelete": [point], "remove": []}) == "returning"
    assert next_life({"create": [], "remove": []}) is None


def test_every_stage_is_lived_and_every_life_ends_with_nothing_left() -> None:
    assert {stages[0] for stages in LIVES.values()} == {"create"}
    assert {stages[-1] for stages in LIVES.values()} == {"remove", "purge"}


def test_a_trace_tells_what_was_sent_what_was_answered_and_where_it_ended() -> None:
    lines = ["sent kafka.create.topic 1", "sent kubernetes.update.Lease 1", "done kafka.create.topic 1"]
    trace = Trace.read([*lines, "sent kafka.create.topic 2", "done kafka.create.topic 2", "died kafka.create.topic 2"])
    assert (trace.sent, trace.done) == (Counter({"kafka.create.topic": 2}), Counter({"kafka.create.topic": 2}))
    assert trace.struck(Point.parse(TOPIC))
    assert not trace.struck(Point.parse(TOPIC.replace(":2=", ":1=")))


def test_a_lost_answer_is_a_request_that_was_sent_and_never_done() -> None:
    point = Point.parse(TOPIC.replace("kill", "lost"))
    lines = ["sent kafka.create.topic 1", "done kafka.create.topic 1", "sent kafka.create.topic 2"]
    assert Trace.read(lines).struck(point)
    assert not Trace.read(lines[:2]).struck(point)
