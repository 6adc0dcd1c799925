"""What every request meets around its route: host, origin, size, headers, the shape of errors. No database."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
from rooftree.kernel.middleware import MAX_BODY
from rooftree.openapi import DEFAULT_FOLDER, MERGED

from .conftest import Browser, Tenant

ORIGIN = "https://acme.rooftree.localhost:8443"


@pytest.fixture
async def anybody(start: Any, tenant: Tenant) -> Browser:
    opened: Browser = await start(tenant)
    return opened


async def raw(
    browser: Browser,
    *headers: tuple[bytes, bytes],
    method: str = "GET",
    path: str = "/api/v1/tenant",
    body: bytes = b"",
) -> tuple[int, dict[str, str], bytes]:
    """Send exactly these headers, which clients would tidy up."""
    sent: list[Any] = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "client": ("10.0.0.9", 1),
        "server": ("10.0.0.1", 8080),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await browser.app(scope, receive, send)
    answer = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answer, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["acme.rooftree.localhost:8443"], 200),
        (["acme.rooftree.localhost"], 200),
        (["ACME.Rooftree.localhost:8443"], 200),
        (["acme.rooftree.localhost."], 421),
        (["acme.rooftree.localhost.:8443"], 421),
        (["acme.rooftree.localhost:443"], 421),
        (["acme.rooftree.localhost:8443:8443"], 421),
        (["birch.rooftree.localhost:8443"], 421),
        (["acme.rooftree.localhost:8443", "acme.rooftree.localhost:8443"], 421),
        (["acme.rooftree.localhost:8443", "evil.test"], 421),
        (["acme.rooftree.localhost:8443, evil.test"], 421),
        (["acme.rooftree.localhost:8443/evil"], 421),
        (["evil.test/acme.rooftree.localhost:8443"], 421),
        (["x@acme.rooftree.localhost:8443"], 421),
        (["acme.rooftree.localhost:8443\r\nx: y"], 421),
        (["xn--acme.rooftree.localhost:8443"], 421),
        (["acme\u00ad.rooftree.localhost:8443"], 421),
        ([" acme.rooftree.localhost:8443"], 421),
        (["10.0.0.1:8080"], 421),
        ([""], 421),
        ([], 421),
    ],
)
async def test_tenant_follows_from_one_exact_host(anybody: Browser, hosts: list[str], status: int) -> None:
    answered, _, body = await raw(anybody, *((b"host", host.encode("utf-8")) for host in hosts))
    assert answered == status
    if status == 421:
        assert json.loads(body)["type"] == "https://rooftree.dev/problems/misdirected-request"


@pytest.mark.parametrize("header", [b"x-forwarded-host", b"forwarded", b"x-host", b"x-original-host", b"x-rewrite-url"])
async def test_forwarded_hosts_are_never_believed(anybody: Browser, header: bytes) -> None:
    own, foreign = b"acme.rooftree.localhost:8443", b"evil.test"
    assert (await raw(anybody, (b"host", own), (header, foreign)))[0] == 200
    assert (await raw(anybody, (b"host", foreign), (header, own)))[0] == 421
    _, headers, body = await raw(anybody, (b"host", own), (header, foreign), path="/auth/login")
    assert b"evil.test" not in body
    assert "evil.test" not in headers["location"]


async def test_absolute_request_target_is_refused(anybody: Browser) -> None:
    status, _, _ = await raw(anybody, (b"host", b"acme.rooftree.localhost"), path="http://evil.test/api/v1/tenant")
    assert status == 400


async def test_probes_need_no_host_but_version_does(anybody: Browser) -> None:
    assert (await raw(anybody, path="/livez"))[0] == 200
    assert (await raw(anybody, path="/startupz"))[0] == 200
    assert (await raw(anybody, path="/version"))[0] == 421
    assert (await anybody.get("/version")).json() == {"version": "0.1.0-dev.test", "tenant_id": "acme-0a1b2c3d"}


async def test_not_ready_without_its_database_and_alive_all_the_same(anybody: Browser) -> None:
    answer = await anybody.get("/readyz")
    assert (answer.status_code, answer.json()["type"]) == (503, "https://rooftree.dev/problems/unavailable")
    assert (await anybody.get("/livez")).status_code == 200


SESSION = "__Host-session=abc"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ORIGIN}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "Cookie": SESSION}, 200),
        ({}, 200),
        ({"Cookie": SESSION}, 403),
        ({"Cookie": "a=b; " + SESSION}, 403),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "https://birch.rooftree.localhost:8443"}, 403),
        ({"Origin": "https://acme.rooftree.localhost"}, 403),
        ({"Origin": "http://acme.rooftree.localhost:8443"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ORIGIN + ".evil.test"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Cookie": SESSION, "Referer": ORIGIN + "/"}, 403),
    ],
)
async def test_state_changes_come_from_this_site(anybody: Browser, headers: dict[str, str], status: int) -> None:
    for name in ("Origin", "Sec-Fetch-Site"):
        del anybody.headers[name]
    answer = await anybody.post("/probe/echo", json={"count": 1}, headers=headers)
    assert answer.status_code == status
    assert (await anybody.get("/api/v1/tenant", headers=headers)).status_code == 200


async def test_announced_or_not_large_bodies_are_refused(anybody: Browser) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(MAX_BODY // 1024 + 2):
            yield b" " * 1024

    announced = await anybody.post("/probe/echo", content=b" " * (MAX_BODY + 1))
    streamed = await anybody.post("/probe/echo", content=endless(), headers={"Content-Type": "application/json"})
    for answer in (announced, streamed):
        assert answer.status_code == 413
        assert answer.json()["type"] == "https://rooftree.dev/problems/payload-too-large"


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "/api/v1/nothing", {}, 404, "not-found"),
        ("POST", "/api/v1/nothing", {}, 404, "not-found"),
        ("GET", "/api/v1/tenant/", {}, 404, "not-found"),
        ("DELETE", "/api/v1/tenant", {}, 405, "method-not-allowed"),
        ("GET", "/auth/logout", {}, 405, "method-not-allowed"),
        ("GET", "/api/v1/session", {}, 401, "unauthenticated"),
        ("GET", "/probe/whoami", {}, 401, "unauthenticated"),
        ("POST", "/probe/echo", {"json": {"count": "x"}}, 422, "unprocessable"),
        ("POST", "/probe/echo", {}, 422, "unprocessable"),
        ("POST", "/probe/echo", {"content": "{", "headers": JSON}, 400, "bad-request"),
        ("POST", "/probe/echo", {"content": b"\xff\xfe", "headers": JSON}, 400, "bad-request"),
        ("POST", "/probe/echo", {"content": "[" * 100_000, "headers": JSON}, 400, "bad-request"),
        ("GET", "/probe/bug", {}, 500, "internal-error"),
        ("POST", "/auth/logout", {"headers": {"Origin": "https://evil.test"}}, 403, "forbidden"),
        ("GET", "/oauth/authorize", {}, 400, "bad-request"),
        ("GET", "/api/v1/invitations/nonsense", {}, 404, "invitation-not-found"),
    ],
)
async def test_every_refusal_is_a_problem(
    anybody: Browser, method: str, path: str, options: dict[str, Any], status: int, code: str
) -> None:
    answer = await anybody.request(method, path, **options)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert problem["type"] == f"https://rooftree.dev/problems/{code}"
    assert (problem["status"], problem["instance"]) == (status, f"urn:uuid:{problem['request_id']}")
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "canary-in-a-bug" not in answer.text
    assert ("allow" in answer.headers) == (status == 405)


async def test_invalid_fields_are_pointed_at(anybody: Browser) -> None:
    answer = await anybody.post("/probe/echo?limit=x", json={"count": "x"})
    assert {error["pointer"] for error in answer.json()["errors"]} == {"?limit", "/count"}


@pytest.mark.parametrize("path", ["/api/v1/tenant", "/api/v1/nothing", "/", "/assets/main-1a2b.js", "/probe/bug"])
async def test_security_headers_are_on_every_answer(anybody: Browser, path: str) -> None:
    headers = (await anybody.get(path, headers={"Accept": "text/html"})).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["worker-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["strict-transport-security"].startswith("max-age=31536000")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in headers


@pytest.mark.parametrize(
    ("path", "accept", "status", "cache"),
    [
        ("/", "text/html", 200, "no-cache"),
        ("/listings/42", "text/html,*/*", 200, "no-cache"),
        ("/invite/abc", "text/html", 200, "no-cache"),
        ("/assets/main-1a2b.js", "*/*", 200, "public, max-age=31536000, immutable"),
        ("/theme.js", "*/*", 200, "no-cache"),
        ("/listings/42", "application/json", 404, "no-store"),
        ("/assets/gone.js", "text/html", 404, "no-store"),
        ("/api/nothing", "text/html", 404, "no-store"),
        ("/oauth/nothing", "text/html", 404, "no-store"),
        ("/../conftest.py", "*/*", 404, "no-store"),
        ("/%2e%2e/%2e%2e/etc/passwd", "*/*", 404, "no-store"),
        ("/assets//etc/passwd", "*/*", 404, "no-store"),
    ],
)
async def test_web_app_is_served_for_pages_and_nothing_else(
    anybody: Browser, path: str, accept: str, status: int, cache: str
) -> None:
    answer = await anybody.get(httpx2.URL(ORIGIN + path), headers={"Accept": accept})
    assert (answer.status_code, answer.headers["cache-control"]) == (status, cache)


async def test_request_that_needs_the_missing_database_may_try_again(anybody: Browser) -> None:
    answer = await anybody.get("/api/v1/session", headers={"Cookie": "__Host-session=" + "a" * 43})
    assert (answer.status_code, answer.json()["type"]) == (503, "https://rooftree.dev/problems/unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_api_description_is_the_committed_one(anybody: Browser) -> None:
    committed = (DEFAULT_FOLDER / MERGED).read_bytes()
    assert (await anybody.get("/openapi.json")).content == committed


async def test_tenant_is_described_to_anybody(anybody: Browser) -> None:
    assert (await anybody.get("/api/v1/tenant")).json() == {
        "slug": "acme",
        "display_name": "Acme Realty",
        "time_zone": "America/Chicago",
        "currency": "USD",
    }
