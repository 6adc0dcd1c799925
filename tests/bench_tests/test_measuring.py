"""Brokerages are made and edited through an apiserver, and an operator of the test's answers as it is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from bench_operator import api, fleet
from rooftree_operator.adapters.kubernetes import BROKERAGE

from .fake_apiserver import FakeApiserver, Object

BROKERAGES = BROKERAGE.path(None, None)


@dataclass
class Bench:
    """A fleet over a fake apiserver; `trials` are what was noted."""

    cluster: FakeApiserver
    fleet: fleet.Fleet
    trials: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def note(self, kind: str, value: float, **_: Any) -> None:
        self.trials.setdefault(kind, []).append(value)

    def of(self, name: str) -> Object:
        return self.cluster.objects[f"{BROKERAGES}/{name}"]

    def tell(self, name: str, **status: Any) -> None:
        """Writes a status, as the operator would."""
        self.cluster.put(BROKERAGES, {**self.of(name), "status": status})

    def ready(self, name: str, *, ready: str = "True") -> None:
        generation = self.of(name)["metadata"]["generation"]
        self.tell(name, observedGeneration=generation, conditions=[{"type": "Ready", "status": ready}])

    async def until(self, what: Callable[[], bool]) -> None:
        async def answer() -> bool:
            return what()

        await api.until(answer, within=10, what="it did not happen", every=0.005)


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    cluster = FakeApiserver()
    async with (
        TestServer(cluster.application(), shutdown_timeout=0.1) as server,
        api.aiohttp.ClientSession() as session,
    ):
        client = api.Api(str(server.make_url("")).rstrip("/"), session)
        async with fleet.followed(client) as seen:
            made = Bench(
                cluster, fleet.Fleet(client, seen, lambda *words, **more: made.note(*words, **more), random.Random(1))
            )
            yield made


async def test_a_brokerage_is_ready_only_when_its_condition_says_so() -> None:
    async with bench() as run:
        creation = asyncio.create_task(run.fleet.create(["a", "b"], within=10))
        await run.until(lambda: len(run.cluster.objects) == 2)
        run.ready("a")
        run.ready("b", ready="False")
        await run.until(lambda: "b" in run.fleet.seen.first_status)
        assert not creation.done()
        run.ready("b")
        await creation
        assert sorted(run.trials) == ["created", "created_tenant", "first_status", "ready"]
        assert len(run.trials["first_status"]) == len(run.trials["ready"]) == 2
        assert run.trials["created"][0] == pytest.approx(2 * run.trials["created_tenant"][0])


async def test_one_that_does_not_become_ready_is_named_with_its_own_words() -> None:
    async with bench() as run:
        creation = asyncio.create_task(run.fleet.create(["a"], within=0.5))
        await run.until(lambda: bool(run.cluster.objects))
        run.tell("a", message="waiting for Kafka")
        with pytest.raises(TimeoutError, match="a says 'waiting for Kafka'"):
            await creation


async def test_an_edit_lasts_until_the_status_speaks_of_its_generation() -> None:
    async with bench() as run:
        run.cluster.put(BROKERAGES, fleet.manifest("a"))
        run.ready("a")
        edits = asyncio.create_task(run.fleet.edit(["a"], 2, "edit", within=10))
        await run.until(lambda: run.of("a")["metadata"]["generation"] == 3)
        assert "edit" not in run.trials
        run.ready("a")
        await edits
        # They began one after the other and ended together.
        first, second = sorted(run.trials["edit"], reverse=True)
        assert first > second > 0


async def test_a_watch_that_is_refused_ends_the_run() -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response({"message": "you may not"}, status=403)

    app = web.Application()
    app.router.add_get("/{path:.*}", refuse)
    async with TestServer(app) as server, api.aiohttp.ClientSession() as session:
        client = api.Api(str(server.make_url("")).rstrip("/"), session)
        with pytest.raises(ExceptionGroup) as found:
            async with fleet.followed(client):
                await asyncio.Event().wait()
        assert found.group_contains(api.Refused, match="403")
