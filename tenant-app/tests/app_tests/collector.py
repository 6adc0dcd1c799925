"""A trace collector in the test's process: takes OTLP over HTTP as the real one does and keeps the spans."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")


@dataclass(frozen=True)
class ReceivedSpan:
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    links: list[str]
    failed: bool
    resource: dict[str, Any]


@dataclass
class Collector:
    url: str
    raw: list[bytes] = field(default_factory=list)
    spans: list[ReceivedSpan] = field(default_factory=list)

    def add(self, body: bytes) -> None:
        message = ExportTraceServiceRequest.FromString(body)
        for resource in message.resource_spans:
            about = _plain(resource.resource.attributes)
            for scope in resource.scope_spans:
                self.spans += [_received(item, about) for item in scope.spans]
        self.raw.append(body)

    def named(self, name: str) -> list[ReceivedSpan]:
        return [item for item in self.spans if item.name == name]

    def wait_for(self, name: str, count: int = 1) -> list[ReceivedSpan]:
        """Spans of this name, when there are so many of them."""
        deadline = time.monotonic() + 10
        while len(found := self.named(name)) < count:
            names = sorted({item.name for item in self.spans})
            assert time.monotonic() < deadline, f"no span {name} among {names}"
            time.sleep(0.02)
        return found


def _received(item: Any, resource: dict[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        name=item.name,
        kind=KINDS[item.kind],
        trace_id=item.trace_id.hex(),
        span_id=item.span_id.hex(),
        parent_id=item.parent_span_id.hex(),
        attributes=_plain(item.attributes),
        links=[link.trace_id.hex() for link in item.links],
        failed=item.status.code == 2,
        resource=resource,
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}


@contextmanager
def collecting(*, status: int = 200, port: int = 0) -> Iterator[Collector]:
    """Runs until the block ends; `status` is its answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if status == 200:
                assert self.path == "/v1/traces"
                collector.add(body)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
