"""Builders of the Deployments that serve: of `app`, and of each module that has one of its own. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import generations, names, pods
from .conditions import State
from .drift import Object
from .names import Slot
from .provisioner import Verdict, blocked, done, waiting
from .release import GATEWAY, Release
from .scaling import limits
from .secret_objects import decoded
from .tenant import Tenant

ANNOTATION_SECRETS = f"{names.GROUP}/secrets"
RPC_AUTHORITY = "rpc-ca"  # the Secret with the authority of all modules' certificates
MODULES_OPTION = "--modules"  # of the app's command: the ones that the process has
GRACE = 45  # seconds that a pod has to end
STILL_ENDING = 5.0  # seconds until one is looked for again that is ending; pods are not watched


@dataclass(frozen=True)
class Reading:
    """What pods that start now read of Secrets: which slot's logins; `digest` changes with the content of any."""

    digest: str
    slot: Slot = Slot.A


def rpc_secret(module: str) -> str:
    """The Secret with a module's certificate."""
    return f"rpc-{module}"


def digest(*secrets: object) -> str:
    """Changes with the content of Secrets, and tells nothing of it."""
    return hashlib.sha256(json.dumps(secrets, sort_keys=True).encode()).hexdigest()[:16]


def reading(app: Object | None, *others: object) -> Reading:
    """What pods read of the Secret `app`, and of `others` as a whole. What they do not read rolls none of them."""
    data: dict[str, str] = (app or {}).get("data") or {}
    slot = generations.record_of(decoded(app)).in_use
    files = generations.files(pods.APP_SECRET, slot)
    return Reading(digest({path: data[key] for path, key in files.items() if key in data}, *others), slot)


def rollout(tenant: Tenant, deployment: Object) -> Verdict:
    """How far a Deployment is. Between awake and asleep nobody has to wait for its pods but requests, which do.

    They do so for a while: of one whose pods do not come even then, that is told.
    """
    found = _rollout(tenant, deployment)
    if found.state is not State.WAITING or tenant.sleep is None or tenant.sleep.is_late:
        return found
    name = deployment["metadata"]["name"]
    if tenant.is_waking:
        return done("Waking", f"Pods of the {name} are starting.")
    return done("FallingAsleep", f"Pods of the {name} are going.")


def _rollout(tenant: Tenant, deployment: Object) -> Verdict:
    name, status, wanted = deployment["metadata"]["name"], deployment.get("status", {}), replicas(deployment)
    conditions = {item["type"]: item for item in status.get("conditions", [])}
    current = _is_current(deployment)
    if current and conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
        advice = f"a platform admin must look at the pods in {tenant.namespace}"
        what = f"the {name} of version {tenant.release.version}"
        return blocked("RolloutStuck", f"{what} does not become ready: {advice}")
    failure = conditions.get("ReplicaFailure", {})
    if current and failure.get("status") == "True":
        return blocked("PodsRefused", f"{failure.get('message')}: a platform admin must look at quota and policies")
    if tenant.resuming and wanted == 0:
        return waiting("Resuming", f"pods of the {name} are coming back")
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    # Pods that an autoscaler adds beyond the plan's least are no reason to call a brokerage that answers not ready.
    least = min(wanted, tenant.plan.replicas.min)
    if not current or min(updated, available) < least or status.get("replicas", 0) > updated:
        return waiting("RollingOut", f"{min(updated, available)} of {wanted} pods of the {name} are available")
    return done("Available", f"{available} of {wanted} pods of the {name} are available.")


def replicas(deployment: Object) -> int:
    return deployment["spec"].get("replicas", 1)


def available(deployment: Object) -> int:
    """How many of its pods serve."""
    return deployment.get("status", {}).get("availableReplicas", 0)


def _is_current(deployment: Object) -> bool:
    """Whether its status tells of it as it is now."""
    return deployment.get("status", {}).get("observedGeneration") == deployment["metadata"].get("generation")


def serves(deployment: Object) -> bool:
    """Whether a pod of it is available, and not just about to go."""
    return _is_current(deployment) and replicas(deployment) > 0 and available(deployment) > 0


def is_whole(app: Object) -> bool:
    """Whether the pods of `app` have all modules, so that they need no other pods."""
    return has_all_modules(app["spec"]["template"])


