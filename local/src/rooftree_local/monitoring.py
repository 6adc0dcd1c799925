"""Prometheus and Alertmanager: what they collect, by which rules they warn, and whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rooftree_local import hashing, kubectl, paths, stack
from rooftree_local.addresses import (
    ALERTMANAGER_PORT,
    APISERVER_PORT,
    EDGE_DOMAIN,
    NODE_IP,
    PROMETHEUS_PORT,
    SMTP_PORT,
    SPAN_METRICS_PORT,
    STATE,
)
from rooftree_local.components import PKI, Component
from rooftree_local.render import document
from rooftree_local.users import as_user, furnish

if TYPE_CHECKING:
    from pathlib import Path

    from rooftree_local.paths import Stack
    from rooftree_local.steps import Work

FOLDER = f"{STATE}/prometheus"
RULES = "observability/rules"
URL = f"http://{NODE_IP}:{PROMETHEUS_PORT}"
ALERTS_URL = f"http://{NODE_IP}:{ALERTMANAGER_PORT}"
TARGETS_PORT = 9095
TARGETS_URL = f"http://127.0.0.1:{TARGETS_PORT}/"
TARGETS = (
    str(TARGETS_PORT),
    f"https://{NODE_IP}:{APISERVER_PORT}",
    f"{PKI}/ca.crt",
    f"{PKI}/prometheus.crt",
    f"{PKI}/prometheus.key",
)
# Of the load, read each second. They are left out where a pod's other metrics are read, so that each exists once.
ARRIVALS = ("rooftree_server_spans_total", "http_server_active_requests")
OPERATORS = f"operators@{EDGE_DOMAIN}"
PROMETHEUS_FLAGS = (
    f"--config.file={FOLDER}/prometheus.yml",
    f"--storage.tsdb.path={FOLDER}/data",
    "--storage.tsdb.retention.time=2d",
    f"--web.listen-address={NODE_IP}:{PROMETHEUS_PORT}",
    "--web.enable-lifecycle",
    "--enable-feature=exemplar-storage",
    "--log.level=warn",
)
ALERTMANAGER_FLAGS = (
    f"--config.file={FOLDER}/alertmanager.yml",
    f"--storage.path={FOLDER}/alertmanager",
    f"--web.listen-address={NODE_IP}:{ALERTMANAGER_PORT}",
    "--cluster.listen-address=",
    "--log.level=warn",
)


def components(tools: dict[str, str]) -> list[Component]:
    """Who finds the pods, who collects from them, and who warns; `tools` maps a tool's name to its path."""
    user = as_user("prometheus")
    return [
        Component(
            "pod-targets", (tools["python"], "-m", "rooftree_local.pod_targets", *TARGETS), TARGETS_URL, ("access",)
        ),
        Component(
            "alertmanager", (*user, "prometheus-alertmanager", *ALERTMANAGER_FLAGS), ready=f"{ALERTS_URL}/-/ready"
        ),
        Component("prometheus", (*user, "prometheus", *PROMETHEUS_FLAGS), ready=f"{URL}/-/ready"),
    ]


def prometheus() -> str:
    """What is collected, by which rules it is judged, and who is told."""

    others = (_fixed("prometheus", PROMETHEUS_PORT), _fixed("alertmanager", ALERTMANAGER_PORT))
    return document(
        {
            "global": {"scrape_interval": "10s", "scrape_timeout": "5s", "evaluation_interval": "10s"},
            "rule_files": [f"{FOLDER}/rules/*.yaml"],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [f"{NODE_IP}:{ALERTMANAGER_PORT}"]}]}],
            },
            "scrape_configs": [_arrivals(), _pods(), _spans(), *others],
        }
    )


def _fixed(name: str, port: int) -> dict[str, Any]:
    return {"job_name": name, "static_configs": [{"targets": [f"{NODE_IP}:{port}"]}]}


