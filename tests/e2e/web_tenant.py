"""A brokerage of the web tests' own: the sample's feed under a fresh name, so that its one-time link is unused."""

from __future__ import annotations

import json
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
GROUP, VERSION, PLURAL = "rooftree.dev", "v1alpha1", "brokerages"
PLATFORM = "rooftree-system"
SAMPLE = Path(__file__).resolve().parents[2] / "examples" / "acme.yaml"
FEED_NAMESPACE, FEED_CLIENT = "mls-feed", "mls-feed-client"
READY_SECONDS = 120
IMPORT_SECONDS = 480  # an attempt that failed is followed by the next one after up to five minutes
COMMAND_SECONDS = 60
GONE_SECONDS = 120


@dataclass(frozen=True)
class WebTenant:
    """Where it is and who may enter."""

    name: str
    display_name: str
    url: str
    owner_email: str
    owner_name: str
    owner_link: str


class Cluster:
    """The few calls that the web tests need."""

    def __init__(self) -> None:
        config.load_kube_config()
        self.core = client.CoreV1Api()
        self.apps = client.AppsV1Api()
        self.custom = client.CustomObjectsApi()

    def brokerage(self, name: str) -> dict[str, Any]:
        found = self.custom.get_cluster_custom_object(GROUP, VERSION, PLURAL, name)
        return cast("dict[str, Any]", found)

    def ask_app(self, namespace: str, *words: str) -> str:
        """Runs a command of the tenant app in a running pod of the tenant."""
        deployment = cast("Any", self.apps.read_namespaced_deployment("app", namespace))
        labels = ",".join(f"{key}={value}" for key, value in deployment.spec.selector.match_labels.items())
        pods = self.core.list_namespaced_pod(
            namespace, label_selector=labels, field_selector="status.phase=Running"
        ).items
        staying = [pod for pod in cast("list[Any]", pods) if pod.metadata.deletion_timestamp is None]
        assert staying, f"no pod of the app is running in {namespace}"
        channel = stream(
            self.core.connect_get_namespaced_pod_exec,
            staying[0].metadata.name,
            namespace,
            container="app",
            command=["python", "-m", "rooftree.cli", *words],
            stdout=True,
            stderr=True,
            stdin=False,
            tty=False,
            _preload_content=False,
        )
        channel.run_forever(timeout=COMMAND_SECONDS)
        out, err = channel.read_stdout(timeout=0), channel.read_stderr(timeout=0)
        code = None if channel.is_open() else channel.returncode
        channel.close()
        assert code == 0, f"{' '.join(words)} in {namespace} ended with {code}: {err}"
        return str(out).strip()


def wait_for(
    what: str, seconds: float, look: Callable[[], T], *, until: Callable[[T], object] = bool, every: float = 0.5
) -> T:
    """The first answer of `look` that is what it should be; fails with the last one when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if until(answer):
            return answer
        assert time.monotonic() < deadline, f"{what} took more than {seconds:.0f} s; the last answer was {answer!r}"
        time.sleep(every)  # the interval of a condition with a deadline


@contextmanager
def opened() -> Iterator[WebTenant]:
    """A ready brokerage with the sample's listings, for as long as it is needed."""
    cluster, name = Cluster(), f"web-{secrets.token_hex(3)}"
    try:
        yield _create(cluster, name)
    finally:
        _delete(cluster, name)


def _create(cluster: Cluster, name: str) -> WebTenant:
    display_name, email, owner = "Web Walk Realty", f"owner@{name}.example", "Wanda Walker"
    feeds = yaml.safe_load(SAMPLE.read_text())["spec"]["mls"]
    for feed in feeds:
        feed["credentialsSecretRef"]["name"] = f"{name}-{feed['name']}"
        _give_credentials(cluster, feed["credentialsSecretRef"]["name"], name)
    spec = {"displayName": display_name, "owner": {"email": email, "name": owner}, "mls": feeds}
    body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Brokerage", "metadata": {"name": name}, "spec": spec}
    cluster.custom.create_cluster_custom_object(GROUP, VERSION, PLURAL, body)
    status = wait_for(
        f"brokerage {name} becoming Ready", READY_SECONDS, lambda: _status(cluster, name), until=_is_ready
    )
    namespace = status["namespace"]
    feeds = f"the import of {name}"
    wait_for(feeds, IMPORT_SECONDS, lambda: _feeds(cluster, namespace), until=_are_imported, every=1)
    link = cluster.ask_app(namespace, "owner-link")
    return WebTenant(name, display_name, status["url"], email, owner, link)


def _delete(cluster: Cluster, name: str) -> None:
    if not _is_gone(cluster, name):
        cluster.custom.delete_cluster_custom_object(GROUP, VERSION, PLURAL, name)
    wait_for(f"the deletion of {name}", GONE_SECONDS, lambda: _is_gone(cluster, name))
    selector = f"rooftree.dev/brokerage={name}"
    cluster.core.delete_collection_namespaced_secret(PLATFORM, label_selector=selector)


def _give_credentials(cluster: Cluster, name: str, tenant: str) -> None:
    """The sample feed's one client, for this tenant too."""
    given = cast("Any", cluster.core.read_namespaced_secret(FEED_CLIENT, FEED_NAMESPACE))
    metadata = client.V1ObjectMeta(name=name, labels={"rooftree.dev/brokerage": tenant})
    cluster.core.create_namespaced_secret(PLATFORM, client.V1Secret(metadata=metadata, data=given.data))


def _status(cluster: Cluster, name: str) -> dict[str, Any]:
    return cluster.brokerage(name).get("status", {})


def _is_ready(status: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))


def _feeds(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in cluster.ask_app(namespace, "feeds").splitlines()]


def _are_imported(feeds: list[dict[str, Any]]) -> bool:
    """A feed that failed is not given up: it is tried again."""
    return bool(feeds) and all(feed["state"] == "idle" and feed["imported"] for feed in feeds)


def _is_gone(cluster: Cluster, name: str) -> bool:
    try:
        cluster.brokerage(name)
    except ApiException as error:
        if error.status == 404:
            return True
        raise
    return False
