"""The page for hosts that belong to no brokerage."""

import http.client
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from rooftree_operator.unknown_host import HEADERS, Handler, page


def test_the_host_is_shown_as_text_and_never_as_markup() -> None:
    shown = page('"><script>alert(1)</script>').decode()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_the_page_needs_nothing_that_its_own_policy_forbids() -> None:
    shown = page("x.example").decode()
    assert not any(tag in shown for tag in ("<script", "<style", "<link", "style=", "<img"))
    assert HEADERS["Content-Security-Policy"].startswith("default-src 'none'")


def test_without_a_host_it_still_makes_sense() -> None:
    assert "There is no brokerage at <strong>this address</strong>" in page("").decode()


@pytest.fixture
def address(socket_enabled: None) -> Iterator[tuple[str, int]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield "127.0.0.1", server.server_port
        server.shutdown()
        thread.join()


def test_every_method_is_answered_with_404_and_tells_no_versions(address: tuple[str, int]) -> None:
    for method in ("GET", "POST", "DELETE"):
        connection = http.client.HTTPConnection(*address, timeout=5)
        connection.request(method, "/anything", headers={"Host": "nobody.example"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Server"]) == (404, "rooftree")
        assert b"nobody.example" in answer.read()
        connection.close()


def test_only_the_kubelets_question_is_answered_with_200(address: tuple[str, int]) -> None:
    for headers, status in (({}, 200), ({"X-Forwarded-Host": "nobody.example"}, 404)):
        connection = http.client.HTTPConnection(*address, timeout=5)
        connection.request("GET", "/livez", headers=headers)
        assert connection.getresponse().status == status
        connection.close()
