"""What tests of the whole system share: kubectl, the edge with the stack's own CA, PostgreSQL's superuser, brokerages.

They run inside a stack's network: `make test-e2e`, or `rooftree-local exec --stack NAME -- pytest -m e2e tests/e2e`
with the variables of `rooftree-local env --stack NAME`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2
import psycopg
import pytest
from rooftree_local import s3
from rooftree_local.kubectl import is_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

EDGE = "127.0.0.1:8443"
DOMAIN = "rooftree.localhost"
# A loaded machine is slower than the figures that the benchmark measures.
READY_SECONDS = 120
TOPOLOGY = os.environ.get("TOPOLOGY") or "monolith"
# Of brokerages that name none; each has enough for its topology.
PLAN = {"monolith": "starter", "microservices": "enterprise-small-node"}[TOPOLOGY]
# As microservices a brokerage has pods for each module: several brokerages fit on a node of two cores by this only.
SMALL_NODE = {
    "resources": {"requests": {"cpu": "50m", "memory": "192Mi"}, "limits": {"cpu": "2", "memory": "512Mi"}},
    "autoscaling": {"cpuPercent": 600},
    "replicas": {"min": 1, "max": 2},
}
GONE_SECONDS = 110
PLATFORM = "rooftree-system"
OPERATOR = f"system:serviceaccount:{PLATFORM}:rooftree-operator"
# As for the marker `thorough`.
IS_WHOLE = bool(os.environ.get("THOROUGH"))
CONFIRM = "rooftree.dev/confirm-deletion"

Database = psycopg.Connection[Any]
T = TypeVar("T")


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """What it gives. In a thread of its own: in this one the browser's loop may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def required(name: str) -> str:
    """A variable of `rooftree-local env`; the test fails with what to do when it is missing."""
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: run `make test-e2e`, or source <(rooftree-local env --stack NAME)")
    return value


def helm(*words: str, content: str | None = None) -> str:
    """What helm answers about the installation; the test fails with what it says when it refuses."""
    command = ["helm", *words, "--namespace", PLATFORM]
    done = subprocess.run(command, input=content, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def upgrade(chart: str, *words: str, content: str | None = None) -> None:
    """Brings the installation to the chart with these values, and waits for it."""
    helm("upgrade", "rooftree", chart, *words, "--force-conflicts", "--wait", "--timeout=180s", content=content)


def until(
    what: str,
    look: Callable[[], Any],
    *,
    seconds: float,
    enough: Callable[[Any], object] = bool,
    every: float = 0.2,
) -> Any:
    """Waits until `look` gives something that is `enough` and returns it; fails with `what` and the last value."""
    deadline = time.monotonic() + seconds
    while True:
        value = look()
        if enough(value):
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:g} s: {what}; last seen: {value!r}")
        time.sleep(every)


