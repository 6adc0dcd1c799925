"""An apiserver and its controllers that keep state: what the operator relies on, and nothing that would flatter it."""

import asyncio
import base64
import builtins
import copy
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

from rooftree_operator import names
from rooftree_operator.adapters import shared_reads
from rooftree_operator.adapters.kubernetes import (
    BROKERAGE,
    CLAIM,
    DEPLOYMENT,
    JOB,
    KINDS,
    NAMESPACE,
    POD,
    QUOTA,
    ROUTE,
    SERVICE,
    SLICE,
    ApiError,
    Conflict,
    Forbidden,
    Kind,
    Kubernetes,
)
from rooftree_operator.adapters.watched import Watched
from rooftree_operator.drift import Object, Path, quantity
from rooftree_operator.gate import Gate

from .faults import Faults

Key = tuple[str, str | None, str]
STAMP = "2026-11-24T12:00:00Z"
PATHS = {kind.kind: kind for kind in KINDS.values()}
NEVER = "9999-01-01T00:00:00Z"  # when the time of a pod that ends at the next settling is over


class FakeKubernetes(Kubernetes):
    """Objects by kind, namespace and name. `writes` lists every mutating request.

    `lowest` is the smallest number of pods that a Deployment had available since it first was, by namespace and name.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.objects: dict[Key, Object] = {}
        self.applied: dict[Key, Object] = {}
        self.writes: list[str] = []
        self.reads: list[str] = []
        self.lowest: dict[tuple[str | None, str], int] = {}
        self._serving: dict[Key, Object] = {}  # the pod template that all pods of a Deployment have
        self._starting: dict[Key, Object] = {}  # the one that the first new pod has
        self.gate = Gate()
        self.watched = Watched()
        self.mounted: dict[Key, dict[str, str]] = {}
        """By pod, the files that it found of its Secret when it began, encoded."""
        self.faults = faults or Faults()
        self.broken: set[str] = set()
        """Images whose pods never become ready, and whose jobs fail."""
        self.forbidden: set[str] = set()
        """Kinds that whoever asks may not read."""
        self.unserved = {"metrics.k8s.io/v1beta1"}
        """API versions that this cluster does not have."""
        self._number = 0
        self._stirred = asyncio.Event()

    def put(self, item: Object) -> Object:
        """Puts an object there as somebody else would."""
        key = self._key(item)
        return self._store(key, copy.deepcopy(item), self.objects.get(key))

    def edit(self, kind: Kind, name: str, namespace: str | None, path: Path, value: Any, *, by: str) -> None:
        """Sets a field as somebody else would, who is remembered as its manager."""
        item = copy.deepcopy(self.objects[kind.kind, namespace, name])
        parent: Any = item
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = value
        entry = {"manager": by, "operation": "Update", "time": STAMP, "fieldsV1": _fields(item, path)}
        item["metadata"]["managedFields"] = [*item["metadata"].get("managedFields", []), entry]
        self.put(item)

    def find(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        return self.objects.get((kind.kind, namespace, name))

    def of_tenants(self) -> list[Key]:
        """Everything that belongs to a tenant."""
        spaces = {key[2] for key in self.objects if key[0] == "Namespace" and key[2].startswith("tenant-")}
        return sorted((k for k in self.objects if k[1] in spaces or k[2] in spaces), key=str)

    async def fetch(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        self.gate.check()
        self.reads.append(f"{kind.kind} {name}")
        self.faults.before()
        self._check_rights(kind, namespace)
        found = copy.deepcopy(self.find(kind, name, namespace))
        self.faults.done()
        return found

    async def list(
        self, kind: Kind, namespace: str | None = None, *, labels: Mapping[str, str | None]
    ) -> builtins.list[Object]:
        self.gate.check()
        self.faults.before()
        if kind.api_version in self.unserved:
            raise ApiError(404, "the server could not find the requested resource")
        self._check_reader(kind)
        found = [
            copy.deepcopy(item)
            for (known, space, _), item in self.objects.items()
            if known == kind.kind and namespace in (None, space) and _carries(item, labels)
        ]
        self.faults.done()
        return found

    async def apply(self, wanted: Object, *, subresource: str | None = None) -> Object:
        key = self._key(wanted)
        self._begin(f"apply {key[0]}{'/' + subresource if subresource else ''} {key[2]}", key)
        old = self.objects.get(key)
        if subresource == "status":
            if old is None or wanted["metadata"]["uid"] != old["metadata"]["uid"]:
                raise Conflict(409, "uid differs")
            self._check_version(wanted, old)
            result = self._store(key, {**old, "status": copy.deepcopy(wanted["status"])}, old)
        else:
            if wanted["metadata"].get("namespace") and not self._open(wanted["metadata"]["namespace"]):
                raise Forbidden(403, f"namespace {wanted['metadata']['namespace']} is not open")
            self._check_version(wanted, old)
            kept = _without(old or {}, self.applied.get(key, {}))
            # By force: what others had set is nobody's but ours now.
            kept.get("metadata", {}).pop("managedFields", None)
            self.applied[key] = copy.deepcopy(wanted)
            result = self._store(key, _as_server_stores(_merge(kept, wanted)), old)
        self.faults.done()
        return copy.deepcopy(result)

    @staticmethod
    def _check_version(wanted: Object, old: Object | None) -> None:
        version = wanted["metadata"].get("resourceVersion")
        if version is not None and (old is None or old["metadata"]["resourceVersion"] != version):
            raise Conflict(409, "the object has changed")

    async def create(self, wanted: Object) -> Object:
        key = self._key(wanted)
        self._begin(f"create {key[0]} {key[2]}", key)
        if key in self.objects:
            raise Conflict(409, "exists")
        if key[0] == CLAIM.kind:
            self._check_quota(key[1], wanted)
        result = self._store(key, copy.deepcopy(wanted), None)
        self.faults.done()
        return copy.deepcopy(result)

    def _check_quota(self, namespace: str | None, claim: Object) -> None:
        """Of claims; pods that are too many would only not start."""
        hard = self.objects[QUOTA.kind, namespace, "tenant"]["spec"]["hard"]
        there = [key for key in self.objects if key[:2] == (CLAIM.kind, namespace)]
        size = claim["spec"]["resources"]["requests"]["storage"]
        if len(there) >= int(hard["persistentvolumeclaims"]) or size != hard.get("requests.storage", size):
            raise Forbidden(403, "exceeded quota: tenant")

    async def replace(self, wanted: Object) -> Object:
        key = self._key(wanted)
        self._begin(f"update {key[0]} {key[2]}", key)
        old = self.objects.get(key)
        if old is None or old["metadata"]["resourceVersion"] != wanted["metadata"]["resourceVersion"]:
            raise Conflict(409, "the object has changed")
        result = self._store(key, copy.deepcopy(wanted), old)
        self.faults.done()
        return copy.deepcopy(result)

    async def patch(self, kind: Kind, name: str, body: builtins.list[Object], namespace: str | None = None) -> Object:
        key = (kind.kind, namespace, name)
        self._begin(f"patch {kind.kind} {name}", key)
        old = self.objects[key]
        for step in body:
            if step["op"] == "test" and old["metadata"]["resourceVersion"] != step["value"]:
                raise ApiError(422, "the object has changed")
        finalizers = body[-1]["value"]
        result = self._store(key, {**old, "metadata": {**old["metadata"], "finalizers": finalizers}}, old)
        if "deletionTimestamp" in result["metadata"] and not finalizers:
            del self.objects[key]
        self.faults.done()
        return copy.deepcopy(result)

    async def scale(self, name: str, namespace: str, replicas: int, *, version: str | None = None) -> None:
        key = ("Deployment", namespace, name)
        self._begin(f"scale {name}", key)
        item = self.objects[key]
        if version not in (None, item["metadata"]["resourceVersion"]):
            raise ApiError(409, "the object has been modified")
        if item["spec"].get("replicas") != replicas:
            item["spec"]["replicas"] = replicas
            item["metadata"]["generation"] += 1
            self._number += 1
            item["metadata"]["resourceVersion"] = str(self._number)
            self.stir()
        self.faults.done()

    async def wake(self, name: str, namespace: str, *, by: str) -> bool:
        self.gate.check()
        self.reads.append(f"Deployment/scale {name}")
        self.faults.before()
        key = ("Deployment", namespace, name)
        if (item := self.objects.get(key)) is None:
            raise ApiError(404, f"deployments.apps {name} not found")
        self.faults.done()
        if item["spec"].get("replicas", 1):
            return False
        await asyncio.sleep(0)  # so that somebody else can write meanwhile
        self._begin(f"wake {name}", key)
        if self.objects.get(key) is not item:
            raise Conflict(409, "the object has changed")
        entry = {
            "manager": by,
            "operation": "Update",
            "subresource": "scale",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
        }
        metadata = {**item["metadata"], "managedFields": [*item["metadata"].get("managedFields", []), entry]}
        self._store(key, {**item, "metadata": metadata, "spec": {**item["spec"], "replicas": 1}}, item)
        self.faults.done()
        return True

    async def follow(self, kind: Kind, namespace: str) -> AsyncGenerator[builtins.list[Object]]:
        while True:
            stirred = self._stirred
            yield await self.list(kind, namespace, labels={})
            await stirred.wait()

    async def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        propagation: str = "Background",
    ) -> bool:
        self._begin(f"delete {kind.kind} {name}", (kind.kind, namespace, name))
        found = self.objects.get((kind.kind, namespace, name))
        if found is None:
            return False
        if uid is not None and found["metadata"]["uid"] != uid:
            raise Conflict(409, "uid differs")
        if kind in (NAMESPACE, BROKERAGE) or propagation == "Foreground" or found["metadata"].get("finalizers"):
            found["metadata"]["deletionTimestamp"] = STAMP
        else:
            del self.objects[kind.kind, namespace, name]
        self.stir()
        if kind == DEPLOYMENT:
            self.lowest[namespace, name] = 0
        self.faults.done()
        return True

    def settle(self) -> set[str]:
        """What controllers and kubelet do: pods come up, routes are accepted, jobs end, namespaces go.

        Returns the databases that a migration job was run on.
        """
        migrated: set[str] = set()
        for (kind, space, name), item in self._present():
            if kind == DEPLOYMENT.kind and "deletionTimestamp" in item["metadata"]:
                del self.objects[kind, space, name]
            elif kind == DEPLOYMENT.kind:
                item["status"] = self._rolled_out((kind, space, name), item)
            elif kind == QUOTA.kind:
                item["status"] = {"used": self._used(space)}
            elif kind == ROUTE.kind:
                conditions = [
                    {
                        "type": type_,
                        "status": "True",
                        "reason": type_,
                        "observedGeneration": item["metadata"]["generation"],
                    }
                    for type_ in ("Accepted", "ResolvedRefs")
                ]
                item["status"] = {"parents": [{"conditions": conditions}]}
            elif kind == JOB.kind:
                migrated |= self._ended(item)
            elif kind == NAMESPACE.kind and "deletionTimestamp" in item["metadata"]:
                for key in [key for key in self.objects if key[1] == name]:
                    del self.objects[key]
                del self.objects[kind, space, name]
        self._settle_pods()
        return migrated

    def _present(self) -> Iterator[tuple[Key, Object]]:
        """All objects, without those that go meanwhile, with their namespace."""
        for key in list(self.objects):
            if key in self.objects:
                yield key, self.objects[key]

    def _ended(self, job: Object) -> set[str]:
        """A Job comes to its end; the database that it has migrated. Those of operations are `archive`'s business."""
        if names.LABEL_OPERATION in job["metadata"].get("labels", {}):
            return set()
        if _image(job) in self.broken:
            job["status"] = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}
            return set()
        job["status"] = {"succeeded": 1}
        env = {e["name"]: e["value"] for e in job["spec"]["template"]["spec"]["containers"][0]["env"]}
        return {env["ROOFTREE_DATABASE_NAME"]}

    def _rolled_out(self, key: Key, item: Object) -> Object:
        """One step of a rollout: a new pod starts beside the old ones; if its image works all are new, the old ones go.

        A first pod of an image that does not work stays beside them for ever.
        """
        count: int = item["spec"].setdefault("replicas", 1)
        template: Object = item["spec"]["template"]
        before: int = item.get("status", {}).get("availableReplicas", 0)
        serves, has_started = template == self._serving.get(key), template == self._starting.get(key)
        old, works = 0 if serves else min(before, count), serves or _image(item) not in self.broken
        self._starting[key] = template
        status: Object = {"observedGeneration": item["metadata"]["generation"]}
        if (works and (has_started or not old)) or not count:
            self._serving[key] = template if count else {}
            status |= {"replicas": count, "updatedReplicas": count, "availableReplicas": count}
        else:
            status |= {"replicas": old + 1, "updatedReplicas": 1, "availableReplicas": old}
        if not works and count:
            stuck = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
            status["conditions"] = [stuck]
        available: int = status["availableReplicas"]
        self.lowest[key[1:]] = min(available, self.lowest.get(key[1:], available))
        return status

    def _used(self, namespace: str | None) -> Object:
        """What a ResourceQuota counts."""
        found = [item for (kind, space, _), item in self.objects.items() if (kind, space) == ("Deployment", namespace)]
        pods = [(item["spec"].get("replicas", 1), _limits(item)) for item in found]
        total = {name: sum(n * (quantity(limits[name]) or 0) for n, limits in pods) for name in ("cpu", "memory")}
        return {
            "pods": str(sum(n for n, _ in pods)),
            "limits.cpu": f"{total['cpu']:f}",
            "limits.memory": f"{int(total['memory']) // 2**20}Mi",
        }

    def _settle_pods(self) -> None:
        """Pods follow their Deployments, and go only the next time. Services list those that are ready.

        Where all pods of a Deployment are new, the old ones leave.
        """
        for key, pod in [(key, pod) for key, pod in self.objects.items() if key[0] == POD.kind]:
            if "deletionTimestamp" in pod["metadata"]:
                del self.objects[key]
            else:
                owner = self.find(DEPLOYMENT, key[2].rpartition("-")[0], key[1])
                if owner is None or int(key[2].rpartition("-")[2]) >= owner["spec"]["replicas"]:
                    pod["metadata"]["deletionTimestamp"] = STAMP
        for (kind, space, name), item in list(self.objects.items()):
            for number in range(item["spec"]["replicas"] if kind == DEPLOYMENT.kind else 0):
                template = self._serving.get((kind, space, name)) or item["spec"]["template"]
                self._follow((POD.kind, space, f"{name}-{number}"), template)
        for (kind, space, name), item in list(self.objects.items()):
            if kind == SERVICE.kind:
                metadata = {"name": name, "namespace": space, "labels": {"kubernetes.io/service-name": name}}
                slices = {"apiVersion": SLICE.api_version, "kind": SLICE.kind, "metadata": metadata}
                self.put({**slices, "endpoints": self._endpoints(space, item["spec"]["selector"])})

    def _follow(self, key: Key, template: Object) -> None:
        """A pod by this name of the template that serves; one of another template leaves."""
        _, space, name = key
        old = self.objects.get(key)
        if old is not None and old["metadata"].get("annotations") != template["metadata"].get("annotations"):
            left = (POD.kind, space, f"{name}-leaving")
            metadata = {**old["metadata"], "name": left[2], "deletionTimestamp": NEVER}
            self.objects[left], self.mounted[left] = {**self.objects.pop(key), "metadata": metadata}, self.mounted[key]
        if key not in self.objects:
            metadata = {**copy.deepcopy(template["metadata"]), "name": name, "namespace": space}
            status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            spec = copy.deepcopy(template["spec"])
            pod = {"apiVersion": "v1", "kind": POD.kind, "metadata": metadata, "spec": spec, "status": status}
            self.put(pod)
            self.mounted[key] = self.files(space, spec)

    def files(self, space: str | None, spec: Object) -> dict[str, str]:
        """What a pod finds of its Secrets if it begins now."""
        volumes = [one["secret"] for one in spec["volumes"] if one["name"] in ("secrets", "rpc")]
        return {path: value for volume in volumes for path, value in self._content(space, volume).items()}

    def folders(self, space: str | None, spec: Object) -> dict[str, dict[str, str]]:
        """The same of a pod with a folder for each Secret; it does not begin while one of its files is missing."""
        mounted = {one["name"]: self._content(space, one["secret"]) for one in spec["volumes"] if "secret" in one}
        return {
            name: {path: base64.b64decode(value).decode() for path, value in files.items()}
            for name, files in mounted.items()
        }

    def _content(self, space: str | None, volume: Object) -> dict[str, str]:
        data: dict[str, str] = self.objects["Secret", space, volume["secretName"]]["data"]
        keys = {item["path"]: item["key"] for item in volume["items"]} if "items" in volume else {k: k for k in data}
        return {path: data[key] for path, key in keys.items()}

    def _endpoints(self, space: str | None, selector: Mapping[str, str]) -> builtins.list[Object]:
        pods = [item for (kind, where, _), item in self.objects.items() if (kind, where) == (POD.kind, space)]
        chosen = [pod for pod in pods if _carries(pod, selector)]
        return [{"conditions": {"ready": "deletionTimestamp" not in pod["metadata"]}} for pod in chosen]

    def _begin(self, write: str, key: Key) -> None:
        self.gate.check()
        self.faults.before()
        self.writes.append(write)
        shared_reads.wrote(PATHS[key[0]].path(key[2], key[1]))

    def _open(self, namespace: str) -> bool:
        if not namespace.startswith("tenant-"):
            return True
        found = self.objects.get(("Namespace", None, namespace))
        return found is not None and "deletionTimestamp" not in found["metadata"]

    def _check_reader(self, kind: Kind) -> None:
        if kind.kind in self.forbidden:
            raise Forbidden(403, f"you may not read {kind.plural}")

    def _check_rights(self, kind: Kind, namespace: str | None) -> None:
        """Rights inside a tenant's namespace come by the RoleBinding there."""
        self._check_reader(kind)
        bound = ("RoleBinding", namespace, "rooftree-operator") in self.objects
        if namespace and namespace.startswith("tenant-") and kind.kind != "RoleBinding" and not bound:
            raise Forbidden(403, f"no rights in {namespace}")

    def _store(self, key: Key, item: Object, old: Object | None) -> Object:
        self._number += 1
        before = old["metadata"] if old else {}
        changed = old is not None and old.get("spec") != item.get("spec")
        item["metadata"] = {
            "creationTimestamp": STAMP,
            **item["metadata"],
            "uid": before.get("uid", f"uid-{self._number}"),
            "resourceVersion": str(self._number),
            "generation": before.get("generation", 1) + changed,
        }
        self.objects[key] = item
        self.stir()
        return item

    def stir(self) -> None:
        """Whoever follows looks again."""
        self._stirred.set()
        self._stirred = asyncio.Event()

    @staticmethod
    def _key(item: Object) -> Key:
        kind = KINDS[item["apiVersion"], item["kind"]]
        return kind.kind, item["metadata"].get("namespace") if kind.namespaced else None, item["metadata"]["name"]


