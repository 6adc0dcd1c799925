"""The dashboards in a browser without Grafana: the viewer's page, what it draws, and the stack's Prometheus behind it.

`rooftree-local dashboards` listens on loopback of this machine and asks Prometheus inside the stack, for reading only.
Links of dashboards to replays are answered by the operator's page for them, which `replays` runs.
"""

from __future__ import annotations

import json
import mimetypes
import urllib.error
import urllib.request
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rooftree_local import paths

if TYPE_CHECKING:
    from http.client import HTTPResponse
    from pathlib import Path

PORT = 8026
GENERATED = "observability/dashboards/generated"
BUILT = "frontend/viewer/dist"
API = "/api/v1/"
REPLAY = "/replay"
# What the viewer asks; everything else of Prometheus' API, also what changes something, is not handed on.
QUESTIONS = ("query", "query_range", "query_exemplars", "label/")
# From all brokerages to one, then its parts; what is not named here comes last.
ORDER = ("fleet", "slo", "tenant", "api", "scaling", "capacity")
TIMEOUT = 30  # seconds
REPLAY_TIMEOUT = 60
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:"


class NotBuilt(Exception):
    """The viewer has to be built first."""


def boards(folder: Path) -> list[dict[str, Any]]:
    """All dashboards, in the order in which they are offered."""
    rank = {name: number for number, name in enumerate(ORDER)}
    files = sorted(folder.glob("*.json"), key=lambda file: (rank.get(file.stem, len(rank)), file.stem))
    return [json.loads(file.read_text()) for file in files]


class Page(BaseHTTPRequestHandler):
    """Answers with files of `built`, the dashboards of `generated`, and what the URLs `prometheus` and `replay` say."""

    def __init__(self, built: Path, generated: Path, prometheus: str, replay: str, *request: Any) -> None:
        self.built, self.generated, self.prometheus, self.replay = built, generated, prometheus, replay
        super().__init__(*request)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith(API):
            self._hand_on(path.removeprefix(API))
        elif path == REPLAY:
            self._replayed()
        elif path == "/dashboards.json":
            self._answer(200, "application/json", json.dumps(boards(self.generated)).encode())
        else:
            self._file(path)

    def _hand_on(self, question: str) -> None:
        if not question.startswith(QUESTIONS):
            self._answer(404, "application/json", b'{"status": "error", "error": "this is not asked here"}')
            return
        try:
            with urllib.request.urlopen(self.prometheus + self.path, timeout=TIMEOUT) as answer:  # noqa: S310 - our own
                self._answer(answer.status, "application/json", answer.read())
        except urllib.error.HTTPError as refusal:
            self._answer(refusal.code, "application/json", refusal.read())
        except OSError as error:
            problem = {"status": "error", "error": f"Prometheus does not answer: {error}"}
            self._answer(502, "application/json", json.dumps(problem).encode())

    def _replayed(self) -> None:
        """As the operator's page has it: its errors are pages, too."""
        address = f"{self.replay}/?{urlsplit(self.path).query}"
        asked = urllib.request.Request(address, headers={"Accept": self.headers.get("Accept", "")})  # noqa: S310
        try:
            with urllib.request.urlopen(asked, timeout=REPLAY_TIMEOUT) as answer:  # noqa: S310 - our own
                self._copy(answer.status, answer)
        except urllib.error.HTTPError as refusal:
            self._copy(refusal.code, refusal)
        except OSError as error:
            self._answer(502, "text/plain", f"The page of replays does not answer: {error}\n".encode())

    def _copy(self, status: int, answer: HTTPResponse | urllib.error.HTTPError) -> None:
        policy = answer.headers["Content-Security-Policy"]
        self._answer(status, answer.headers["Content-Type"], answer.read(), policy)

    def _file(self, path: str) -> None:
        """A file of the page; of an address of a dashboard, the page itself."""
        file = (self.built / path.lstrip("/")).resolve()
        if path == "/" or path.startswith("/d/"):
            file = self.built / "index.html"
        if not file.is_file() or not file.is_relative_to(self.built.resolve()):
            self._answer(404, "text/plain", b"There is no such page.\n")
            return
        self._answer(200, mimetypes.guess_type(file.name)[0] or "application/octet-stream", file.read_bytes())

    def _answer(self, status: int, kind: str, content: bytes, policy: str = POLICY) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Only errors are worth a line: a page asks dozens of questions each half minute."""
        if str(code)[0] not in "23":
            super().log_request(code, size)


def server(prometheus: str, port: int = PORT, root: Path | None = None, *, replay: str = "") -> ThreadingHTTPServer:
    """Listens on loopback already; asks nothing before it is asked itself. Raises `NotBuilt`, `OSError`."""
    root = root or paths.repository()
    if not (root / BUILT / "index.html").is_file():
        raise NotBuilt("the viewer is not built yet; `make dashboards-view` builds it")
    page = partial(Page, root / BUILT, root / GENERATED, prometheus, replay)
    return ThreadingHTTPServer(("127.0.0.1", port), page)
