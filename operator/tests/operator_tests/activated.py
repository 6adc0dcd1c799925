"""A sleeping brokerage with an activator before it: its pods are real HTTP servers, the cluster is a fake."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp
from aiohttp import ClientSession, web
from rooftree_operator.activator import sending
from rooftree_operator.activator.proxy import Proxy
from rooftree_operator.activator.rooms import DEFAULT, Limits
from rooftree_operator.activator.server import Ports, serving
from rooftree_operator.activator.settings import Settings
from rooftree_operator.activator.sleepers import Sleeper, headers_of
from rooftree_operator.activator.waking import Waker

from .fakes.kubernetes import FakeKubernetes
from .fakes.node import FakeNode

SLEEPER = Sleeper("tenant-acme-0a1b2c3d")
HOST = "acme.rooftree.localhost:8443"
EDGE = {**headers_of(SLEEPER), "Host": HOST, "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": HOST}
DEADLINE = 20.0  # seconds for anything that a test waits for


@dataclass
class Seen:
    """A request as the app got it."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class App:
    """What all pods of the app do: they tell what they got. `does`: something else, by the request's path."""

    seen: list[Seen] = field(default_factory=list[Seen])
    does: dict[str, Callable[[web.BaseRequest], Any]] = field(
        default_factory=dict[str, Callable[[web.BaseRequest], Any]]
    )
    at_once: int = 0
    most_at_once: int = 0

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if (special := self.does.get(request.path)) is not None:
                self.seen.append(Seen(request.method, request.raw_path, list(request.headers.items()), b""))
                return await special(request)
            body = await request.read()
            self.seen.append(Seen(request.method, request.raw_path, list(request.headers.items()), body))
            return web.json_response({"path": request.raw_path, "size": len(body)})
        finally:
            self.at_once -= 1

    @property
    def times(self) -> Counter[str]:
        """How often it got each path."""
        return Counter(one.path for one in self.seen)


@dataclass
class Cell:
    """The brokerage, its node, and the activators before it."""

    kube: FakeKubernetes
    node: FakeNode
    app: App
    ports: list[Ports]
    http: ClientSession

    def url(self, path: str = "/", activator: int = 0) -> str:
        return f"http://127.0.0.1:{self.ports[activator].requests}{path}"

    def ask(self, path: str = "/", *, method: str = "GET", activator: int = 0, **more: Any) -> Any:
        headers = {**EDGE, **more.pop("headers", {})}
        return self.http.request(method, self.url(path, activator), headers=headers, **more)

    async def text(self, path: str = "/", **more: Any) -> tuple[int, str]:
        """Status and body of an answer."""
        async with self.ask(path, **more) as answer:
            return answer.status, await answer.text()

    async def problem(self, path: str = "/", **more: Any) -> tuple[int, str, str | None]:
        """Status, code and Retry-After of an answer that is a problem."""
        async with self.ask(path, **more) as answer:
            assert answer.content_type == "application/problem+json"
            told = json.loads(await answer.text())
            assert told["status"] == answer.status
            return answer.status, told["type"].rpartition("/")[2], answer.headers.get("Retry-After")

    def replicas(self, name: str = "app") -> int:
        return self.kube.objects["Deployment", SLEEPER.namespace, name]["spec"]["replicas"]

    def scaled(self) -> list[str]:
        """The writes that gave a Deployment pods."""
        return [write for write in self.kube.writes if write.startswith("wake")]


def deployment(name: str, replicas: int = 0, *, namespace: str = SLEEPER.namespace) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": replicas}}


@asynccontextmanager
async def cell(
    *, patience: float = DEADLINE, limits: Limits = DEFAULT, activators: int = 1, modules: tuple[str, ...] = ()
) -> AsyncGenerator[Cell]:
    """It sleeps, and no pod of it listens before `node.opens()`."""
    kube, app = FakeKubernetes(), App()
    for name in ("app", *modules):
        kube.put(deployment(name))
    node = FakeNode(kube, SLEEPER.namespace, app)
    async with AsyncExitStack() as stack:
        running = asyncio.create_task(node.run())
        stack.push_async_callback(_ended, running)
        connector = aiohttp.TCPConnector(limit=0)
        limit = aiohttp.ClientTimeout(total=2 * DEADLINE)
        session = ClientSession(connector=connector, auto_decompress=False, timeout=limit)
        # As in the library's own client for tests: else it hides that a request was not answered.
        session._retry_connection = False
        http = await stack.enter_async_context(session)
        ports = [await stack.enter_async_context(activator(kube, patience, limits)) for _ in range(activators)]
        yield Cell(kube, node, app, ports, http)


@asynccontextmanager
async def activator(kube: FakeKubernetes, patience: float, limits: Limits = DEFAULT) -> AsyncGenerator[Ports]:
    settings = Settings(port=0, own_port=0, patience_seconds=patience, drain_seconds=0.0)
    async with sending.session() as http:
        waker = Waker(kube, partial(sending.is_ready, http), patience=patience)
        proxy = Proxy(waker, http, patience=patience, limits=limits)
        async with aclosing(waker), serving(proxy, settings, host="127.0.0.1") as ports:
            yield ports


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until(what: str, is_so: Callable[[], Any]) -> None:
    """Waits until it is so."""
    try:
        async with asyncio.timeout(DEADLINE):
            while not is_so():  # noqa: ASYNC110 -- of several parts, none of which tells of it
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"not in {DEADLINE} s: {what}") from None
