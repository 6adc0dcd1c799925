"""Reads what `why` needs beside the Brokerage: only what can explain the reason that its status gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .. import names
from ..adapters.kubernetes import CONFIG, DEPLOYMENT, JOB, PLAN, POD, ApiError, Kind
from ..drift import Object
from ..errors import Unavailable
from . import brokerages as b
from . import happenings, pod_causes
from .cluster import Cluster
from .pod_causes import Cause

LOG_LINES = 5
ROLLOUTS = ("RollingOut", "RolloutStuck", "PodsRefused")
JOBS = ("Migrating", "MigrationFailed", "TemplateNotReady", "TemplateFailed")
JOB_LABEL = "job-name"  # that Kubernetes puts on the pods of a Job
OPERATOR: dict[str, str | None] = {names.LABEL_NAME: names.MANAGER}


@dataclass(frozen=True)
class Evidence:
    """What was seen. A list is empty, too, where the reader may not look."""

    choices: tuple[str, ...] = ()  # of what the spec names and what is not there
    deployments: Sequence[Object] = ()  # of the tenant, those that lack pods
    cause: Cause | None = None
    log: Sequence[str] = ()
    jobs: Sequence[Object] = ()
    events: Sequence[Object] = field(default_factory=list[Object])
    operator: Object | None = None
    hidden: tuple[str, ...] = ()  # kinds that the reader may not see


async def gathered(cluster: Cluster, brokerage: Object) -> Evidence:
    worst = b.worst_of(brokerage)
    reason = worst["code"] if worst else ""
    platform = b.platform_of(brokerage)
    looking = _Looking(cluster, b.status_of(brokerage).get("tenantID"), platform)
    if not b.is_seen(brokerage):
        found = await looking.listed(DEPLOYMENT, None, OPERATOR)
        return Evidence(operator=found[0] if found else None, hidden=looking.hidden)
    events = await happenings.of(cluster, brokerage)
    if reason == "PlanUnknown":
        plans = await looking.listed(PLAN, None, {})
        return Evidence(choices=tuple(sorted(map(b.name_of, plans))), events=events, hidden=looking.hidden)
    if reason == "ReleaseUnknown":
        releases = await looking.listed(CONFIG, platform, {names.LABEL_RELEASE: None})
        versions = sorted(one["metadata"]["labels"][names.LABEL_RELEASE] for one in releases)
        return Evidence(choices=tuple(versions), events=events, hidden=looking.hidden)
    if reason in ROLLOUTS:
        return await looking.rollout(events)
    if reason in JOBS:
        return await looking.jobs(reason, events)
    return Evidence(events=events)


class _Looking:
    """Lists that remember what may not be seen, instead of failing."""

    def __init__(self, cluster: Cluster, tenant: str | None, platform: str) -> None:
        self._cluster = cluster
        self._tenant = tenant
        self._platform = platform
        self.hidden: tuple[str, ...] = ()

    async def listed(self, kind: Kind, space: str | None, labels: dict[str, str | None]) -> list[Object]:
        try:
            return await self._cluster.kube.list(kind, space, labels=labels)
        except ApiError as error:
            if error.status != 403:
                raise
            self.hidden = (*self.hidden, kind.plural)
            return []

    async def own(self, kind: Kind, labels: dict[str, str | None] | None = None) -> list[Object]:
        """Those of the tenant."""
        if self._tenant is None:
            return []
        space = names.namespace(names.TenantId(self._tenant))
        return await self.listed(kind, space, {names.LABEL_TENANT: self._tenant, **(labels or {})})

    async def rollout(self, events: Sequence[Object]) -> Evidence:
        """The Deployments that lack pods, and why the first of their pods that is not ready is not."""
        lacking = [one for one in await self.own(DEPLOYMENT) if _lacks_pods(one)]
        wanted = {b.name_of(one) for one in lacking}
        pods = await self.own(POD, {names.LABEL_NAME: None})
        cause, log = await self._cause([pod for pod in pods if pod["metadata"]["labels"][names.LABEL_NAME] in wanted])
        return Evidence(deployments=lacking, cause=cause, log=log, events=events, hidden=self.hidden)

    async def jobs(self, reason: str, events: Sequence[Object]) -> Evidence:
        """The migration Jobs that are not done, of the tenant or of the template, and what their pods suffer from."""
        if reason.startswith("Template"):
            of_release: dict[str, str | None] = {names.LABEL_RELEASE: None}
            found = await self.listed(JOB, self._platform, of_release)
            pods = await self.listed(POD, self._platform, {**of_release, JOB_LABEL: None})
        else:
            found, pods = await self.own(JOB), await self.own(POD, {JOB_LABEL: None})
        unfinished = [one for one in found if not one.get("status", {}).get("succeeded")]
        wanted = {b.name_of(one) for one in unfinished}
        cause, log = await self._cause([pod for pod in pods if pod["metadata"]["labels"][JOB_LABEL] in wanted])
        return Evidence(jobs=unfinished, cause=cause, log=log, events=events, hidden=self.hidden)

    async def _cause(self, pods: Sequence[Object]) -> tuple[Cause | None, list[str]]:
        """Why the first of the pods that is not well is not, and what it wrote last."""
        for pod in pods:
            if cause := pod_causes.of(pod):
                return cause, await self._log(pod["metadata"]["namespace"], cause)
        return None, []

    async def _log(self, space: str, cause: Cause) -> list[str]:
        if not cause.reads_log:
            return []
        try:
            previous = cause.reads_log == "previous"
            return await self._cluster.log(space, cause.pod, lines=LOG_LINES, previous=previous)
        except (ApiError, Unavailable) as error:
            # A container that has just gone has no log any more; the chain is worth more than its last link.
            return [f"(its log cannot be read: {error})"]


def _lacks_pods(deployment: Object) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    short = min(status.get("updatedReplicas", 0), status.get("availableReplicas", 0)) < wanted
    return short or status.get("observedGeneration") != deployment["metadata"].get("generation")
