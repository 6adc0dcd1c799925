"""Kubernetes as the operator needs it: plain dicts in and out, server-side apply, few verbs.

Paths come from a small table rather than from discovery: the operator knows its kinds, and starts without a request.
The client library loads with the first connection: it takes seconds, and whoever sends requests in another way
(`plugin.cluster`) does not wait for it.
"""

import base64
import builtins
import json
import os
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from ..drift import Object
from ..errors import Unavailable
from ..names import MANAGER
from . import shared_reads
from .watched import Watched

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient
    from kubernetes.aio.dynamic.exceptions import DynamicApiError

TIMEOUT = 15.0  # seconds for one request
PAGE = 100  # objects of a list in one answer
WATCH = 30  # seconds after which what is followed is listed anew


@dataclass(frozen=True)
class Kind:
    """A kind and where it lives in the API."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, name: str | None, namespace: str | None) -> str:
        root = "/api/v1" if self.api_version == "v1" else f"/apis/{self.api_version}"
        space = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{space}/{self.plural}" + (f"/{name}" if name else "")


NAMESPACE = Kind("v1", "Namespace", "namespaces", namespaced=False)
QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")
LIMITS = Kind("v1", "LimitRange", "limitranges")
SECRET = Kind("v1", "Secret", "secrets")
CONFIG = Kind("v1", "ConfigMap", "configmaps")
SERVICE = Kind("v1", "Service", "services")
EVENT = Kind("events.k8s.io/v1", "Event", "events")
POD = Kind("v1", "Pod", "pods")
BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
JOB = Kind("batch/v1", "Job", "jobs")
SLICE = Kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
GRANT = Kind("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", "referencegrants")
ROUTE = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
AUTOSCALER = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
BUDGET = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
VOLUME = Kind("v1", "PersistentVolume", "persistentvolumes", namespaced=False)
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")
BROKERAGE = Kind("rooftree.dev/v1alpha1", "Brokerage", "brokerages", namespaced=False)
PLAN = Kind("rooftree.dev/v1alpha1", "BrokeragePlan", "brokerageplans", namespaced=False)
OPERATION = Kind("rooftree.dev/v1alpha1", "BrokerageOperation", "brokerageoperations", namespaced=False)
BACKUP = Kind("rooftree.dev/v1alpha1", "BrokerageBackup", "brokeragebackups", namespaced=False)

KINDS = {
    (kind.api_version, kind.kind): kind
    for kind in (
        NAMESPACE, QUOTA, LIMITS, SECRET, CONFIG, SERVICE, EVENT, BINDING, DEPLOYMENT, JOB, ROUTE, POLICY, AUTOSCALER,
        BUDGET, CLAIM, VOLUME, LEASE, BROKERAGE, PLAN, POD, SLICE, GRANT, OPERATION, BACKUP,
    )
}  # fmt: skip


class ApiError(Exception):
    """The apiserver refused a request; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Conflict(ApiError):
    """The object exists already or has changed since it was read."""


class Forbidden(ApiError):
    """The operator lacks a right."""


