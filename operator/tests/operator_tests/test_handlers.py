"""What comes into the queue, and what the liveness probe is told about it."""

# Probes run as Kopf runs them, for which there is no public way.
# pyright: reportPrivateUsage=false

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import kopf
import pytest
from kopf._cogs.clients import api, fetching, watching
from kopf._cogs.structs.references import Resource
from kopf._core.actions.invocation import is_async_fn
from kopf._core.engines.activities import ActivityError, run_activity
from kopf._core.engines.indexing import OperatorIndexers
from kopf._core.intents.causes import Activity
from prometheus_client import REGISTRY
from rooftree_operator.adapters.kubernetes import CONFIG, SECRET, SERVICE
from rooftree_operator.adapters.watched import Watched
from rooftree_operator.handlers import AWAITED, DECLARED, KEPT, WATCHED, Intake, listening, register
from rooftree_operator.health import LONGEST_PASS, SILENT, STUCK, Health
from rooftree_operator.storms import Storms
from rooftree_operator.workqueue import Priority, WorkQueue

UNUSED: Any = None
QUEUE, PASS, WATCH = "queue_oldest_seconds", "pass_running_seconds", "watch_silent_seconds"


async def probed(queue: WorkQueue, health: Health, *, acts: bool) -> dict[str, str]:
    """What Kopf's own probes answer: the error, or nothing if all is well."""
    registry = kopf.OperatorRegistry()
    register(registry, queue, Storms(lambda: 0.0), health, acts=lambda: acts, watched=Watched())
    try:
        found = await run_activity(
            lifecycle=kopf.lifecycles.all_at_once,
            registry=registry,
            settings=kopf.OperatorSettings(),
            activity=Activity.PROBE,
            indices=OperatorIndexers().indices,
            memo=UNUSED,
        )
    except ActivityError as error:
        return dict.fromkeys((QUEUE, PASS, WATCH), "") | {
            str(name): str(outcome.exception) for name, outcome in error.outcomes.items() if outcome.exception
        }
    return dict.fromkeys(map(str, found), "")


class Beats:
    """A process that stood still for a while."""

    def __init__(self) -> None:
        self.now = 0.0
        self.queue = WorkQueue(lambda: self.now)
        self.health = Health(self.queue, lambda: self.now)


async def test_a_holder_whose_queue_does_not_move_counts_as_dead_and_one_on_standby_does_not() -> None:
    beats = Beats()
    beats.queue.add("tenant/acme", Priority.EDIT)
    beats.now = STUCK
    assert set((await probed(beats.queue, beats.health, acts=True)).values()) == {""}
    beats.now += 1
    found = await probed(beats.queue, beats.health, acts=True)
    assert found == {QUEUE: "a key has waited for 121 s", PASS: "", WATCH: ""}
    assert (await probed(beats.queue, beats.health, acts=False))[QUEUE] == ""


async def test_a_worker_that_is_in_one_pass_for_ever_counts_as_dead_however_well_the_others_do() -> None:
    beats = Beats()
    beats.health.begins(0, "tenant/acme")
    for _ in range(12):
        beats.now += LONGEST_PASS / 12
        beats.health.begins(1, "tenant/other")
        beats.health.ends(1)
    assert (await probed(beats.queue, beats.health, acts=True))[PASS] == ""
    beats.now += 1
    assert (await probed(beats.queue, beats.health, acts=True))[PASS] == (
        "a worker has been in the pass of tenant/acme for 601 s"
    )
    beats.health.ends(0)
    assert (await probed(beats.queue, beats.health, acts=True))[PASS] == ""


async def test_a_watch_that_was_never_heard_of_counts_as_deaf_and_a_bookmark_is_enough_to_hear() -> None:
    beats = Beats()
    beats.health.listens(["brokerages", "jobs"])
    beats.now = SILENT
    beats.health.hears("jobs")
    beats.health.hears("secrets")
    beats.now += 1
    found = (await probed(beats.queue, beats.health, acts=False))[WATCH]
    assert found == "the watch of brokerages has told of nothing for 311 s, not even of a bookmark"
    beats.health.hears("brokerages")
    assert (await probed(beats.queue, beats.health, acts=False))[WATCH] == ""


async def test_metrics_tell_of_queue_passes_and_watches_while_no_pass_ends() -> None:
    beats = Beats()
    beats.health.listens(["measured"])
    beats.queue.add("tenant/acme", Priority.EDIT)
    beats.health.begins(0, "tenant/other")
    beats.now = 7.0
    beats.health.measure()
    values = {
        name: REGISTRY.get_sample_value(f"rooftree_operator_{name}")
        for name in ("queue_depth", "queue_oldest_seconds", "pass_running_seconds")
    }
    assert values == {"queue_depth": 1.0, "queue_oldest_seconds": 7.0, "pass_running_seconds": 7.0}
    assert REGISTRY.get_sample_value("rooftree_operator_watch_silent_seconds", {"kind": "measured"}) == 7.0


