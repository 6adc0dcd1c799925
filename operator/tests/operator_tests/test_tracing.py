"""Traces of passes: what was slow, which part it was in, and next to nothing for the many that find all in place."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from rooftree_operator import tracing
from rooftree_operator.adapters import kubernetes
from rooftree_operator.adapters.watched import Watched
from rooftree_operator.errors import Unavailable
from rooftree_operator.gate import Gate
from rooftree_operator.reconcile import Outcome
from rooftree_operator.settings import Settings
from rooftree_operator.span_export import Spans
from rooftree_operator.workqueue import Priority
from structlog.contextvars import merge_contextvars as tracing_ids
from structlog.testing import capture_logs

from .test_runtime import operator
from .turns import until
from .world import World, brokerage


class Receiver:
    """What arrives."""

    def __init__(self) -> None:
        self._memory = InMemorySpanExporter()
        self.spans = Spans(SimpleSpanProcessor(self._memory), "pod-1")

    @property
    def found(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._memory.get_finished_spans()}

    def parent(self, name: str) -> str:
        above = self.found[name].parent
        return "" if above is None else self.names[above.span_id]

    @property
    def names(self) -> dict[int, str]:
        return {span.context.span_id: name for name, span in self.found.items() if span.context}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    made = Receiver()
    monkeypatch.setattr(tracing.sending, "take", made.spans.take)
    monkeypatch.setattr(tracing.random, "random", lambda: 0.999)
    yield made
    made.spans.close()


async def test_a_trace_leads_from_the_pass_by_its_part_to_the_call_and_its_wait(receiver: Receiver) -> None:
    gate, waits = Gate("kafka", 1), asyncio.Event()

    async def other() -> None:
        async with gate.call():
            waits.set()
            await until(lambda: gate._line)

    task = asyncio.create_task(other())
    await waits.wait()
    with tracing.of_pass("tenant/acme", Priority.EDIT) as trace, tracing.step("topics"):
        async with gate.call("access"):
            pass
    await task
    assert [receiver.parent(name) for name in ("pass tenant", "topics", "kafka access", "wait")] == [
        "",
        "pass tenant",
        "topics",
        "kafka access",
    ]
    root = receiver.found["pass tenant"]
    assert root.context
    assert root.context.trace_id == trace.id
    assert dict(root.attributes or {}) == {
        "rooftree.key": "tenant/acme",
        "rooftree.priority": "EDIT",
        "rooftree.changed": False,
    }
    assert root.resource.attributes["service.name"] == "rooftree-operator"
    assert receiver.found["kafka access"].kind is SpanKind.CLIENT
    times = [(span.start_time, span.end_time) for span in (root, receiver.found["topics"])]
    assert times[0][0] <= times[1][0] <= times[1][1] <= times[0][1]  # type: ignore[operator]


async def test_an_error_is_told_by_its_class_and_never_by_its_words(receiver: Receiver) -> None:
    def fail() -> None:
        with tracing.of_pass("tenant/acme", Priority.RESYNC) as trace:
            trace.failed = True
            with tracing.step("database"):
                raise Unavailable("PostgresRefused", "the secret word")

    with pytest.raises(Unavailable):
        fail()
    failed = receiver.found["database"]
    assert dict(failed.attributes or {}) == {"error.type": "Unavailable"}
    assert failed.status.status_code is StatusCode.ERROR
    assert "secret" not in str([span.to_json() for span in receiver.found.values()])


async def passed(world: World, priority: Priority) -> None:
    with tracing.of_pass("tenant/acme", priority):
        await world.reconciler.reconcile("acme")


async def test_a_pass_that_changes_something_is_kept_and_of_those_that_do_not_one_in_a_hundred(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    await world.release("1.0.0")
    world.kube.put(brokerage("acme"))
    await world.converge("acme")
    await passed(world, Priority.RESYNC)
    assert not receiver.found
    await passed(world, Priority.EDIT)
    assert receiver.parent("workload") == "pass tenant"
    receiver._memory.clear()
    monkeypatch.setattr(tracing.random, "random", lambda: tracing.QUIET / 2)
    await passed(world, Priority.RESYNC)
    assert receiver.parent("topics") == "pass tenant"


@pytest.mark.parametrize("how", ["changed", "failed", "slow"])
def test_what_is_notable_is_kept_whatever_set_it_off(how: str) -> None:
    trace = tracing.Trace(1, "tenant/acme", Priority.RESYNC, 100.0)
    assert not trace.is_kept(100.5, 0.5)
    trace.changed, trace.failed = how == "changed", how == "failed"
    assert trace.is_kept(100.5 if how != "slow" else 103.0, 0.5)


async def test_a_request_that_writes_makes_its_pass_one_that_changed_something() -> None:
    class Api:
        async def request(self, *_: Any, **__: Any) -> Any:
            return self

        async def json(self) -> dict[str, Any]:
            return {}

    kube = kubernetes.Kubernetes.__new__(kubernetes.Kubernetes)
    kube.gate, kube._client, kube.watched = Gate("kubernetes", 2), Api(), Watched()
    with tracing.of_pass("tenant/acme", Priority.RESYNC) as trace:
        await kube.get(kubernetes.SERVICE, "app", "tenant-a")
        assert not trace.changed
        await kube.delete(kubernetes.SERVICE, "app", "tenant-a")
        assert trace.changed


def test_a_call_is_named_after_the_kind_and_never_after_the_object() -> None:
    assert kubernetes._plural("/apis/apps/v1/namespaces/tenant-a/deployments/services") == "deployments"
    assert kubernetes._plural("/apis/apps/v1/namespaces/tenant-a/deployments/app/scale") == "deployments"
    assert kubernetes._plural("/api/v1/namespaces/services") == "namespaces"
    assert kubernetes._plural("/api/v1/namespaces/tenant-a/secrets/app") == "secrets"
    assert kubernetes._plural("/apis/rooftree.dev/v1alpha1/brokerages/acme/status") == "brokerages"


async def test_without_a_receiver_nothing_is_noted_and_the_log_has_the_id_all_the_same() -> None:
    running = operator(World())
    running.settings = Settings()
    finished = asyncio.Event()
    seen: list[str] = []

    async def dispatch(*_: str) -> Outcome:
        with tracing.step("part"):
            tracing.note_change()
        found = tracing._current.get()
        assert found is not None
        assert found[0].steps == []
        seen.append(f"{found[0].id:032x}")
        finished.set()
        return Outcome(gone=True)

    running._dispatch = dispatch  # type: ignore[method-assign]
    running.queue.add("tenant/acme", Priority.EDIT)
    with capture_logs(processors=[tracing_ids]) as lines:
        worker = asyncio.create_task(running._work(0))
        async with asyncio.timeout(5):
            await finished.wait()
        await until(lambda: "tenant/acme" not in running.queue)
        worker.cancel()
    (line,) = [line for line in lines if line["event"] == "pass"]
    assert (line["log_level"], line["trace_id"], line["key"]) == ("info", seen[0], "tenant/acme")
