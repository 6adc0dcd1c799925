"""The server of the dashboards: a page, what it draws, and questions to Prometheus that only read."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from rooftree_local import dashboards

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


def test_only_this_machine_reaches_it(root: Path) -> None:
    server = dashboards.server("http://127.0.0.1:9", 0, root)
    assert server.server_address[0] == "127.0.0.1"
    server.server_close()


def test_a_viewer_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(dashboards.NotBuilt, match="make dashboards-view"):
        dashboards.server("http://127.0.0.1:9", 0, tmp_path)
