"""What stands beside the backends: mail, objects, traces. Their processes and what these read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rooftree_local import paths
from rooftree_local.addresses import (
    MAIL_PAGE_PORT,
    NODE_IP,
    OTLP_PORT,
    S3_PORT,
    SMTP_PORT,
    SPAN_METRICS_PORT,
    STATE,
    TRACES_PORT,
)
from rooftree_local.components import PKI, Component
from rooftree_local.paths import generated
from rooftree_local.users import as_user, furnish

if TYPE_CHECKING:
    from rooftree_local.paths import Stack

S3_USER = "rooftree-admin"
S3_REGION = "us-east-1"
S3_URL = f"https://{NODE_IP}:{S3_PORT}"
OTLP_URL = f"http://{NODE_IP}:{OTLP_PORT}"
TRACES_URL = f"http://{NODE_IP}:{TRACES_PORT}"
SPAN_METRICS_URL = f"http://{NODE_IP}:{SPAN_METRICS_PORT}/metrics"
MAIL_URL = f"http://{NODE_IP}:{MAIL_PAGE_PORT}"
# Read in this order; the ports are theirs.
COLLECTOR = "observability/collector"
COLLECTOR_FILES = ("spans.yaml", "jaeger.yaml")
# All traces are kept, and soon, for people and tests who look for what they just did.
COLLECTOR_SETTINGS = {
    "COLLECTOR_HOST": NODE_IP,
    "COLLECTOR_KEPT_PERCENT": "100",
    "COLLECTOR_DECISION_WAIT": "1s",
}
# The keys come from a file, so that no list of processes and no component's description holds them.
S3_START = f'. {STATE}/s3/credentials && exec "$0" "$@"'
S3_FLAGS = (
    f"--port={NODE_IP}:{S3_PORT}",
    f"--cert={STATE}/s3/server.crt",
    f"--key={STATE}/s3/server.key",
    "--health=/health",
    "--quiet",
    "--keep-alive",
    # Users beside the administrator, looked up in each request: a cached one could outlive its deletion.
    f"--iam-dir={STATE}/s3/users",
    "--iam-cache-disable",
    # Policies alone say who may do what.
    "--noacl",
    "posix",
    f"{STATE}/s3/buckets",
)


def components(tools: dict[str, str]) -> list[Component]:
    """The processes; `tools` maps a tool's name to its path inside the stack."""
    sink = (tools["python"], "-m", "rooftree_local.mail_sink", NODE_IP, str(SMTP_PORT), str(MAIL_PAGE_PORT))
    return [
        Component("mail", (*sink, f"{PKI}/mail.crt", f"{PKI}/mail.key"), ready=f"{MAIL_URL}/health"),
        Component(
            "s3",
            (*as_user("s3"), "sh", "-c", S3_START, tools["versitygw"], *S3_FLAGS),
            ready=f"{S3_URL}/health",
        ),
        Component(
            "jaeger",
            (*as_user("jaeger"), tools["jaeger"], *(f"--config={STATE}/jaeger/{name}" for name in COLLECTOR_FILES)),
            ready="http://127.0.0.1:13133/status",
            env=COLLECTOR_SETTINGS,
        ),
    ]


def s3_secret(target: Stack) -> str:
    """The secret key of the object store's administrator, generated when first asked for."""
    return generated(target.secret_file("s3-admin"))


def write_files(target: Stack) -> None:
    """What the processes read."""
    keys = f"export ROOT_ACCESS_KEY='{S3_USER}' ROOT_SECRET_KEY='{s3_secret(target)}'\n"
    certificate = {f"server.{part}": (target.pki / f"s3.{part}").read_text() for part in ("crt", "key")}
    furnish("s3", target.state / "s3", {"credentials": keys, **certificate, "buckets/.keep": "", "users/.keep": ""})
    folder = paths.repository() / COLLECTOR
    furnish("jaeger", target.state / "jaeger", {name: (folder / name).read_text() for name in COLLECTOR_FILES})
