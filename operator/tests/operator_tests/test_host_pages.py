"""The pages that the edge shows where no app answers."""

import base64
import hashlib
import http.client
import json
import re
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator import host_pages
from rooftree_operator.api.brokerage import SuspensionReason
from rooftree_operator.host_pages import HEADERS, Handler, Suspension, headers_of, prefers_json, suspension_of, unknown

PROBLEMS = Path(__file__).parents[3] / "docs" / "problems"
TOLD = Suspension("billing", "Müller & <b>Söhne</b>", "Back on Monday\n<script>alert(1)</script>")
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

Address = tuple[str, int]


def test_the_host_is_shown_as_text_and_never_as_markup() -> None:
    shown = unknown('"><script>alert(1)</script>').decode()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_without_a_host_it_still_makes_sense() -> None:
    assert "There is no brokerage at <strong>this address</strong>" in unknown("").decode()


@pytest.mark.parametrize("shown", [unknown("x.example"), host_pages.suspended(TOLD)], ids=["unknown", "suspended"])
def test_a_page_needs_nothing_that_its_own_policy_forbids(shown: bytes) -> None:
    page, policy = shown.decode(), HEADERS["Content-Security-Policy"]
    assert not any(tag in page for tag in ("<script", "<link", "style=", "<img", "@import", "url("))
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy


def test_a_page_has_a_language_is_kept_out_of_indices_and_follows_the_visitors_theme_and_width() -> None:
    page = host_pages.suspended(TOLD).decode()
    assert '<html lang="en">' in page
    assert '<meta name="robots" content="noindex">' in page
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert "color-scheme:light dark" in page
    assert "@media (prefers-color-scheme:dark)" in page
    # Nothing has a least width, and long words break: it fits 320 px.
    assert "overflow-wrap:anywhere" in page
    assert not re.search(r"min-width|[^-]width:\d", page)


def test_name_and_message_are_shown_as_text_and_never_as_markup() -> None:
    page = host_pages.suspended(TOLD).decode()
    assert "<h1>Müller &amp; &lt;b&gt;Söhne&lt;/b&gt;</h1>" in page
    assert "<blockquote>Back on Monday\n&lt;script&gt;alert(1)&lt;/script&gt;</blockquote>" in page
    assert "<script>" not in page


def test_without_a_message_there_is_no_empty_place_for_one() -> None:
    assert "blockquote>" not in host_pages.suspended(Suspension("idle", "Acme")).decode()


def test_every_reason_that_can_be_declared_has_a_sentence_and_none_blames_in_public() -> None:
    assert set(host_pages.SENTENCES) == {reason.value for reason in SuspensionReason}
    for sentence in host_pages.SENTENCES.values():
        assert not re.search(r"paid|pay|owe|debt|invoice|bill", sentence, re.I)


@given(st.text(min_size=1, max_size=120), st.text(max_size=300))
def test_what_is_told_arrives_by_headers_that_the_edge_can_hold(name: str, message: str) -> None:
    told = Suspension("manual", name.encode(errors="ignore").decode(), message.encode(errors="ignore").decode())
    sent = headers_of(told)
    assert all(re.fullmatch(r"[A-Za-z0-9_.~%-]{1,4096}", value) for value in sent.values())
    assert suspension_of(sent) == told


def test_a_reason_that_nobody_declares_is_no_suspension() -> None:
    assert suspension_of({host_pages.HEADER_REASON: "anything"}) is None
    assert suspension_of({}) is None


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        (BROWSER, False),
        ("application/json", True),
        ("application/problem+json", True),
        ("application/json, */*", True),
        ("Application/JSON;q=0.5, text/html;q=0.4", True),
        ("application/json;q=0.5, text/html", False),
        ("application/json;q=0, text/plain", False),
        ("application/json;q=many", False),
        ("text/html, application/json", False),
    ],
)
def test_who_prefers_json_gets_it(accept: str, expected: bool) -> None:
    assert prefers_json(accept) is expected


def test_the_problem_has_a_page_that_says_what_it_is() -> None:
    code = host_pages.PROBLEM.rpartition("/")[2]
    page = (PROBLEMS / f"{code}.md").read_text()
    assert page.startswith(f"# {host_pages.PROBLEM_TITLE}\n`{host_pages.PROBLEM}`, status 402 or 503.\n")
    row = f"| [{code}]({code}.md) | 402 or 503 | {host_pages.PROBLEM_TITLE} |"
    assert row in (PROBLEMS / "README.md").read_text()


@pytest.fixture
def address(socket_enabled: None) -> Iterator[Address]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield "127.0.0.1", server.server_port
        server.shutdown()
        thread.join()


def ask(
    address: Address, method: str, path: str, headers: dict[str, str]
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Status, headers and body of the answer."""
    connection = http.client.HTTPConnection(*address, timeout=5)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


def test_every_method_is_answered_with_404_and_tells_no_versions(address: Address) -> None:
    for method in ("GET", "POST", "DELETE"):
        status, headers, body = ask(address, method, "/anything", {"Host": "nobody.example"})
        assert (status, headers["Server"]) == (404, "rooftree")
        assert b"nobody.example" in body


def test_only_the_kubelets_question_is_answered_with_200(address: Address) -> None:
    suspended = headers_of(TOLD)
    for headers, status in (
        ({}, 200),
        ({"X-Forwarded-Host": "nobody.example"}, 404),
        ({"X-Forwarded-Host": "acme.example", **suspended}, 402),
    ):
        assert ask(address, "GET", "/livez", headers)[0] == status


@pytest.mark.parametrize(
    ("reason", "status", "retry"), [("billing", 402, None), ("idle", 503, "3600"), ("manual", 503, "3600")]
)
def test_a_suspended_host_is_answered_by_its_reason_with_the_page_or_the_problem(
    address: Address, reason: str, status: int, retry: str | None
) -> None:
    told = headers_of(Suspension(reason, "Acme Größe", "Call us: 555"))
    for method in ("GET", "POST"):
        seen, headers, body = ask(
            address, method, "/api/v1/people", {"Host": "acme.example", "Accept": BROWSER, **told}
        )
        assert (seen, headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert (headers["Retry-After"], headers["Vary"], headers["X-Robots-Tag"]) == (retry, "Accept", "noindex")
        assert "<h1>Acme Größe</h1>" in body.decode()
        assert host_pages.SENTENCES[reason].split(".")[0].partition("'")[0] in body.decode()
        seen, headers, body = ask(address, method, "/api/v1/people", {"Accept": "application/json", **told})
        assert (seen, headers["Content-Type"], headers["Retry-After"]) == (status, "application/problem+json", retry)
        assert headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]
        assert json.loads(body) == {
            "type": "https://rooftree.dev/problems/suspended",
            "title": "This brokerage is suspended",
            "status": status,
            "detail": host_pages.SENTENCES[reason],
            "brokerage": "Acme Größe",
            "message": "Call us: 555",
        }


def test_a_question_for_headers_only_gets_no_body(address: Address) -> None:
    status, headers, body = ask(address, "HEAD", "/", headers_of(TOLD))
    assert (status, body) == (402, b"")
    assert int(headers["Content-Length"]) > 0