class Kubectl:
    """kubectl on the stack under test."""

    def __init__(self) -> None:
        required("KUBECONFIG")

    def run(self, *words: str, content: str | None = None, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Runs kubectl; fails with its words unless it ends with `code` (None: whatever)."""
        done = subprocess.run(
            ["kubectl", *words], input=content, capture_output=True, text=True, timeout=150, check=False
        )
        if code is not None and done.returncode != code:
            pytest.fail(f"kubectl {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def apply(self, *objects: dict[str, Any]) -> None:
        self.run("apply", "-f", "-", content=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def get(self, *words: str) -> dict[str, Any]:
        return json.loads(self.run("get", *words, "-o", "json").stdout)

    def items(self, *words: str) -> list[dict[str, Any]]:
        return self.get(*words)["items"]

    def exists(self, *words: str) -> bool:
        return bool(self.run("get", *words, "--ignore-not-found", "-o", "name").stdout.strip())

    def conditions(self, brokerage: str) -> dict[str, dict[str, Any]]:
        status = self.get("brokerage", brokerage).get("status", {})
        return {entry["type"]: entry for entry in status.get("conditions", [])}

    def wait_ready(self, brokerage: str) -> dict[str, Any]:
        """Waits as a person would, and shows the conditions when that fails."""
        done = self.run(
            "wait", f"brokerage/{brokerage}", "--for=condition=Ready", f"--timeout={READY_SECONDS}s", code=None
        )
        if done.returncode:
            lines = [
                f"{c['type']}={c['status']} {c['reason']}: {c['message']}" for c in self.conditions(brokerage).values()
            ]
            pytest.fail(f"{brokerage} is not Ready:\n" + "\n".join(lines))
        return self.get("brokerage", brokerage)

    def ask_app(self, namespace: str, *words: str) -> str:
        """Runs a command of the tenant app in a pod that is ready: others may not be let out to their backends yet."""

        def ready() -> list[str]:
            pods = self.items("pods", "-n", namespace, "-l", "app.kubernetes.io/name=app")
            return [pod["metadata"]["name"] for pod in pods if is_ready(pod)]

        while True:
            pod = until(f"a ready pod of the app in {namespace}", ready, seconds=60)[0]
            command = ("exec", "-n", namespace, pod, "-c", "app", "--", "python", "-m", "rooftree.cli", *words)
            done = self.run(*command, code=None)
            if done.returncode == 0:
                return done.stdout.strip()
            # One that is taken away meanwhile takes the command with it; another one is asked.
            if pod in ready():
                pytest.fail(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def modules(self) -> set[str]:
        """Those of the release that brokerages run."""
        release = self.items("configmaps", "-n", "rooftree-system", "-l", "rooftree.dev/release")[0]
        return set(json.loads(release["data"]["tenant_manifest.json"])["modules"])

    def delete_brokerage(self, *names: str, wait: bool = True, code: int | None = 0) -> None:
        """Deletes those that are there, and first says on each that it is meant: of `manifest`'s no data stays."""
        here = [name for name in names if self.exists("brokerage", name)]
        for name in here:
            done = self.run("annotate", "brokerage", name, f"{CONFIRM}={name}", "--overwrite", code=None)
            if done.returncode and code is not None and "NotFound" not in done.stderr:
                pytest.fail(f"{name} cannot be annotated: {done.stderr}")
        if here:
            waiting = f"--timeout={GONE_SECONDS}s" if wait else "--wait=false"
            self.run("delete", "brokerage", *here, "--ignore-not-found", waiting, code=code)

    def secret(self, namespace: str, name: str, key: str) -> str:
        return base64.b64decode(self.get("secret", name, "-n", namespace)["data"][key]).decode()


def manifest(name: str, **spec: Any) -> dict[str, Any]:
    """A Brokerage without feeds, in the topology under test, always awake; nothing of it stays when it is deleted."""
    general: dict[str, Any] = {
        "displayName": f"Brokerage {name}",
        "owner": {"email": f"owner@{name}.example"},
        "deletionPolicy": "Delete",
        "sleep": "never",
    }
    if TOPOLOGY != "monolith":
        general |= {"topology": TOPOLOGY, "plan": PLAN}
    return {
        "apiVersion": "rooftree.dev/v1alpha1",
        "kind": "Brokerage",
        "metadata": {"name": name},
        "spec": {**general, **spec},
    }


def plan_manifest(name: str, **spec: Any) -> dict[str, Any]:
    """A BrokeragePlan that suffices for either topology."""
    general = {
        "displayName": name,
        "database": {"connections": 64},
        "quota": {"pods": 24, "cpu": "32", "memory": "16Gi"},
        "api": dict.fromkeys(("reads", "writes", "searches", "visitors", "brokerage"), 0),
        **(SMALL_NODE if TOPOLOGY != "monolith" else {}),
    }
    return {
        "apiVersion": "rooftree.dev/v1alpha1",
        "kind": "BrokeragePlan",
        "metadata": {"name": name},
        "spec": {**general, **spec},
    }


def fresh_name(prefix: str = "life") -> str:
    return f"{prefix}-{secrets.token_hex(3)}"


@dataclass(frozen=True)
class Tenant:
    """A ready brokerage."""

    name: str
    id: str
    namespace: str
    database: str
    url: str
    version: str

    @property
    def host(self) -> str:
        return f"{self.name}.{DOMAIN}"

    @classmethod
    def of(cls, brokerage: dict[str, Any]) -> Tenant:
        status = brokerage["status"]
        keys = ("tenantID", "namespace", "database", "url", "version")
        return cls(brokerage["metadata"]["name"], *(status[key] for key in keys))


def inventory(tenant: str) -> dict[str, Any]:
    """All that exists of a tenant (slug or id) in every system."""
    command = (sys.executable, "-m", "rooftree_local", "inventory", tenant, "--output", "json")
    done = subprocess.run(
        [*command, "--stack", required("ROOFTREE_STACK")], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        pytest.fail(f"no inventory of {tenant}: {done.stderr}")
    return json.loads(done.stdout)


class Edge:
    """A browser's view: HTTPS with the stack's own CA, any host name, no DNS in between."""

    def __init__(self) -> None:
        context = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
        self._client = httpx2.Client(verify=context, timeout=30, trust_env=False)

    def get(self, host: str, path: str = "/", **headers: str) -> httpx2.Response:
        return self._client.get(
            f"https://{EDGE}{path}",
            headers={"Host": f"{host}:8443", **headers},
            extensions={"sni_hostname": host if host.endswith(DOMAIN) else DOMAIN},
        )

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True)
class ObjectStore:
    """The stack's object store as somebody with an access key sees it."""

    access: str
    secret: str

    @classmethod
    def administrator(cls) -> ObjectStore:
        return cls(required("ROOFTREE_TEST_S3_USER"), required("ROOFTREE_TEST_S3_PASSWORD"))

    @classmethod
    def tenant(cls, kubectl: Kubectl, tenant: Tenant) -> ObjectStore:
        return cls(f"{tenant.id}.app", kubectl.secret(tenant.namespace, "app", "s3_secret_key"))

    def ask(self, method: str, path: str, content: bytes = b"") -> httpx2.Response:
        """Sends a signed request; what `path` holds is encoded, its query in order."""
        url = required("ROOFTREE_TEST_S3_URL") + path
        headers = s3.signed(method, url, content, user=self.access, secret=self.secret)
        trust = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
        with httpx2.Client(verify=trust, timeout=10, trust_env=False) as client:
            return client.request(method, url, content=content, headers=headers)


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    return Kubectl()


@pytest.fixture(scope="session")
def edge() -> Iterator[Edge]:
    client = Edge()
    yield client
    client.close()


@pytest.fixture(scope="session")
def admin_dsn() -> str:
    return required("ROOFTREE_TEST_POSTGRES")


@pytest.fixture
def superuser(admin_dsn: str) -> Iterator[Database]:
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def plans(kubectl: Kubectl, pytestconfig: pytest.Config) -> None:
    """The examples' and, as microservices, the one of the tests' brokerages: `enterprise` with small requests."""
    kubectl.run("apply", "-f", str(pytestconfig.rootpath / "examples" / "plans.yaml"))
    if TOPOLOGY != "monolith":
        enterprise = kubectl.get("brokerageplan", "enterprise")["spec"]
        kubectl.apply(plan_manifest(PLAN, **{**enterprise, **SMALL_NODE}))


@pytest.fixture(scope="session")
def leaving(kubectl: Kubectl) -> Iterator[list[str]]:
    """Names of brokerages that are being deleted while other tests run; that all are gone is seen at the end."""
    names: list[str] = []
    yield names
    until(
        "all brokerages of the tests are gone",
        lambda: sorted({item["metadata"]["name"] for item in kubectl.items("brokerages")} & set(names)),
        enough=lambda left: not left,
        seconds=GONE_SECONDS,
    )


@pytest.fixture(scope="module")
def brokerages(kubectl: Kubectl, plans: None, leaving: list[str]) -> Iterator[Callable[..., Tenant]]:
    """Makes ready brokerages; they leave after the module."""
    made: list[str] = []

    def make(name: str | None = None, **spec: Any) -> Tenant:
        name = name or fresh_name()
        made.append(name)
        kubectl.apply(manifest(name, **spec))
        return Tenant.of(kubectl.wait_ready(name))

    yield make
    kubectl.delete_brokerage(*made, wait=False)
    leaving += made


@pytest.fixture(scope="module")
def tenant(brokerages: Callable[..., Tenant]) -> Tenant:
    """One ready brokerage for the tests of a module that change nothing of it."""
    return brokerages()
