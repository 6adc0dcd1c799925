"""The operator as a process of the machine: with the rights and the settings that it has in the stack, and a drill.

The stack's own operator stands down meanwhile. Whoever is killed keeps the Lease until it runs out; so that nobody
waits for that, it is given up in the dead one's name.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml
from rooftree_operator.adapters.kubernetes import LEASE, Conflict

from ..e2e.conftest import EDGE, Kubectl, required, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from rooftree_operator.adapters.kubernetes import Kubernetes
    from rooftree_operator.effects import Failpoint

ROOT = Path(__file__).parents[2]
PLATFORM = "rooftree-system"
OPERATOR = "rooftree-operator"
STOOD_DOWN_SECONDS = 60
TOKEN_LASTS = "24h"
# Ports that nobody has on the node.
METRICS_PORT, HEALTH_PORT = 18081, 18080
RESYNC_SECONDS = 5  # a drill is over before the minute of an installation


@contextmanager
def stood_down(kubectl: Kubectl) -> Iterator[None]:
    """Without the stack's own operator, which is back afterwards."""
    before = kubectl.get("deployment", OPERATOR, "-n", PLATFORM)["spec"]["replicas"]
    scale = ("scale", "deployment", OPERATOR, "-n", PLATFORM)
    pods = ("pods", "-n", PLATFORM, "-l", f"app.kubernetes.io/name={OPERATOR}")
    kubectl.run(*scale, "--replicas=0")
    try:
        until("the operator to stand down", lambda: not kubectl.items(*pods), seconds=STOOD_DOWN_SECONDS)
        yield
    finally:
        kubectl.run(*scale, f"--replicas={before or 1}")


def environment(kubectl: Kubectl, folder: Path) -> dict[str, str]:
    """What the stack tells its operator, for a process beside it; files go to `folder`."""
    container = kubectl.get("deployment", OPERATOR, "-n", PLATFORM)["spec"]["template"]["spec"]["containers"][0]
    told = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    own = {
        "EDGE_ADDRESS": EDGE,
        "EDGE_CA_FILE": required("ROOFTREE_CA_FILE"),
        "BACKENDS_DIR": str(folder),
        "NETWORK_FILE": str(folder / "network.json"),
        "METRICS_PORT": str(METRICS_PORT),
        "HEALTH_PORT": str(HEALTH_PORT),
        "RESYNC_SECONDS": str(RESYNC_SECONDS),
        "DRILL": "true",
        # Where the stack keeps backups on a volume, it is this folder.
        "BACKUPS_DIR": str(Path(required("ROOFTREE_CA_FILE")).parents[1] / "backups"),
    }
    for backend in ("postgres", "kafka", "elasticsearch", "redis", "s3"):
        _write_secret(kubectl, f"rooftree-{backend}", folder / backend)
    network = kubectl.get("configmap", "rooftree-network", "-n", PLATFORM)["data"]["network.json"]
    (folder / "network.json").write_text(network)
    return {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(_kubeconfig(kubectl, folder)),
        **told,
        **{f"ROOFTREE_OPERATOR_{name}": value for name, value in own.items()},
    }


def _write_secret(kubectl: Kubectl, name: str, folder: Path) -> None:
    folder.mkdir()
    for key, value in kubectl.get("secret", name, "-n", PLATFORM)["data"].items():
        (folder / key).write_bytes(base64.b64decode(value))


def _kubeconfig(kubectl: Kubectl, folder: Path) -> Path:
    """The way to the cluster with the rights of the operator's own account, and no others."""
    known = yaml.safe_load(Path(required("KUBECONFIG")).read_text())
    token = kubectl.run("create", "token", OPERATOR, "-n", PLATFORM, f"--duration={TOKEN_LASTS}").stdout.strip()
    cluster = known["clusters"][0]
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "users": [{"name": OPERATOR, "user": {"token": token}}],
        "contexts": [{"name": "drill", "context": {"cluster": cluster["name"], "user": OPERATOR}}],
        "current-context": "drill",
    }
    path = folder / "kubeconfig"
    path.touch(0o600)
    path.write_text(yaml.safe_dump(content))
    return path


class Process:
    """A running operator. `trace` is the file that it writes its effects to."""

    def __init__(self, pid: int, trace: Path) -> None:
        self.trace = trace
        self._handle: int | None = None
        with suppress(ProcessLookupError):
            self._handle = os.pidfd_open(pid)

    @property
    def lives(self) -> bool:
        return self._handle is not None and not select.select([self._handle], [], [], 0)[0]

    def lines(self) -> list[str]:
        """What it has written so far, in whole lines."""
        text = self.trace.read_text() if self.trace.exists() else ""
        return text[: text.rfind("\n") + 1].splitlines()

    def kill(self) -> None:
        """SIGKILL; returns when it is dead."""
        if self._handle is None:
            return
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        select.select([self._handle], [], [])
        os.close(self._handle)
        self._handle = None


class Operators:
    """Makes them, one at a time. Use as a context manager; what they say goes to `log`."""

    def __init__(self, settings: Mapping[str, str], log: Path, folder: Path) -> None:
        self._settings, self._log, self._folder = settings, log, folder
        self._made = 0
        self._current: Process | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as output:
            self._maker = subprocess.Popen(
                [sys.executable, "-m", "tests.torture.operators"],
                cwd=ROOT,
                # Its library of the API server takes the file's name when it is loaded.
                env={**os.environ, "KUBECONFIG": self._settings["KUBECONFIG"]},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
        self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._current is not None:
            self._current.kill()
        assert self._maker.stdin is not None
        self._maker.stdin.close()
        self._maker.wait(30)

    def _answer(self) -> int:
        assert self._maker.stdout is not None
        line = self._maker.stdout.readline()
        assert line, f"no operator can be made: see {self._log}"
        return int(line)

    async def start(self, kube: Kubernetes, failpoint: Failpoint | None) -> Process:
        """Another one, in place of the one before, which is killed if it lives. It takes the Lease at once."""
        if self._current is not None:
            self._current.kill()
        await give_up_lease(kube)
        self._made += 1
        trace = self._folder / f"effects-{self._made}"
        own = {"POD_NAME": f"drill-{self._made}", "EFFECTS_FILE": str(trace)}
        if failpoint is not None:
            own["FAILPOINT"] = str(failpoint)
        settings = {**self._settings, **{f"ROOFTREE_OPERATOR_{name}": value for name, value in own.items()}}
        assert self._maker.stdin is not None
        self._maker.stdin.write(json.dumps({"environment": settings, "log": str(self._log)}) + "\n")
        self._maker.stdin.flush()
        self._current = Process(self._answer(), trace)
        return self._current

    def stop(self) -> None:
        """Nobody acts from now on."""
        if self._current is not None:
            self._current.kill()


async def give_up_lease(kube: Kubernetes) -> None:
    """In the name of a holder that is dead; its epoch stays."""
    while True:
        found: dict[str, Any] | None = await kube.get(LEASE, OPERATOR, PLATFORM)
        if found is None or not found["spec"].get("holderIdentity"):
            return
        with suppress(Conflict):  # its last renewal was under way
            await kube.replace({**found, "spec": {**found["spec"], "holderIdentity": ""}})
            return
