"""A node for the activator: pods of a tenant's Deployments are real HTTP servers, and EndpointSlices tell of them.

As on a real one, a pod has its address before it listens, and the kubelet finds it ready late; here only when a test
says so.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from rooftree_operator.adapters.kubernetes import DEPLOYMENT, SLICE
from rooftree_operator.drift import Object
from rooftree_operator.names import LABEL_SERVICE

from .kubernetes import FakeKubernetes

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class Pod:
    """`found_ready`: what the kubelet says of it."""

    name: str
    deployment: str
    door: socket.socket
    place: tuple[str, int]
    runner: web.ServerRunner | None = None
    found_ready: bool = False
    terminating: bool = False

    def endpoint(self) -> Object:
        conditions = {
            "ready": self.found_ready and not self.terminating,
            "serving": self.found_ready,
            "terminating": self.terminating,
        }
        return {"addresses": [self.place[0]], "conditions": conditions, "targetRef": {"kind": "Pod", "name": self.name}}


@dataclass
class FakeNode:
    """Runs what the Deployments of a namespace want. `app` answers what comes to a pod, but for `/readyz`."""

    kube: FakeKubernetes
    namespace: str
    app: Handler
    may_listen: asyncio.Event = field(default_factory=asyncio.Event)
    may_be_ready: asyncio.Event = field(default_factory=asyncio.Event)
    probes: bool = False
    """Whether the kubelet finds pods ready as soon as they are."""
    pods: list[Pod] = field(default_factory=list[Pod])
    asked: int = 0
    """How often a pod was asked whether it is ready."""
    _number: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            async for deployments in self.kube.follow(DEPLOYMENT, self.namespace):
                for deployment in deployments:
                    await self._follow(deployment["metadata"]["name"], deployment["spec"].get("replicas", 1))
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for pod in self.pods:
                await self._close(pod)

    async def _follow(self, name: str, wanted: int) -> None:
        running = [pod for pod in self.pods if pod.deployment == name and not pod.terminating]
        for pod in running[wanted:]:
            await self.kill(pod)
        for _ in range(wanted - len(running)):
            self._number += 1
            door = socket.socket()
            door.bind(("127.0.0.1", 0))
            pod = Pod(f"{name}-{self._number}", name, door, door.getsockname())
            self.pods.append(pod)
            self.publish()
            task = asyncio.create_task(self._begin(pod))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _begin(self, pod: Pod) -> None:
        await self.may_listen.wait()
        pod.runner = web.ServerRunner(
            web.Server(self._answer, auto_decompress=False, access_log=None, handler_cancellation=True),
            shutdown_timeout=0.1,
        )
        await pod.runner.setup()
        await web.SockSite(pod.runner, pod.door, backlog=4096).start()
        if self.probes:
            await self.may_be_ready.wait()
            self.find_ready(pod)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/readyz":
            self.asked += 1
            return web.Response(status=200 if self.may_be_ready.is_set() else 503)
        return await self.app(request)

    def opens(self) -> None:
        """Pods may listen and be ready from now on."""
        self.may_listen.set()
        self.may_be_ready.set()

    def find_ready(self, pod: Pod) -> None:
        """The kubelet's word."""
        pod.found_ready = True
        self.publish()

    async def kill(self, pod: Pod) -> None:
        """It is gone at once; its Deployment brings another one."""
        pod.terminating = True
        self.publish()
        self.pods.remove(pod)
        await self._close(pod)
        self.publish()
        self.kube.stir()

    @staticmethod
    async def _close(pod: Pod) -> None:
        if pod.runner is not None:
            await pod.runner.cleanup()
        pod.door.close()

    def publish(self) -> None:
        """What the endpoints' controller tells: a slice for each pod, as each has a port of its own here."""
        told = {key for key in self.kube.objects if key[:2] == (SLICE.kind, self.namespace)}
        for pod in self.pods:
            metadata = {"name": pod.name, "namespace": self.namespace, "labels": {LABEL_SERVICE: pod.deployment}}
            told.discard((SLICE.kind, self.namespace, pod.name))
            ports = [{"name": "http", "port": pod.place[1], "protocol": "TCP"}]
            ends = {"endpoints": [pod.endpoint()], "ports": ports}
            self.kube.put({"apiVersion": SLICE.api_version, "kind": SLICE.kind, "metadata": metadata, **ends})
        for key in told:
            del self.kube.objects[key]
