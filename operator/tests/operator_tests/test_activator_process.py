"""The activator as the process that it is in a pod: its own loop, its signals, a real connection to an API server."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from rooftree_operator.names import LABEL_SERVICE

from .activated import DEADLINE, EDGE, until
from .test_waking_requests import NAMESPACE, Server, api_server

pytestmark = pytest.mark.usefixtures("socket_enabled")


@dataclass
class Process:
    """The running process, the API server that it asks, and the app that it finds there."""

    own: asyncio.subprocess.Process
    api: Server
    app: "App"
    port: int
    own_port: int


@dataclass
class App:
    """Answers when it may."""

    port: int = 0
    paths: tuple[str, ...] = ()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/readyz":
            self.paths = (*self.paths, request.path)
        return web.Response(text=request.path)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncGenerator[Process]:
    app = App()
    runner = web.ServerRunner(web.Server(app))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    app.port = site.port
    async with api_server() as (api, address):
        config = tmp_path / "kubeconfig"
        config.write_text(json.dumps(kubeconfig(address)))
        ports = free_port(), free_port()
        own = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rooftree_operator.activator"),
            env={
                **os.environ,
                "KUBECONFIG": str(config),
                "ROOFTREE_ACTIVATOR_PORT": str(ports[0]),
                "ROOFTREE_ACTIVATOR_OWN_PORT": str(ports[1]),
                "ROOFTREE_ACTIVATOR_DRAIN_SECONDS": "2",
            },
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await ready(ports[1])
            yield Process(own, api, app, *ports)
        finally:
            with suppress(ProcessLookupError):
                own.kill()
            await own.wait()
    await runner.cleanup()


def kubeconfig(address: str) -> dict[str, Any]:
    names = {"name": "test"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{**names, "cluster": {"server": address}}],
        "users": [{**names, "user": {"token": "nobody's"}}],
        "contexts": [{**names, "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


async def ready(port: int) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(DEADLINE):
        while True:
            with suppress(aiohttp.ClientError):
                async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.02)


def is_closed(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) != 0


def appears(process: Process) -> None:
    """The pod has its address."""
    metadata = {"name": "app-1", "uid": "1", "labels": {LABEL_SERVICE: "app"}}
    told = {
        "metadata": metadata,
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": False}}],
        "ports": [{"name": "http", "port": process.app.port}],
    }
    process.api.events.put_nowait({"type": "ADDED", "object": told})


async def test_it_wakes_hands_on_and_ends_only_when_whoever_waits_has_an_answer(process: Process) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(DEADLINE):

        async def ask(path: str) -> tuple[int, str]:
            async with http.get(f"http://127.0.0.1:{process.port}{path}", headers=EDGE) as answer:
                return answer.status, await answer.text()

        first = asyncio.create_task(ask("/first"))
        await until("it is woken and followed", lambda: process.api.watched and process.api.replicas == 1)
        process.own.send_signal(signal.SIGTERM)
        second = asyncio.create_task(ask("/second"))
        await until("its port is closed", lambda: is_closed(process.port))
        assert not first.done()
        appears(process)
        assert await first == (200, "/first")
        assert await second == (200, "/second")
        assert await process.own.wait() == 0
    assert sorted(process.app.paths) == ["/first", "/second"]
    assert process.own.stderr is not None
    lines = [json.loads(line) for line in (await process.own.stderr.read()).splitlines()]
    events = [line["event"] for line in lines]
    assert events == ["serving", "wake", "stopped"]
    assert (lines[1]["namespace"], lines[1]["result"]) == (NAMESPACE, "woken")
