"""Who answers on a tenant's host, as the operator understands it."""

import json
from typing import Any

import httpx2
import pytest
from rooftree_operator import host_pages
from rooftree_operator.activator import answers, visitors
from rooftree_operator.adapters.edge import Answer, Edge, understood
from rooftree_operator.host_pages import Suspension, headers_of

URL = "https://acme.example/version"
APP = {"tenant_id": "acme-0a1b2c3d", "version": "1.0.0"}


def answered(status: int, body: Any) -> httpx2.Response:
    return httpx2.Response(status, content=body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, APP, Answer("", "acme-0a1b2c3d", "1.0.0")),
        (503, APP, Answer(f"{URL} answers 503")),
        (200, {"version": "1.0.0"}, Answer(f"{URL} is not answered by a tenant app")),
        (200, b"<html>", Answer(f"{URL} is not answered by a tenant app")),
        (200, [], Answer(f"{URL} is not answered by a tenant app")),
        (404, b"<html>", Answer(f"{URL} answers 404")),
        (502, b"\xff", Answer(f"{URL} answers 502")),
        (503, {"type": "https://rooftree.dev/problems/unavailable"}, Answer(f"{URL} answers 503")),
    ],
)
def test_an_app_is_told_from_everything_else(status: int, body: Any, expected: Answer) -> None:
    assert understood(URL, answered(status, body)) == expected


@pytest.mark.parametrize("reason", sorted(host_pages.SENTENCES))
async def test_the_page_of_a_suspended_brokerage_is_recognised_by_what_it_answers(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edge_and_page(request: httpx2.Request) -> httpx2.Response:
        sent = {"Accept": request.headers["accept"], **headers_of(Suspension(reason, "Acme"))}
        given = host_pages.reply(request.url.path, sent)
        return httpx2.Response(given.status, content=given.body, headers=dict(given.headers))

    edge = Edge("edge.example:8443", _any_authority(monkeypatch))
    edge._client = httpx2.AsyncClient(transport=httpx2.MockTransport(edge_and_page))
    assert await edge.version("acme.example", 8443) == Answer("", suspended=True)
    await edge.close()


async def test_the_activator_of_one_that_is_asleep_is_recognised_and_the_question_wakes_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def edge_and_activator(request: httpx2.Request) -> httpx2.Response:
        assert not visitors.wakes(request.headers["user-agent"])
        given = answers.reply(answers.ASLEEP, request.method, request.headers["accept"])
        return httpx2.Response(given.status, content=given.body, headers=dict(given.headers))

    edge = Edge("edge.example:8443", _any_authority(monkeypatch))
    edge._client = httpx2.AsyncClient(transport=httpx2.MockTransport(edge_and_activator))
    assert await edge.version("acme.example", 8443) == Answer("", asleep=True)
    await edge.close()


def _any_authority(monkeypatch: pytest.MonkeyPatch) -> str:
    """The connection is a fake one; so no certificate is looked at."""
    monkeypatch.setattr("ssl.create_default_context", lambda cafile: True)
    return "ca.crt"
