"""Why a pod does not become ready, in words, and what to look at next. Pure.

The operator sees no pods: it only knows that a Deployment does not come up. Here the kubelet and the scheduler speak.
"""

from dataclasses import dataclass
from typing import Any

from ..drift import Object

RELEASE = "kubectl get configmap release-{version} -n {platform} -o jsonpath='{{.data.image}}'"
DESCRIBE = "kubectl describe pod {pod} -n {namespace}"
LOGS = "kubectl brokerage logs {name}"
ENDED = "kubectl logs {pod} -n {namespace}"
CRASHED = "kubectl brokerage logs {name} --previous"
PLAN = "kubectl edit brokerageplan {plan}"

# What the kubelet calls it, what that means, and the next command.
WAITS = {
    "ImagePullBackOff": ("its image cannot be pulled", RELEASE),
    "ErrImagePull": ("its image cannot be pulled", RELEASE),
    "ErrImageNeverPull": ("its image is not on the node", RELEASE),
    "InvalidImageName": ("the name of its image is wrong", RELEASE),
    "CrashLoopBackOff": ("its container ends again and again", CRASHED),
    "RunContainerError": ("its container cannot be started", DESCRIBE),
    "CreateContainerError": ("its container cannot be made", DESCRIBE),
    "CreateContainerConfigError": ("a Secret or a ConfigMap that it reads is missing", DESCRIBE),
}


@dataclass(frozen=True)
class Cause:
    """Why one pod is not ready."""

    pod: str
    namespace: str
    reason: str  # the kubelet's or the scheduler's word
    means: str
    words: str  # theirs, about this very pod
    hint: str
    reads_log: str = ""  # previous or current: which log tells more

    @property
    def told(self) -> str:
        return f"Pod {self.pod}: {self.means} ({self.reason})"


def of(pod: Object) -> Cause | None:
    """The cause; None if the pod is ready, has ended well or is only starting."""
    status, who = pod.get("status", {}), (pod["metadata"]["name"], pod["metadata"]["namespace"])
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        if found := _of_container(who, container):
            return found
    conditions = {entry["type"]: entry for entry in status.get("conditions", [])}
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        words = scheduled.get("message", "")
        return Cause(*who, scheduled.get("reason", "Pending"), "no node takes it", words, DESCRIBE)
    if status.get("phase") == "Failed":
        return Cause(*who, status.get("reason", "Failed"), "it failed", status.get("message", ""), ENDED, "current")
    if status.get("phase") == "Running" and not _is_ready(pod):
        words = conditions.get("Ready", {}).get("message", "")
        return Cause(*who, "Unready", "it runs and does not say that it is ready", words, LOGS, "current")
    return None


def _of_container(who: tuple[str, str], container: dict[str, Any]) -> Cause | None:
    waiting = container.get("state", {}).get("waiting", {})
    reason, words = waiting.get("reason", ""), waiting.get("message", "")
    states = [container.get(name, {}).get("terminated") for name in ("lastState", "state")]
    last: Object = next((one for one in states if one), Object())
    if last.get("reason") == "OOMKilled" and not container.get("ready"):
        means = "its container took more memory than the plan's resources.limits.memory"
        return Cause(*who, "OOMKilled", means, words or "killed for want of memory", PLAN)
    if reason not in WAITS:
        return None
    means, hint = WAITS[reason]
    if reason == "CrashLoopBackOff":
        words = f"exit code {last.get('exitCode', '?')}; {words}"
        return Cause(*who, reason, means, words, hint, "previous")
    return Cause(*who, reason, means, words, hint)


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def state(pod: Object) -> tuple[str, bool]:
    """In a word how a pod stands, and whether that is well."""
    if "deletionTimestamp" in pod["metadata"]:
        return "ending", True
    if found := of(pod):
        return found.reason, False
    phase = pod.get("status", {}).get("phase", "Pending")
    return ("ready" if _is_ready(pod) else phase.lower()), True