async def test_bookmarks_are_heard_although_kopf_tells_nobody_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stream(**_: Any) -> AsyncIterator[Any]:
        yield {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}
        beats.now += 100.0
        yield {"type": "ADDED", "object": {"metadata": {"resourceVersion": "2"}}}
        waiter.set_result(None)

    monkeypatch.setattr(watching, "watch_objs", stream)
    settings, beats = kopf.OperatorSettings(), Beats()
    settings.watching.initial_streaming = True
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    resource = kopf.Resource("rooftree.dev", "v1alpha1", "brokerages", namespaced=False)
    beats.health.listens(["brokerages"])
    beats.now, silences = 50.0, list[float]()
    with listening(beats.health, Watched()):
        async for _ in watching.continuous_watch(
            settings=settings, resource=resource, namespace=None, operator_pause_waiter=waiter
        ):
            silences.append(beats.health.watches())
    assert silences == [0.0, 0.0, 0.0], "after the bookmark, once more for the end of the list, and after the event"
    assert watching.watch_objs is stream


async def test_what_kopf_lists_and_watches_is_known_of_children(monkeypatch: pytest.MonkeyPatch) -> None:
    def service(name: str, version: str) -> dict[str, Any]:
        metadata = {"name": name, "namespace": "tenant-acme", "resourceVersion": version}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata}

    async def fetch(**_: Any) -> AsyncIterator[Any]:
        yield [service("app", "3")], "9"
        yield [service("rpc", "4")], "9"

    async def stream(**_: Any) -> AsyncIterator[Any]:
        yield {"type": "DELETED", "object": service("rpc", "10")}
        yield {"type": "MODIFIED", "object": service("app", "11")}
        waiter.set_result(None)

    monkeypatch.setattr(fetching, "fetch_objs", fetch)
    monkeypatch.setattr(watching, "watch_objs", stream)
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    watched, told = Watched(lambda: 0.0), list[Any]()
    watched.keeps(["services"])
    with listening(Beats().health, watched):
        async for event in watching.continuous_watch(
            settings=kopf.OperatorSettings(),
            resource=kopf.Resource("", "v1", "services", namespaced=True),
            namespace=None,
            operator_pause_waiter=waiter,
        ):
            told.append(event)
    found = watched.find("services", SERVICE.path("app", "tenant-acme"))
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "11"
    with pytest.raises(LookupError):
        watched.find("services", SERVICE.path("rpc", "tenant-acme"))
    assert watched.find("services", SERVICE.path("gone", "tenant-acme")) is None
    assert len(told) == 5, "Kopf hears all of it, and where the list ends"
    assert fetching.fetch_objs is fetch


class Answer:
    """Of a watch: these lines and no more."""

    def __init__(self, *events: Any) -> None:
        self.lines = [json.dumps(event).encode() + b"\n" for event in events]
        self.content = self

    async def __aenter__(self) -> None: ...
    async def __aexit__(self, *_: object) -> None: ...

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        for line in self.lines:
            yield line


async def watch_once(kind: str, health: Health, watched: Watched, answer: Answer | Exception) -> list[Any]:
    """One watch that Kopf begins, and how it is answered."""

    async def request(**_: Any) -> Answer:
        if isinstance(answer, Exception):
            raise answer
        return answer

    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "request", request)
        with listening(health, watched):
            stream = watching.watch_objs(
                settings=kopf.OperatorSettings(),
                resource=kopf.Resource("", "v1", kind, namespaced=True),
                namespace=None,
                since="9",
                operator_pause_waiter=waiter,
            )
            told = [event async for event in stream]
        assert api.request is request
    return told


def listed_once() -> tuple[Beats, Watched]:
    """Services are watched; there were none when they were listed."""
    beats = Beats()
    watched = Watched(lambda: beats.now)
    watched.keeps(["services"])
    beats.health.listens(["services"])
    watched.listed("services", set(), "9")
    return beats, watched


async def test_a_watch_that_begins_anew_is_heard_though_there_is_nothing_to_tell() -> None:
    """An etcd that tells of no progress leaves the API server without bookmarks for kinds of which nothing happens."""
    beats, watched = listed_once()
    for _ in range(10):
        beats.now += 70.0
        assert await watch_once("services", beats.health, watched, Answer()) == []
        beats.now += 4.0
        assert watched.find("services", "/api/v1/namespaces/x/services/app") is None
    assert beats.health.watches() == 4.0


