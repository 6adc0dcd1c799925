"""What Prometheus collects from, as its HTTP service discovery wants it: Debian builds it without the Kubernetes one.

`python -m rooftree_local.pod_targets PORT API CA CERTIFICATE KEY` answers `GET /` on loopback with every running pod
that has a container port named `metrics`, asked afresh of the API server each time.
"""

from __future__ import annotations

import json
import ssl
import sys
import urllib.request
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PORT_NAME = "metrics"
TENANT_LABEL = "rooftree.dev/tenant"
JOB_LABEL = "app.kubernetes.io/name"
MONOLITH = "app"  # what pods with all modules are named; others have their module's name
TIMEOUT = 5  # seconds


def targets(pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A group with one address for each such port, with the labels that all its series get."""
    return [
        {"targets": [f"{pod['status']['podIP']}:{port['containerPort']}"], "labels": _labels(pod["metadata"])}
        for pod in pods
        if pod["status"].get("phase") == "Running" and pod["status"].get("podIP")
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
        if port.get("name") == PORT_NAME
    ]


def _labels(metadata: dict[str, Any]) -> dict[str, str]:
    labels = metadata.get("labels", {})
    found = {"namespace": metadata["namespace"], "pod": metadata["name"]}
    name = labels.get(JOB_LABEL)
    found |= {"job": name} if name else {}
    if TENANT_LABEL in labels:
        found["tenant"] = labels[TENANT_LABEL]
        found |= {"module": name} if name and name != MONOLITH else {}
    return found


def pods(api: str, tls: ssl.SSLContext) -> list[dict[str, Any]]:
    """All running pods of the cluster."""
    address = f"{api}/api/v1/pods?fieldSelector=status.phase%3DRunning"
    with urllib.request.urlopen(address, timeout=TIMEOUT, context=tls) as response:  # noqa: S310 - our own address
        return json.load(response)["items"]


class Page(BaseHTTPRequestHandler):
    """The one answer."""

    def __init__(self, ask: Callable[[], list[dict[str, Any]]], *request: Any) -> None:
        self.ask = ask
        super().__init__(*request)

    def do_GET(self) -> None:
        try:
            status, content = 200, json.dumps(targets(self.ask())).encode()
        except OSError as error:
            # Prometheus keeps the targets that it knows.
            status, content = 503, str(error).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Only errors are worth a line: this is asked every few seconds."""
        if str(code) != "200":
            super().log_request(code, size)


def main() -> None:
    """Entry: reads the command line."""
    port, api, authority, certificate, key = sys.argv[1:6]
    tls = ssl.create_default_context(cafile=authority)
    tls.load_cert_chain(certificate, key)
    ThreadingHTTPServer(("127.0.0.1", int(port)), partial(Page, partial(pods, api, tls))).serve_forever()


if __name__ == "__main__":
    main()