def _carries(item: Object, labels: Mapping[str, str | None]) -> bool:
    have = item["metadata"].get("labels", {})
    return all(name in have and value in (None, have[name]) for name, value in labels.items())


def _limits(deployment: Object) -> dict[str, str]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container["resources"]["limits"]


def _fields(value: Any, path: Path) -> Object:
    """A path as `managedFields` spells it: items of lists by their names, or a list without such as a whole."""
    if not path:
        return {}
    step, inner = path[0], value.get(path[0]) if isinstance(path[0], str) else value[path[0]]
    if isinstance(step, str):
        return {f"f:{step}": _fields(inner, path[1:])}
    named = isinstance(inner, dict) and "name" in inner
    return {f'k:{{"name":"{inner["name"]}"}}': _fields(inner, path[1:])} if named else {}


def _merge(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{name: _merge(old.get(name), value) for name, value in new.items()}}
    return copy.deepcopy(new)


def _without(old: Any, applied: Any) -> Any:
    """What is left of `old` when the fields of the last apply are given up."""
    if not isinstance(old, dict) or not isinstance(applied, dict):
        return old
    left = {}
    for name, value in old.items():
        if name not in applied or name in ("metadata", "apiVersion", "kind"):
            left[name] = copy.deepcopy(value) if name != "metadata" else _without(value, applied.get(name, {}))
        elif isinstance(value, dict):
            left[name] = _without(value, applied[name])
    return left


def _as_server_stores(item: Object) -> Object:
    """The apiserver's own spelling: empty values are dropped, quantities are canonical."""
    for container in item.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
        for entry in container.get("env", []):
            if entry.get("value") == "":
                del entry["value"]
        for sizes in container.get("resources", {}).values():
            sizes.update({name: "1" if value == "1000m" else value for name, value in sizes.items()})
    return item


def _image(item: Object) -> str:
    return item["spec"]["template"]["spec"]["containers"][0]["image"]
