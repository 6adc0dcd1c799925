"""A load's requests name the brokerage's host, keep no cookie, and count as unanswered when nobody answers."""

from __future__ import annotations

import aiohttp
import bench_edge
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer


async def test_a_request_names_its_host_and_brings_only_the_cookie_that_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = list[tuple[str, str]]()

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.host, request.headers.get("Cookie", "")))
        found = web.Response(status=418)
        found.set_cookie("kept", "1")
        return found

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        monkeypatch.setattr(bench_edge, "EDGE", str(server.make_url("")).rstrip("/"))
        edge = bench_edge.Edge(session)
        for _ in range(2):
            assert await edge.status("acme.rooftree.localhost", "/version", {"Cookie": "a=b"}) == 418
    assert seen == [("acme.rooftree.localhost:8443", "a=b")] * 2


async def test_no_answer_is_a_status_of_its_own(monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int) -> None:
    monkeypatch.setattr(bench_edge, "EDGE", f"http://127.0.0.1:{unused_tcp_port}")
    async with aiohttp.ClientSession() as session:
        assert await bench_edge.Edge(session).status("acme.rooftree.localhost", "/", {}) == 0