def _arrivals() -> dict[str, Any]:
    """How much comes to each tenant's pods, to the second: what scaling goes by."""
    return {
        "job_name": "arrivals",
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "params": {"name[]": list(ARRIVALS)},
        "http_sd_configs": [{"url": TARGETS_URL, "refresh_interval": "5s"}],
        "relabel_configs": [
            {"source_labels": ["tenant"], "regex": ".+", "action": "keep"},
            # The discovery's own label would name what the pod runs as.
            {"target_label": "job", "replacement": "arrivals"},
        ],
    }


def _pods() -> dict[str, Any]:
    """All other numbers of all pods."""
    return {
        "job_name": "pods",
        "scrape_interval": "5s",
        "scrape_timeout": "5s",
        "http_sd_configs": [{"url": TARGETS_URL, "refresh_interval": "5s"}],
        "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "|".join(ARRIVALS), "action": "drop"}],
    }


def _spans() -> dict[str, Any]:
    """What the collector counts of spans, by tenant."""
    return {
        **_fixed("spans", SPAN_METRICS_PORT),
        "scrape_interval": "5s",
        "scrape_timeout": "5s",
        "metric_relabel_configs": [
            {"source_labels": ["__name__"], "regex": "target_info", "action": "drop"},
            {"source_labels": ["otel_metric_overflow"], "regex": "true", "action": "drop"},
            {"source_labels": ["rooftree_tenant"], "target_label": "tenant"},
            # The pod that the collector heard of first, which the numbers are not of alone, and what repeats itself.
            {"regex": "rooftree_tenant|exported_job|exported_instance|otel_scope_.*", "action": "labeldrop"},
        ],
    }


def alertmanager() -> str:
    """Every alert is a mail, and so is its end."""
    return document(
        {
            "global": {
                "smtp_smarthost": f"{NODE_IP}:{SMTP_PORT}",
                "smtp_from": f"alerts@{EDGE_DOMAIN}",
                "smtp_require_tls": True,
            },
            "route": {
                "receiver": "operators",
                "group_by": ["alertname", "tenant"],
                "group_wait": "5s",
                "group_interval": "30s",
                "repeat_interval": "4h",
            },
            "receivers": [
                {
                    "name": "operators",
                    "email_configs": [
                        {"to": OPERATORS, "send_resolved": True, "tls_config": {"ca_file": f"{FOLDER}/ca.crt"}}
                    ],
                }
            ],
        }
    )


def write_files(target: Stack) -> None:
    """What both read, the rules as they are now."""
    files = {
        "prometheus.yml": prometheus(),
        "alertmanager.yml": alertmanager(),
        "ca.crt": (target.pki / "ca.crt").read_text(),
        "rules/.keep": "",
    }
    furnish("prometheus", target.state / "prometheus", files | rules())


def _sources() -> list[Path]:
    return sorted((paths.repository() / RULES).glob("*.yaml"))


def rules() -> dict[str, str]:
    """The repository's rules, by the names of their files."""
    return {f"rules/{path.name}": path.read_text() for path in _sources()}


def rules_missing() -> str | None:
    """Why there are no rules to load, if so."""
    return None if _sources() else f"there is nothing in {RULES} yet"


def fingerprint() -> str:
    """Changes when a rule does."""
    return hashing.of_files(paths.repository(), _sources())


def load_rules(target: Stack, work: Work) -> None:
    """Gives a live Prometheus the rules as they are now; faulty ones are told by promtool and not loaded."""
    work.command(["promtool", "check", "rules", *map(str, _sources())])
    wanted = rules()
    for path in (target.state / "prometheus" / "rules").glob("*.yaml"):
        if f"rules/{path.name}" not in wanted:
            path.unlink()
    furnish("prometheus", target.state / "prometheus", wanted)
    reload = ["curl", "--silent", "--show-error", "--fail-with-body", "--request", "POST", f"{URL}/-/reload"]
    work.command(stack.enter_network(stack.require(target), reload))


def wait_for_metrics(target: Stack, work: Work) -> None:
    """Waits until the API server finds the resource metrics; while it does not, no namespace can be deleted."""
    wait = ["wait", "apiservice/v1beta1.metrics.k8s.io", "--for=condition=Available", "--timeout=60s"]
    work.command(kubectl.argv(target, *wait))
