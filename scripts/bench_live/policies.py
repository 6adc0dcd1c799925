"""Who counts the pods during a replay: the operator's own scaler, or a port of Kubernetes' autoscaler, on real pods."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from rooftree_operator import names
from rooftree_operator.adapters.kubernetes import ApiError
from rooftree_operator.errors import Unavailable
from rooftree_operator.pods import APP
from rooftree_operator.scaling.idleness import Watch
from rooftree_operator.scaling.replay import hpa
from rooftree_operator.scaling.replay.hpa import Hpa, HpaSettings, NoMetrics, PodMetric, resource_replicas
from rooftree_operator.scaling.scaler import Scaler
from rooftree_operator.sleeping import Wishes

from bench_live import objects, replica

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rooftree_operator.adapters.kubernetes import Kind, Kubernetes
    from rooftree_operator.scaling.scaler import Measures

    from bench_live.fleet import Fleet

MEASURED_AT = 7.0  # seconds of the autoscaler's 15 when use is asked for
PATIENCE = aiohttp.ClientTimeout(total=2)
Busy = tuple[float, float]
"""When it was asked for (Unix seconds), and for how many seconds the replica had worked by then."""


class OneWorkload:
    """Of the cluster, what the scaler may see: the Deployment of a replay, and a Brokerage that holds nobody back.

    The Brokerage is the only thing that is not real: an operator would make a tenant of one.
    """

    def __init__(self, kube: Kubernetes, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace

    async def having(self, kind: Kind, _label: str, _value: str) -> list[dict[str, Any]]:
        return await self._kube.list(kind, self._namespace, labels={names.LABEL_BROKERAGE: objects.BROKERAGE})

    async def get(self, _kind: Kind, name: str, _namespace: str | None = None) -> dict[str, Any]:
        return {"metadata": {"name": name}, "spec": {}}

    async def scale(self, name: str, namespace: str, replicas: int, *, version: str | None = None) -> None:
        await self._kube.scale(name, namespace, replicas, version=version)


def ours(kube: Kubernetes, measures: Measures, namespace: str) -> Scaler:
    """The operator's scaler as it is, in this process, for one workload."""
    scaler = Scaler(
        cast("Any", OneWorkload(kube, namespace)),
        measures,
        is_ours=lambda _: True,
        watch=Watch(Wishes()),
        look_at=lambda _: None,
    )
    scaler.keep([objects.BROKERAGE])
    return scaler


@dataclass
class LiveHpa:
    """Kubernetes' autoscaler on what the replicas say of their use.

    The real one would see no use in a sleep. Its decisions are the port's; it asks each 15 s for the mean use of the
    15 s before, which metrics-server would know, and decides at another moment of them.
    """

    kube: Kubernetes
    fleet: Fleet
    namespace: str
    session: aiohttp.ClientSession
    settings: HpaSettings
    before: dict[str, Busy] = field(default_factory=dict[str, Busy])
    metrics: dict[str, PodMetric] = field(default_factory=dict[str, PodMetric])

    async def run(self) -> None:
        began, remembered = time.monotonic(), Hpa(self.settings)
        for round_ in range(10**9):
            for moment, act in ((MEASURED_AT, self.measure), (float(hpa.SYNC), lambda: self.decide(remembered))):
                await asyncio.sleep(max(0.0, began + round_ * hpa.SYNC + moment - time.monotonic()))
                await act()

    async def measure(self) -> None:
        """Asks all pods; who does not answer has no metric this time."""
        running = {name: pod for name, pod in self.fleet.pods.items() if pod["status"].get("podIP")}
        asked = {name: pod for name, pod in running.items() if "deletionTimestamp" not in pod["metadata"]}
        told = await asyncio.gather(*(self._ask(pod["status"]["podIP"]) for pod in asked.values()))
        now = {name: one for name, one in zip(asked, told, strict=True) if one is not None}
        self.metrics, self.before = metrics_of(self.before, now), now

    async def decide(self, remembered: Hpa) -> None:
        now, current = time.time(), self.fleet.replicas
        remembered.begin(current, now)
        try:
            wanted = resource_replicas(current, list(self.fleet.views()), self.metrics, now, self.settings)
        except NoMetrics:
            return
        count = remembered.settle(current, wanted, now)
        if count != current:
            with suppress(ApiError, Unavailable):  # it looks again in 15 s
                await self.kube.scale(APP, self.namespace, count)

    async def _ask(self, address: str) -> Busy | None:
        wanted = "rooftree_replica_busy_seconds_total"
        url = f"http://{address}:{replica.PORT}/metrics?name[]={wanted}"
        try:
            async with self.session.get(url, timeout=PATIENCE) as answer:
                return time.time(), float((await answer.text()).rpartition(" ")[2])
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None


def metrics_of(before: Mapping[str, Busy], now: Mapping[str, Busy]) -> dict[str, PodMetric]:
    """Use of each pod between two looks, in milli-cores; of a pod that was not there before nothing is known."""
    found: dict[str, PodMetric] = {}
    for name, (at, busy) in now.items():
        if name in before:
            since, was = before[name]
            found[name] = PodMetric(int(1000 * (busy - was) / (at - since)), at, at - since)
    return found
