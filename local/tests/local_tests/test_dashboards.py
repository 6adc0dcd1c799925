"""The server of the dashboards: a page, what it draws, and questions to Prometheus that only read."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from rooftree_local import dashboards, replays
from rooftree_local.stack import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FakePrometheus(BaseHTTPRequestHandler):
    """Answers with what it was asked, and refuses a query that is none."""

    def do_GET(self) -> None:
        refused = "query=%29" in self.path
        content = json.dumps({"status": "error", "error": "bad"} if refused else {"asked": self.path}).encode()
        self.send_response(400 if refused else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nobody reads it."""


def served(server: ThreadingHTTPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def prometheus() -> Iterator[str]:
    yield from served(ThreadingHTTPServer(("127.0.0.1", 0), FakePrometheus))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a built viewer."""
    built, generated = tmp_path / dashboards.BUILT, tmp_path / dashboards.GENERATED
    (built / "assets").mkdir(parents=True)
    generated.mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html>")
    (built / "assets" / "index.js").write_text("draw()")
    for name in ("kafka", "fleet", "tenant"):
        (generated / f"{name}.json").write_text(json.dumps({"uid": f"rooftree-{name}"}))
    (tmp_path / "secret").write_text("secret")
    return tmp_path


@pytest.fixture
def page(root: Path, prometheus: str) -> Iterator[str]:
    yield from served(dashboards.server(prometheus, 0, root))


def get(url: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def test_the_page_is_there_under_the_address_of_each_dashboard(page: str) -> None:
    for path in ("/", "/d/rooftree-tenant?var-tenant=acme-1"):
        assert get(f"{page}{path}") == (200, "text/html", "<!doctype html>")
    assert get(f"{page}/assets/index.js")[2] == "draw()"
    assert get(f"{page}/assets/other.js")[0] == 404


def test_nothing_outside_of_the_page_is_given_out(page: str) -> None:
    for path in ("/../../../secret", "/%2e%2e/%2e%2e/%2e%2e/secret", "/assets/../../../../secret"):
        assert get(f"{page}{path}")[0] == 404


def test_dashboards_are_offered_from_all_brokerages_to_the_parts_of_one(page: str) -> None:
    found = json.loads(get(f"{page}/dashboards.json")[2])
    assert [one["uid"] for one in found] == ["rooftree-fleet", "rooftree-tenant", "rooftree-kafka"]


def test_questions_go_to_prometheus_as_they_are_and_its_refusals_come_back(page: str) -> None:
    for question in ("query?query=up", "query_range?query=up&step=5", "label/tenant/values", "query_exemplars?query=x"):
        assert json.loads(get(f"{page}/api/v1/{question}")[2]) == {"asked": f"/api/v1/{question}"}
    assert get(f"{page}/api/v1/query?query=%29") == (400, "application/json", '{"status": "error", "error": "bad"}')


@pytest.mark.parametrize("path", ["admin/tsdb/snapshot", "status/config", "targets", "read"])
def test_what_the_viewer_does_not_ask_is_not_handed_on(page: str, path: str) -> None:
    assert get(f"{page}/api/v1/{path}")[0] == 404


def test_a_prometheus_that_is_away_is_told_as_such(root: Path) -> None:
    server = dashboards.server("http://127.0.0.1:9", 0, root)
    for page in served(server):
        status, _, content = get(f"{page}/api/v1/query?query=up")
        assert status == 502
        assert "Prometheus does not answer" in json.loads(content)["error"]


class FakeReplays(BaseHTTPRequestHandler):
    """Answers with what it was asked; of nobody it has nothing."""

    def do_GET(self) -> None:
        is_known = "tenant=acme" in self.path
        content = f"{self.path} {self.headers['Accept']}".encode()
        self.send_response(200 if is_known else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nobody reads it."""


def test_replays_are_answered_by_the_operators_page_whatever_it_says(root: Path) -> None:
    for behind in served(ThreadingHTTPServer(("127.0.0.1", 0), FakeReplays)):
        for page in served(dashboards.server("http://127.0.0.1:9", 0, root, replay=behind)):
            asked = urllib.request.Request(f"{page}/replay?tenant=acme&hours=2", headers={"Accept": "application/json"})
            with urllib.request.urlopen(asked, timeout=5) as answer:
                assert answer.read() == b"/?tenant=acme&hours=2 application/json"
                assert answer.headers.get_all("Content-Security-Policy") == ["default-src 'none'"]
            assert get(f"{page}/replay?tenant=x")[:2] == (404, "text/html; charset=utf-8")


def test_a_page_of_replays_that_is_away_is_told_as_such(root: Path) -> None:
    for page in served(dashboards.server("http://127.0.0.1:9", 0, root, replay="http://127.0.0.1:9")):
        status, _, content = get(f"{page}/replay?tenant=acme")
        assert (status, "The page of replays does not answer" in content) == (502, True)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def test_the_page_of_replays_runs_beside_the_dashboards_and_no_longer(root: Path, prometheus: str) -> None:
    port = free_port()
    with replays.running(prometheus, port) as behind:
        for page in served(dashboards.server(prometheus, 0, root, replay=behind)):
            status, kind, content = get(f"{page}/replay?tenant=acme-0a1b2c3d")
            assert (status, kind) == (502, "text/html; charset=utf-8")
            assert "Prometheus does not tell" in content
    with socket.socket() as door:
        assert door.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("listens", [False, True])
def test_a_port_that_somebody_has_is_told(prometheus: str, *, listens: bool) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        if listens:
            door.listen()
        port = door.getsockname()[1]
        with pytest.raises(CommandFailed, match=f"port {port}"), replays.running(prometheus, port):
            pass


def test_only_this_machine_reaches_it(root: Path) -> None:
    server = dashboards.server("http://127.0.0.1:9", 0, root)
    assert server.server_address[0] == "127.0.0.1"
    server.server_close()


def test_a_viewer_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(dashboards.NotBuilt, match="make dashboards-view"):
        dashboards.server("http://127.0.0.1:9", 0, tmp_path)
