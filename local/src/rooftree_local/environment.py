"""What tests and tools need to know about a stack."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rooftree_local import elasticsearch, kafka, monitoring, postgres, redis, services, standby
from rooftree_local.addresses import EDGE_DOMAIN, EDGE_PORT, NODE_IP, REDIS_PORT, SMTP_PORT

if TYPE_CHECKING:
    from rooftree_local.paths import Stack


def variables(target: Stack) -> dict[str, str]:
    """The variables; those of the backends hold administrators' passwords and are meant for tests only."""
    found = {"ROOFTREE_STACK": target.name, "ROOFTREE_CA_FILE": str(target.pki / "ca.crt")}
    if target.kubeconfig.exists():
        found["KUBECONFIG"] = str(target.kubeconfig)
        found["KUBECACHEDIR"] = str(target.kubectl_cache)
        found["ROOFTREE_EDGE"] = f"https://{EDGE_DOMAIN}:{EDGE_PORT}"
    if target.postgres_password_file.exists():
        found |= _backends(target)
    if (target.state / "standby").exists():
        found["ROOFTREE_TEST_POSTGRES_STANDBY"] = standby.dsn(target)
    if (target.state / "prometheus").exists():
        found["ROOFTREE_TEST_PROMETHEUS_URL"] = monitoring.URL
        found["ROOFTREE_TEST_ALERTMANAGER_URL"] = monitoring.ALERTS_URL
    return found


def _backends(target: Stack) -> dict[str, str]:
    return {
        "ROOFTREE_TEST_POSTGRES": postgres.dsn(target),
        "ROOFTREE_TEST_KAFKA_BOOTSTRAP": kafka.BOOTSTRAP,
        "ROOFTREE_TEST_KAFKA_USER": kafka.ADMIN,
        "ROOFTREE_TEST_KAFKA_PASSWORD": kafka.password(target),
        "ROOFTREE_TEST_ELASTICSEARCH_URL": elasticsearch.URL,
        "ROOFTREE_TEST_ELASTICSEARCH_USER": elasticsearch.ADMIN,
        "ROOFTREE_TEST_ELASTICSEARCH_PASSWORD": elasticsearch.password(target),
        "ROOFTREE_TEST_REDIS_HOST": NODE_IP,
        "ROOFTREE_TEST_REDIS_PORT": str(REDIS_PORT),
        "ROOFTREE_TEST_REDIS_USER": redis.ADMIN,
        "ROOFTREE_TEST_REDIS_PASSWORD": redis.password(target),
        "ROOFTREE_TEST_S3_URL": services.S3_URL,
        "ROOFTREE_TEST_S3_USER": services.S3_USER,
        "ROOFTREE_TEST_S3_PASSWORD": services.s3_secret(target),
        "ROOFTREE_TEST_SMTP_HOST": NODE_IP,
        "ROOFTREE_TEST_SMTP_PORT": str(SMTP_PORT),
        "ROOFTREE_TEST_MAIL_URL": services.MAIL_URL,
        "ROOFTREE_TEST_OTLP": services.OTLP_URL,
        "ROOFTREE_TEST_TRACES_URL": services.TRACES_URL,
        "ROOFTREE_TEST_SPAN_METRICS_URL": services.SPAN_METRICS_URL,
    }


def exports(target: Stack) -> str:
    """The same as shell lines, the stack's own kubectl and helm first on PATH."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables(target).items()]
    if target.bin.is_dir():
        lines.append(f'export PATH={shlex.quote(str(target.bin))}:"$PATH"')
    return "\n".join(lines)
