"""What a replay makes in the cluster for one policy. Pure.

A workload that looks like a brokerage's to whoever measures and scales, and that no operator takes for its own: it
lacks the label by which the operator knows what it manages.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rooftree_operator import names
from rooftree_operator.pods import APP, CONTAINER_SECURITY, POD_SECURITY

from bench_live import replica

if TYPE_CHECKING:
    from rooftree_operator.scaling.policy import Limits

BROKERAGE = "bench-live"
PROGRAM = "replica.py"


@dataclass(frozen=True)
class Workload:
    """The pods of one policy. `start`: seconds that a replica waits before it is ready."""

    policy: str
    word: str
    image: str
    start: float
    limits: Limits

    @property
    def namespace(self) -> str:
        return f"bench-live-{self.word}-{self.policy}"

    @property
    def tenant(self) -> str:
        """A label's value, by which the series of Prometheus are told apart; the scaler takes it from the namespace."""
        return self.namespace

    @property
    def labels(self) -> dict[str, str]:
        return {names.LABEL_TENANT: self.tenant, names.LABEL_BROKERAGE: BROKERAGE, names.LABEL_NAME: APP}

    def objects(self, replicas: int) -> list[dict[str, Any]]:
        """In the order in which they are made; `replicas` to begin with."""
        program = Path(replica.__file__).read_text()
        inside = {"namespace": self.namespace}
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": APP, **inside},
                "data": {PROGRAM: program},
            },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": APP, **inside, "labels": self.labels, "annotations": self._annotations()},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {names.LABEL_NAME: APP}},
                    "template": {"metadata": {"labels": self.labels}, "spec": self._pod()},
                },
            },
        ]

    def _annotations(self) -> dict[str, str]:
        limits = {
            "floor": self.limits.floor,
            "ceiling": self.limits.ceiling,
            "objectiveMilliseconds": round(self.limits.objective * 1000),
        }
        return {names.ANNOTATION_SCALING: json.dumps(limits)}

    def _pod(self) -> dict[str, Any]:
        container = {
            "name": APP,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["python", f"/bench/{PROGRAM}"],
            "env": [{"name": "START", "value": str(self.start)}],
            "ports": [{"name": "metrics", "containerPort": replica.PORT}],
            "resources": {
                "requests": {"cpu": "5m", "memory": "24Mi"},
                "limits": {"cpu": "500m", "memory": "96Mi"},
            },
            # Patient, so that a machine that is busy for a moment takes no replica away.
            "readinessProbe": {
                "httpGet": {"path": "/readyz", "port": replica.PORT},
                "periodSeconds": 1,
                "timeoutSeconds": 5,
                "failureThreshold": 10,
            },
            "securityContext": CONTAINER_SECURITY,
            "volumeMounts": [{"name": "program", "mountPath": "/bench", "readOnly": True}],
        }
        return {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": POD_SECURITY,
            "terminationGracePeriodSeconds": 60,
            "containers": [container],
            "volumes": [{"name": "program", "configMap": {"name": APP}}],
        }