async def test_a_watch_that_is_not_answered_is_not_heard() -> None:
    beats, watched = listed_once()
    beats.now += 70.0
    with pytest.raises(ConnectionError):
        await watch_once("services", beats.health, watched, ConnectionError("away"))
    beats.now += 6.0
    with pytest.raises(LookupError):
        watched.find("services", "/api/v1/namespaces/x/services/app")
    assert beats.health.watches() == 76.0


async def test_a_watch_that_begins_too_late_to_tell_everything_is_not_believed_until_all_is_listed() -> None:
    beats, watched = listed_once()
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410}}
    assert await watch_once("services", beats.health, watched, Answer(gone)) == [gone]
    with pytest.raises(LookupError):
        watched.find("services", "/api/v1/namespaces/x/services/app")
    watched.opens("services")
    with pytest.raises(LookupError):
        watched.find("services", "/api/v1/namespaces/x/services/app")
    watched.listed("services", set(), "12")
    assert watched.find("services", "/api/v1/namespaces/x/services/app") is None


async def test_kopf_calls_the_handlers_in_its_loop_and_in_no_thread() -> None:
    registry = kopf.OperatorRegistry()
    queue = WorkQueue(lambda: 0.0)
    register(registry, queue, Storms(lambda: 0.0), Health(queue, lambda: 0.0), acts=lambda: True, watched=Watched())
    handlers = list(registry._watching._handlers)
    assert len(handlers) == len(WATCHED) + 4
    assert all(is_async_fn(handler.fn) for handler in handlers)


async def test_what_is_our_own_the_handlers_hear_of_the_watches() -> None:
    registry, queue, watched = kopf.OperatorRegistry(), WorkQueue(lambda: 0.0), Watched()
    register(registry, queue, Storms(lambda: 0.0), Health(queue, lambda: 0.0), acts=lambda: True, watched=watched)
    services = Resource("", "v1", "services", namespaced=True, preferred=True)
    (handler,) = [one for one in registry._watching._handlers if one.selector and one.selector.check(services)]
    watched.keeps(KEPT)
    watched.listed("services", set(), "1")
    written = child("ADDED", metadata={"namespace": "tenant-acme", "resourceVersion": "5"})["object"]
    watched.answered("services", SERVICE.path("app", "tenant-acme"), written)
    take: Any = handler.fn
    for version, ports, key in (("5", 1, None), ("6", 2, "tenant/acme")):
        item = {**written, "metadata": {**written["metadata"], "resourceVersion": version}, "spec": {"ports": ports}}
        await take(event={"type": "MODIFIED", "object": item}, resource=services)
        assert queue.pop() == key


def child(kind: str | None = "MODIFIED", **fields: Any) -> dict[str, Any]:
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
    intake = Intake(queue, Storms(lambda: 0.0))
    assert queued(intake, queue, child("ADDED"))
    assert not queued(intake, queue, child(status={"currentReplicas": 2}))
    assert not queued(intake, queue, child(metadata={"resourceVersion": "2", "generation": 9, "managedFields": [{}]}))
    assert queued(intake, queue, child(spec={"maxReplicas": 99}))
    assert not queued(intake, queue, child(spec={"maxReplicas": 99}, status={"currentReplicas": 3}))
    assert queued(intake, queue, child(spec={"maxReplicas": 99}, metadata={"annotations": {"a": "b"}}))
    assert queued(intake, queue, child("DELETED"))
    assert queued(intake, queue, child("ADDED"))


def own(*versions: str) -> Callable[[Any, dict[str, Any]], bool]:
    """That we have written an object's versions ourselves."""
    return lambda _, item: item["metadata"]["resourceVersion"] in versions


def test_what_a_pass_has_declared_brings_no_other_one_and_what_anybody_makes_of_it_does() -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, Storms(lambda: 0.0), is_own=own("5"))
    assert not queued(intake, queue, child("ADDED", metadata={"resourceVersion": "5"}))
    assert not queued(intake, queue, child(metadata={"resourceVersion": "5"}, spec={"maxReplicas": 3}))
    assert queued(intake, queue, child(metadata={"resourceVersion": "6"}, spec={"maxReplicas": 4}))
    assert queued(intake, queue, child("DELETED", metadata={"resourceVersion": "5"}))
    assert queued(intake, queue, child(None, metadata={"resourceVersion": "5"})), "a listing tells what no event did"


def test_what_we_have_written_where_a_status_is_waited_for_brings_a_look() -> None:
    queue = WorkQueue(lambda: 0.0)
    Intake(queue, Storms(lambda: 0.0), is_own=own("1")).child(child())
    assert queue.pop() == "tenant/acme"


def test_what_we_wrote_and_somebody_set_back_to_what_was_before_is_looked_at() -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, Storms(lambda: 0.0), is_own=own("2"))
    assert queued(intake, queue, child(spec={"maxReplicas": 1}, metadata={"resourceVersion": "1"}))
    assert not queued(intake, queue, child(spec={"maxReplicas": 2}, metadata={"resourceVersion": "2"}))
    assert queued(intake, queue, child(spec={"maxReplicas": 1}, metadata={"resourceVersion": "3"}))


