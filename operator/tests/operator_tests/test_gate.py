"""The gate in front of each system: so many calls at a time, the most urgent first, none while it is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import REGISTRY
from rooftree_operator.adapters import kubernetes
from rooftree_operator.adapters.watched import Watched
from rooftree_operator.errors import Unavailable
from rooftree_operator.gate import Gate, urgency
from rooftree_operator.settings import Settings
from rooftree_operator.workqueue import Priority

AWAY = Unavailable("KafkaUnreachable", "no answer")


class Calls:
    """Calls in a gate that end when they are told to. `began` and `most` are what the system behind it saw."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.began: list[str] = []
        self.going = self.most = 0
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def make(self, name: str, how: Priority = Priority.RESYNC) -> None:
        self._ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._call(name, how))

    async def _call(self, name: str, how: Priority) -> None:
        urgency.set(how)
        async with self.gate.call():
            self.began.append(name)
            self.going += 1
            self.most = max(self.most, self.going)
            try:
                await self._ends[name].wait()
            finally:
                self.going -= 1

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
            await self.tasks[name]
            await settled()


async def settled() -> None:
    """Every task has run as far as it gets."""
    for _ in range(5):
        await asyncio.sleep(0)


@asynccontextmanager
async def calls(most: int, name: str = "kafka") -> AsyncIterator[Calls]:
    made = Calls(Gate(name, most))
    yield made
    for task in made.tasks.values():
        task.cancel()
    await asyncio.gather(*made.tasks.values(), return_exceptions=True)


async def test_no_system_has_more_calls_at_a_time_than_it_may_and_all_are_made() -> None:
    async with calls(3) as made:
        for number in range(20):
            made.make(str(number))
        await settled()
        assert len(made.began) == 3
        await made.end(*(str(number) for number in range(20)))
        assert (made.most, sorted(map(int, made.began))) == (3, list(range(20)))


async def test_an_edit_does_not_wait_behind_a_hundred_calls_of_a_resync() -> None:
    async with calls(1) as made:
        for number in range(100):
            made.make(f"resync {number}")
        await settled()
        made.make("child", Priority.CHILD)
        made.make("edit", Priority.EDIT)
        await settled()
        await made.end("resync 0")
        assert made.began[1:] == ["edit"]
        await made.end("edit", "child", "resync 1")
        assert made.began[1:4] == ["edit", "child", "resync 1"], "of the equally urgent ones, the older first"


async def test_whoever_waits_is_told_at_once_when_the_backend_goes_away_and_takes_no_place_with_it() -> None:
    async with calls(1) as made:
        for name in ("under way", "waits", "waits too"):
            made.make(name)
        await settled()
        made.gate.turn(AWAY)
        for name in ("waits", "waits too"):
            with pytest.raises(Unavailable, match="no answer"):
                await made.tasks[name]
        with pytest.raises(Unavailable):
            async with made.gate.call():
                pytest.fail("the gate is shut")
        await made.end("under way")
        made.gate.turn(None)
        made.make("after it")
        made.make("and one more")
        await settled()
        assert made.began == ["under way", "after it"]


async def test_a_call_that_is_given_up_or_fails_leaves_its_place_to_the_next() -> None:
    async with calls(1) as made:
        for name in ("first", "given up", "given up when its turn came", "last"):
            made.make(name)
        await settled()
        made.tasks["given up"].cancel()
        made._ends["first"].set()
        await asyncio.sleep(0)  # it has handed its place over, and nobody has run since
        made.tasks["given up when its turn came"].cancel()
        await settled()
        assert made.began == ["first", "last"]
        made.tasks["last"].cancel()
        await settled()
        made.make("again")
        await settled()
        assert made.began == ["first", "last", "again"]


async def test_metrics_tell_what_waits_and_what_is_under_way() -> None:
    def told(kind: str) -> float | None:
        return REGISTRY.get_sample_value(f"rooftree_operator_backend_{kind}", {"backend": "measured"})

    async with calls(1, "measured") as made:
        for name in ("a", "b", "c"):
            made.make(name)
        await settled()
        assert (told("calls_in_flight"), told("calls_waiting")) == (1.0, 2.0)
        await made.end("a", "b", "c")
        assert (told("calls_in_flight"), told("calls_waiting"), told("wait_seconds_count")) == (0.0, 0.0, 3.0)


def test_limits_are_read_from_the_environment_and_the_others_keep_their_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROOFTREE_OPERATOR_MOST_CALLS", '{"kafka": 3}')
    found = Settings().most_calls
    assert (found.kafka, found.postgres, found.kubernetes) == (3, 6, 32)


class Api:
    """A client of the apiserver whose requests end when they are told to."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.answer = asyncio.Event()

    async def request(self, _: str, path: str, **__: Any) -> Any:
        self.paths.append(path)
        await self.answer.wait()
        return self

    async def json(self) -> dict[str, Any]:
        return {}


async def test_the_lease_is_renewed_however_many_calls_the_apiserver_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes.Kubernetes, "__init__", lambda *_: None)
    kube, api = kubernetes.Kubernetes(None, 2), Api()  # type: ignore[arg-type]
    kube.gate = Gate("kubernetes", 2)
    kube._client, kube.watched = api, Watched()
    tasks = [asyncio.create_task(kube.get(kubernetes.PLAN, str(number))) for number in range(5)]
    await settled()
    tasks.append(asyncio.create_task(kube.get(kubernetes.LEASE, "rooftree-operator", "rooftree-system")))
    await settled()
    assert [path.rpartition("/")[2] for path in api.paths] == ["0", "1", "rooftree-operator"]
    api.answer.set()
    await asyncio.gather(*tasks)
    assert len(api.paths) == 6


class Pages:
    """An apiserver that gives as many objects of a list at a time as it is asked for, and tells what that was."""

    def __init__(self, names: list[str]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._names = names

    async def request(self, method: str, path: str, **options: Any) -> "Pages":
        self.asked.append({name: options[name] for name in ("limit", "_continue", "label_selector") if name in options})
        return self

    async def json(self) -> dict[str, Any]:
        begin = int(self.asked[-1].get("_continue", 0))
        end = begin + self.asked[-1]["limit"]
        items = [{"metadata": {"name": name}} for name in self._names[begin:end]]
        return {"metadata": {"continue": str(end)} if end < len(self._names) else {}, "items": items}


async def test_a_long_list_comes_by_pages_so_that_an_edit_never_waits_for_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kubernetes.Kubernetes, "__init__", lambda *_: None)
    kube, names = kubernetes.Kubernetes(None), [f"acme-{number}" for number in range(1000)]  # type: ignore[arg-type]
    api = Pages(names)
    kube.gate = Gate("kubernetes", 2)
    kube._client = api  # type: ignore[assignment]
    found = await kube.list(kubernetes.BROKERAGE, labels={"shard": "a"})
    assert [(one["kind"], one["metadata"]["name"]) for one in found] == [("Brokerage", name) for name in names]
    assert len(api.asked) == 1000 / kubernetes.PAGE
    assert all(one["label_selector"] == "shard=a" for one in api.asked)