class Kubernetes:
    """Verbs on objects. Use as an async context manager."""

    def __init__(self, api: "ApiClient", most: int = 8) -> None:
        from kubernetes.aio.dynamic import DynamicClient

        from ..gate import Gate

        self.gate = Gate("kubernetes", most)
        self._api = api
        self.watched = Watched()
        # Not awaited: that would run discovery, which nothing here needs.
        self._client: Any = DynamicClient(api)

    @classmethod
    async def connect(cls, most: int = 8, *, connections: int = 100) -> "Kubernetes":
        """Connects with the pod's service account, or with KUBECONFIG outside a cluster.

        `most`: calls at a time. `connections`: of these and of what is followed.
        """
        from kubernetes.aio import client as kubernetes_client
        from kubernetes.aio import config as kubernetes_config

        configuration: Any = kubernetes_client.Configuration(connection_pool_maxsize=connections)
        # Or it would look in a thread for a .netrc before each request.
        configuration.client_session_kwargs = {"trust_env": False}
        if "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ:
            cast("Any", kubernetes_config).load_incluster_config(configuration)
        else:
            await cast("Any", kubernetes_config).load_kube_config(client_configuration=configuration)
        return cls(kubernetes_client.ApiClient(configuration), most)

    async def __aenter__(self) -> "Kubernetes":
        return self

    async def __aexit__(self, *_: object) -> None:
        await cast("Any", self._api).close()

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        """The object, or None if there is none.

        Within a pass as it was first read, or as a watch told of it, or as it was written since.
        """
        path = kind.path(name, namespace)
        ask, near = partial(self.fetch, kind, name, namespace), partial(self.watched.find, kind.plural, path)
        return await shared_reads.read(path, ask, near)

    async def fetch(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        """The object as the apiserver has it, with `managedFields`, whatever was read before; None if there is none."""
        try:
            return await self._request("get", kind.path(name, namespace))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def secret_value(self, name: str, namespace: str, key: str) -> str:
        """One value of a Secret. Raises LookupError if the Secret is gone or lacks it."""
        found = await self.get(SECRET, name, namespace)
        if found is None:
            raise LookupError(f"Secret {namespace}/{name} is gone")
        return base64.b64decode(found["data"][key]).decode()

    async def list(
        self, kind: Kind, namespace: str | None = None, *, labels: Mapping[str, str | None]
    ) -> builtins.list[Object]:
        """All objects with these labels (None: the label exists), in one namespace or in all.

        By pages, as the loop stands still while an answer is read.
        """
        selector = ",".join(name if value is None else f"{name}={value}" for name, value in labels.items())
        path, items, more = kind.path(None, namespace), list[Object](), None
        while True:
            found = await self._request("get", path, label_selector=selector or None, limit=PAGE, _continue=more)
            items += [{"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in found.get("items", [])]
            more = found.get("metadata", {}).get("continue")
            if not more:
                return items

    async def having(self, kind: Kind, label: str, value: str) -> builtins.list[Object]:
        """All objects with this label in all namespaces, as watches told of them, or else as the apiserver has them."""
        try:
            found, unsure = self.watched.having(kind.plural, label, value), self.watched.unsure(kind.plural)
        except LookupError:
            return await self.list(kind, labels={label: value})
        asked = [await self.fetch(kind, *_place(path)) for path in unsure]
        return found + [one for one in asked if one and one["metadata"].get("labels", {}).get(label) == value]

    async def apply(self, wanted: Object, *, subresource: str | None = None) -> Object:
        """Server-side apply under the operator's field manager."""
        kind = KINDS[wanted["apiVersion"], wanted["kind"]]
        metadata = wanted["metadata"]
        path = kind.path(metadata["name"], metadata.get("namespace"))
        with _sending("apply", kind.kind if subresource is None else f"{kind.kind}/{subresource}"):
            return await self._request(
                "patch",
                path if subresource is None else f"{path}/{subresource}",
                body=wanted,
                content_type="application/apply-patch+yaml",
                field_manager=MANAGER,
                force_conflicts=True,
            )

    async def create(self, wanted: Object) -> Object:
        """Creates; raises `Conflict` if it exists."""
        kind = KINDS[wanted["apiVersion"], wanted["kind"]]
        path = kind.path(None, wanted["metadata"].get("namespace"))
        with _sending("create", kind.kind):
            name = f"/{wanted['metadata']['name']}"
            return await self._request("post", path, name, body=wanted, field_manager=MANAGER)

    async def replace(self, wanted: Object) -> Object:
        """Updates exactly the version that was read; raises `Conflict` if it changed since."""
        kind = KINDS[wanted["apiVersion"], wanted["kind"]]
        path = kind.path(wanted["metadata"]["name"], wanted["metadata"].get("namespace"))
        with _sending("update", kind.kind):
            return await self._request("put", path, body=wanted, field_manager=MANAGER)

    async def patch(self, kind: Kind, name: str, body: builtins.list[Object], namespace: str | None = None) -> Object:
        """JSON patch; raises `Conflict` or `ApiError` 422 if its test operation fails."""
        with _sending("patch", kind.kind):
            return await self._request(
                "patch",
                kind.path(name, namespace),
                body=body,
                content_type="application/json-patch+json",
                field_manager=MANAGER,
            )

    async def scale(self, name: str, namespace: str, replicas: int, *, version: str | None = None) -> None:
        """Sets a Deployment's replicas under another field manager, so that no apply of ours ever owns them.

        With `version` only if the Deployment is as it was then; else raises `ApiError` of status 409.
        """
        guard = {} if version is None else {"metadata": {"resourceVersion": version}}
        with _sending("patch", "Deployment/scale"):
            await self._request(
                "patch",
                f"{DEPLOYMENT.path(name, namespace)}/scale",
                body={**guard, "spec": {"replicas": replicas}},
                content_type="application/merge-patch+json",
                field_manager=f"{MANAGER}-scale",
            )

    async def wake(self, name: str, namespace: str, *, by: str) -> bool:
        """Gives a Deployment without pods one, under the field manager `by`; False if it has some, whoever gave them.

        Raises `Conflict` if it changed while it was looked at: it may have more pods than one now.
        """
        path = f"{DEPLOYMENT.path(name, namespace)}/scale"
        found = await self._request("get", path)
        if found["spec"].get("replicas", 0):
            return False
        metadata = {"resourceVersion": found["metadata"]["resourceVersion"]}
        with _sending("patch", "Deployment/scale"):
            await self._request(
                "patch",
                path,
                body={"metadata": metadata, "spec": {"replicas": 1}},
                content_type="application/merge-patch+json",
                field_manager=by,
            )
        return True

    async def follow(self, kind: Kind, namespace: str) -> AsyncGenerator[builtins.list[Object]]:
        """All objects of a kind in a namespace, and all again whenever one of them changes.

        Ends after a while, or when the apiserver cannot tell what happened since: who wants to know more begins anew.
        """
        path = kind.path(None, namespace)
        found = await self._request("get", path)
        version, kept = found["metadata"]["resourceVersion"], {_uid(item): item for item in found.get("items", [])}
        yield list(kept.values())
        with _translating():
            # In no gate: it lasts, and asks for nothing.
            answer = await self._client.request(
                "get",
                path,
                serialize=False,
                watch="true",
                resource_version=version,
                timeout_seconds=WATCH,
                _request_timeout=WATCH + TIMEOUT,
            )
            try:
                async for line in answer.content:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return
                    if event["type"] == "DELETED":
                        kept.pop(_uid(event["object"]), None)
                    else:
                        kept[_uid(event["object"])] = event["object"]
                    yield list(kept.values())
            finally:
                answer.close()

    async def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        propagation: Literal["Background", "Foreground"] = "Background",
    ) -> bool:
        """Deletes; False if it was gone already. `uid` guards against deleting a namesake.

        In the foreground the object stays until everything that it owns is gone.
        """
        options: Object = {"propagationPolicy": propagation}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            with _sending("delete", kind.kind):
                await self._request("delete", kind.path(name, namespace), body=options)
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def _request(self, method: str, path: str, name: str = "", **options: Any) -> Object:
        """`name`: of an object that is made, which is not in the path, after a slash."""
        if f"/{LEASE.plural}" in path:
            return await self._send(method, path, **options)  # the Lease waits for no tenant's calls
        plural = _plural(path)
        async with self.gate.call(f"{method} {plural}"):
            if method == "get":
                return await self._send(method, path, **options)
            self.watched.writes(plural, path + name)
            try:
                answer = await self._send(method, path, **options)
            finally:
                # Whatever the answer was: it may have been done.
                shared_reads.wrote(path)
            self.watched.answered(plural, path + name, answer, deleted=method == "delete")
            return answer

    async def _send(self, method: str, path: str, **options: Any) -> Object:
        options = {name: value for name, value in options.items() if value is not None}
        with _translating():
            response = await self._client.request(method, path, serialize=False, _request_timeout=TIMEOUT, **options)
            return cast("Object", await response.json())


def _place(path: str) -> tuple[str, str | None]:
    """The name and the namespace of the object that is at a path."""
    place, _, name = path.rpartition("/")
    _, _, below = place.partition("/namespaces/")
    return name, below.partition("/")[0] or None


@contextmanager
def _translating() -> Generator[None]:
    """Errors of the client library become ours."""
    import aiohttp
    from kubernetes.aio.dynamic.exceptions import DynamicApiError

    try:
        yield
    except DynamicApiError as error:
        raise _translated(error) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Unavailable("ApiServerUnreachable", f"the apiserver does not answer: {error!r}") from error


def _uid(item: Object) -> str:
    return item["metadata"]["uid"]


def _plural(path: str) -> str:
    """Which kind a path leads to."""
    _, root, *parts = path.split("/")
    kind = parts[1:] if root == "api" else parts[2:]
    return kind[2] if kind[0] == NAMESPACE.plural and len(kind) > 2 else kind[0]


def refusal(status: int, message: str) -> ApiError:
    """The error for an answer with this HTTP status."""
    kind = {403: Forbidden, 409: Conflict}.get(status, ApiError)
    return kind(status, message)


def _translated(error: "DynamicApiError") -> ApiError:
    return refusal(cast("int", cast("Any", error).status or 0), str(cast("Any", error).summary()))


def _sending(verb: str, kind: str) -> AbstractContextManager[None]:
    from .. import effects

    return effects.sending("kubernetes", verb, kind)