def told(
    kind: str | None, name: str = "acme", *, generation: int = 1, observed: int | None = 1, **metadata: Any
) -> Any:
    """What a watch tells of a Brokerage."""
    status = {} if observed is None else {"status": {"observedGeneration": observed}}
    return {"type": kind, "object": {"metadata": {"name": name, "generation": generation, **metadata}, **status}}


def taken(queue: WorkQueue) -> Priority | None:
    """With which priority the only key that is due came."""
    key = queue.pop()
    if key is None:
        return None
    priority = queue.priority(key)
    queue.done(key)
    return priority


@pytest.mark.parametrize(
    ("event", "priority"),
    [
        (told(None), Priority.RESYNC),
        (told(None, generation=2), Priority.EDIT),
        (told(None, observed=None), Priority.EDIT),
        (told(None, deletionTimestamp="2026-11-24T12:00:00Z"), Priority.DELETION),
        (told("ADDED"), Priority.EDIT),
        (told("MODIFIED"), Priority.EDIT),
    ],
    ids=["nothing new", "edited meanwhile", "made meanwhile", "deleted meanwhile", "made", "edited"],
)
def test_the_first_listing_is_a_routine_look_at_whatever_a_status_speaks_of(event: Any, priority: Priority) -> None:
    queue = WorkQueue(lambda: 0.0)
    Intake(queue, Storms(lambda: 0.0)).brokerage(event)
    assert taken(queue) is priority


def test_a_later_listing_tells_of_edits_whose_events_were_lost() -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, Storms(lambda: 0.0))
    intake.brokerage(told(None))
    assert taken(queue) is Priority.RESYNC
    intake.brokerage(told(None))
    assert taken(queue) is None
    intake.brokerage(told(None, annotations={"rooftree.dev/rotate": "1"}))
    assert taken(queue) is Priority.EDIT
    intake.brokerage(told(None, generation=2, observed=2, annotations={"rooftree.dev/rotate": "1"}))
    assert taken(queue) is Priority.EDIT


def test_an_edit_after_a_start_comes_before_all_that_the_first_listing_told_of() -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, Storms(lambda: 0.0))
    for number in range(100):
        intake.brokerage(told(None, f"brokerage-{number}"))
        labels = {"rooftree.dev/brokerage": f"brokerage-{number}"}
        intake.child({"type": None, "object": {"kind": "Deployment", "metadata": {"name": "app", "labels": labels}}})
    intake.plan(told(None, "starter"))
    intake.brokerage(told("MODIFIED", "brokerage-77", generation=2))
    assert queue.pop() == "tenant/brokerage-77"


def test_a_plan_is_routine_when_it_is_first_listed_and_an_edit_ever_after() -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, Storms(lambda: 0.0))
    for kind, priority in ((None, Priority.RESYNC), (None, Priority.EDIT), ("MODIFIED", Priority.EDIT)):
        intake.plan(told(kind, "starter"))
        assert taken(queue) is priority
    intake.plan(told("ADDED", "new"))
    assert taken(queue) is Priority.EDIT


def test_a_brokerage_that_vanished_has_one_look_more_so_that_it_is_counted_no_longer() -> None:
    queue = WorkQueue(lambda: 0.0)
    Intake(queue, Storms(lambda: 0.0)).brokerage({"type": "DELETED", "object": {"metadata": {"name": "acme"}}})
    assert queue.pop() == "tenant/acme"


def test_secrets_and_config_maps_are_never_watched() -> None:
    assert not {SECRET, CONFIG} & set(WATCHED)
    assert not set(AWAITED) & set(DECLARED)


def ordered(**status: Any) -> dict[str, Any]:
    item = {"metadata": {"uid": "u", "name": "first", "generation": 1}, "spec": {}, "status": status}
    return {"type": "MODIFIED", "object": item}


def test_an_operation_is_looked_at_when_it_comes_and_when_it_is_over_and_not_for_each_of_its_steps() -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, Storms(lambda: 0.0))

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
    Intake(queue, Storms(lambda: 0.0)).child(child(metadata={"labels": labels}))
    assert (queue.pop(), queue.pop()) == ("operation/first", None)


def test_a_backup_is_looked_at_only_when_it_is_to_go() -> None:
    queue = WorkQueue(lambda: 0.0)
    intake = Intake(queue, Storms(lambda: 0.0))
    intake.backup(child("ADDED"))
    assert queue.pop() is None
    intake.backup(child(metadata={"name": "first", "deletionTimestamp": "2026-11-24T12:00:00Z"}))
    assert queue.pop() == "backup/first"