def has_all_modules(pod: Object) -> bool:
    (container,) = pod["spec"]["containers"]
    return MODULES_OPTION not in container["command"]


def at_rest(tenant: Tenant, deployments: Iterable[Object]) -> Verdict:
    """How the Deployments of a brokerage stand that is suspended, or asleep."""
    if tenant.is_asleep:
        return done("Asleep", "No pods, as nobody uses it.")
    running = sorted(one["metadata"]["name"] for one in deployments if replicas(one) != 0)
    if running:
        return waiting("Suspending", f"pods stay until the edge shows the page: {', '.join(running)}")
    return done("Suspended", "No pods, as declared.")


def without_starts(objects: Iterable[Object], seen: Mapping[str, Object]) -> tuple[Object, ...]:
    """Those of `objects` that start no pod: a new Deployment begins with one, and one that has some would roll them."""

    def starts(one: Object) -> bool:
        known = seen.get(one["metadata"]["name"])
        return one["kind"] == "Deployment" and (known is None or replicas(known) != 0)

    return tuple(one for one in objects if not starts(one))


def build_deployment(tenant: Tenant, name: str, secrets: Reading, *, module: str | None = None) -> Object:
    """`module`: the one that its pods have; None: all of them."""
    release, size = tenant.release, tenant.plan.resources
    labels = {**names.labels(tenant.id), names.LABEL_NAME: name}
    values = {**pods.app_values(tenant, secrets.slot), **(rpc_values(tenant, module) if module else {})}
    container: Object = {
        "name": pods.APP,
        "image": release.image,
        "command": [*release.serve, *([MODULES_OPTION, module] if module else [])],
        "env": pods.environment(values),
        "ports": _ports(release, module),
        "resources": {"requests": size.requests.model_dump(), "limits": size.limits.model_dump()},
        # 60 tries: a start on a busy node may be slow, and a database that is down must not cause restarts.
        "startupProbe": _probe(release.startup, release.port, failures=60),
        "readinessProbe": _probe(release.ready, release.port, failures=2),
        # A minute: a pod that gets no CPU answers late, and a restart would need more of it.
        "livenessProbe": {**_probe(release.live, release.port, failures=6), "periodSeconds": 10, "timeoutSeconds": 5},
    }
    files = pods.Files(pods.APP_SECRET, generations.files(pods.APP_SECRET, secrets.slot))
    spec = pods.pod_spec(container, files=files, rpc_secret=rpc_secret(module) if module else None)
    template = {
        "metadata": {"labels": labels, "annotations": {ANNOTATION_SECRETS: secrets.digest}},
        # The app drains for 3 s, then ends its requests (20 s at most) and its jobs (8 s); an idle one ends at once.
        "spec": {**spec, "terminationGracePeriodSeconds": GRACE},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": tenant.namespace, "labels": labels, **limits.annotations(tenant)},
        "spec": {
            "selector": {"matchLabels": {names.LABEL_NAME: name}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "progressDeadlineSeconds": 120,
            "revisionHistoryLimit": 2,
            "template": template,
        },
    }


def rpc_values(tenant: Tenant, module: str) -> dict[str, str]:
    """Where a module's pods answer, and where they find the others."""
    port, others = tenant.release.rpc_port, tenant.release.calls.get(module, ())
    addresses = {other: f"dns:///{other}.{tenant.namespace}.svc:{port}" for other in others}
    return {
        "ROOFTREE_RPC_ADDRESSES": json.dumps(addresses) if addresses else "",
        "ROOFTREE_RPC_PORT": "" if module == GATEWAY else str(port),
        "ROOFTREE_RPC_DIR": pods.RPC_DIR,
    }


def _ports(release: Release, module: str | None) -> list[Object]:
    """What the container serves; Prometheus scrapes every port that is called `metrics`."""
    rpc = release.rpc_port if module and module != GATEWAY else None
    ports = {"http": release.port, "metrics": release.metrics_port, "rpc": rpc}
    return [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports.items() if port]


def _probe(path: str, port: int, *, failures: int) -> Object:
    return {
        "httpGet": {"path": path, "port": port, "scheme": "HTTP"},
        "periodSeconds": 1,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }
