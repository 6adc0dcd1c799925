"""The operator as a process of its own: started as its pod would be, stopped, and measured from outside."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import psutil
import yaml
from rooftree_operator.adapters.kubernetes import CONFIG, DEPLOYMENT, SECRET

from bench_operator.api import pki, until

if TYPE_CHECKING:
    from bench_operator.api import Api, Object

PLATFORM = "rooftree-system"
OPERATOR = "rooftree-operator"
METRICS = "http://127.0.0.1:8081/metrics"
STOP_SECONDS = 20.0
PASSES, EFFECTS = "rooftree_operator_passes_total", "rooftree_operator_effects_total"
DEPTH = "rooftree_operator_queue_depth"
Effect = tuple[str, str, str]
HEARTBEAT: Effect = ("kubernetes", "update", "Lease")  # its holder takes and renews it, whatever else there is to do


@dataclass(frozen=True)
class Metrics:
    """What the operator tells: passes over tenants, keys that are due, and what it changed by system, verb and kind."""

    passes: float = 0.0
    depth: float = 0.0
    effects: dict[Effect, float] = field(default_factory=dict[Effect, float])

    @property
    def writes(self) -> dict[Effect, float]:
        """All but the heartbeat of the Lease, which is no effect on any tenant."""
        return {key: value for key, value in self.effects.items() if key != HEARTBEAT and value}

    @property
    def heartbeats(self) -> float:
        """How often the Lease was taken or renewed."""
        return self.effects.get(HEARTBEAT, 0.0)


def parsed(text: str) -> Metrics:
    """From the text of its metrics page."""
    passes, depth, effects = 0.0, 0.0, dict[Effect, float]()
    for line in text.splitlines():
        name, _, rest = line.partition("{")
        if line.startswith(DEPTH):
            depth = float(line.rsplit(" ", 1)[1])
        elif name in (PASSES, EFFECTS):
            inner, _, value = rest.rpartition("} ")
            labels = dict(part.split("=", 1) for part in inner.replace('"', "").split(","))
            if name == EFFECTS:
                effects[labels["system"], labels["verb"], labels["kind"]] = float(value)
            elif labels["kind"] == "tenant":
                passes += float(value)
    return Metrics(passes, depth, effects)


@dataclass(frozen=True)
class Installation:
    """What the operator's pod would be given: its variables, and its files in a folder of the run."""

    folder: Path
    values: dict[str, str]

    def environment(self, **more: str) -> dict[str, str]:
        """Of the process; `more` are settings in capitals that differ from the chart's."""
        told = {f"ROOFTREE_OPERATOR_{name}": value for name, value in more.items()}
        return {**os.environ, "KUBECONFIG": str(self.folder / "kubeconfig"), **self.values, **told}


async def install(api: Api, folder: Path, *, server: str, edge: str) -> Installation:
    """Writes the files of the operator's volumes, and a kubeconfig with a token of its own ServiceAccount."""
    deployment = await api.get(DEPLOYMENT, OPERATOR, PLATFORM)
    pod = deployment["spec"]["template"]["spec"]
    await write_volumes(api, pod, folder, PLATFORM)
    account = f"/api/v1/namespaces/{PLATFORM}/serviceaccounts/{pod['serviceAccountName']}/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 86400}}
    token = (await api.send("POST", account, request))["status"]["token"]
    write(folder / "kubeconfig", kubeconfig(server, token, (pki() / "ca.crt").read_bytes()))
    (container,) = pod["containers"]
    values = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    ours = {
        "POD_NAME": "bench",
        "BACKENDS_DIR": str(folder),
        "NETWORK_FILE": str(folder / "network" / "network.json"),
        "EDGE_CA_FILE": str(folder / "edge-ca" / "ca.crt"),
        "EDGE_ADDRESS": edge,
    }
    return Installation(folder, {**values, **{f"ROOFTREE_OPERATOR_{name}": value for name, value in ours.items()}})


async def write_volumes(api: Api, pod: Object, folder: Path, namespace: str) -> None:
    """The files of a pod's Secrets and ConfigMaps, in a folder for each volume."""
    for volume in pod["volumes"]:
        content = dict[str, bytes]()
        if "secret" in volume:
            found = await api.get(SECRET, volume["secret"]["secretName"], namespace)
            content = {name: base64.b64decode(value) for name, value in found["data"].items()}
        elif "configMap" in volume:
            found = await api.get(CONFIG, volume["configMap"]["name"], namespace)
            content = {name: value.encode() for name, value in found["data"].items()}
        for name, value in content.items():
            write(folder / volume["name"] / name, value)


def write(path: Path, content: bytes) -> None:
    """Writes a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def kubeconfig(server: str, token: str, authority: bytes) -> bytes:
    """A kubeconfig for a token."""
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "bench", "cluster": cluster}],
            "users": [{"name": "bench", "user": {"token": token}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
            "current-context": "bench",
        }
    ).encode()


class Operator:
    """One operator, running or not; its words go to `log`."""

    def __init__(self, installation: Installation, log: Path) -> None:
        self.installation = installation
        self._log = log
        self._process: psutil.Popen | None = None

    def start(self, **settings: str) -> None:
        """Starts it with these settings (in capitals) instead of the chart's."""
        with self._log.open("ab") as log:
            self._process = psutil.Popen(
                [sys.executable, "-m", "rooftree_operator"],
                env=self.installation.environment(**settings),
                stdout=log,
                stderr=log,
                cwd=self.installation.folder,
            )

    async def stop(self) -> None:
        """Ends it as its pod would be ended."""
        if self._process is None:
            return
        process, self._process = self._running(), None
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            raise

    def cpu(self) -> float:
        """Seconds of CPU since its start."""
        times = self._running().cpu_times()
        return times.user + times.system

    def memory(self) -> float:
        """The most memory that it has had, in MiB."""
        status = Path(f"/proc/{self._running().pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024

    def _running(self) -> psutil.Popen:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"the operator does not run; its last words are in {self._log}")
        return self._process

    async def metrics(self) -> Metrics:
        """What it tells of itself; nothing before its page is there."""
        self._running()
        try:
            async with aiohttp.ClientSession() as session, session.get(METRICS) as answer:
                return parsed(await answer.text())
        except aiohttp.ClientConnectionError:
            return Metrics()

    async def until_seen(self, passes: float, *, within: float, depth: int = 1) -> Metrics:
        """Waits until it has had so many passes over tenants and no more than `depth` keys are due; what it tells."""

        async def seen() -> Metrics | None:
            now = await self.metrics()
            return now if now.passes >= passes and now.depth <= depth else None

        return await until(seen, within=within, what=f"there were no {passes:.0f} passes over brokerages", every=0.5)
