"""Logs hold what helps to find a fault and nothing that belongs to a person or opens a door."""

import json
import logging
from typing import Any

import pytest
from rooftree.kernel import logs

from .conftest import EMAIL, PASSWORD, Browser, Tenant, identity_of, logging_given_back, query


@pytest.fixture(autouse=True)
def own_logging_back() -> Any:
    with logging_given_back():
        yield


def log_as_in_production(level: str = "DEBUG") -> None:
    logs.configure(level, tenant_id="acme-0a1b2c3d")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def test_request_is_one_line_with_its_ids(start: Any, tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    browser: Browser = await start(tenant)
    log_as_in_production("INFO")
    stranger = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await browser.get(
        "/api/v1/invitations/secret-of-a-link", headers={"traceparent": f"00-{stranger}-00f067aa0ba902b7-01"}
    )
    (line,) = [line for line in lines(capsys) if line["message"] == "request"]
    assert line["route"] == "/api/v1/invitations/{token}"
    assert (line["status"], line["method"], line["tenant_id"]) == (404, "GET", "acme-0a1b2c3d")
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["trace_id"] == line["request_id"].replace("-", "")
    assert len(line["span_id"]) == 16


async def test_bug_is_logged_with_its_place_and_the_request(
    start: Any, tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    log_as_in_production()
    browser: Browser = await start(tenant)
    answer = await browser.get("/probe/bug")
    (line,) = [line for line in lines(capsys) if line["message"] == "unhandled_error"]
    assert line["exception"]["type"] == "builtins.RuntimeError"
    assert any(frame.endswith(" bug") for frame in line["exception"]["frames"])
    assert line["request_id"] == answer.headers["x-request-id"] == answer.json()["request_id"]
    assert line["trace_id"] == line["request_id"].replace("-", "")


@pytest.mark.integration
async def test_no_secret_reaches_the_log_however_things_go(
    browser: Browser, stored_tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    log_as_in_production()
    link = (await identity_of(browser.app).owner_link()).url
    token = link.rpartition("/")[2]
    await browser.get(f"/api/v1/invitations/{token}")
    await browser.get(f"/invite/{token}", headers={"Accept": "text/html"})
    await browser.accept_owner()
    request = await browser.start_sign_in()
    await browser.submit(request, password="canary-wrong-password")
    await browser.post("/oauth/sign-in", json={"request": request, "email": EMAIL, "password": 1})
    callback = (await browser.submit(request)).json()["redirect_to"]
    browser.cookies.clear()
    request = await browser.start_sign_in()
    callback = (await browser.submit(request)).json()["redirect_to"]
    await browser.get(callback)
    session = browser.cookies["__Host-session"]
    await browser.get("/api/v1/session")
    await browser.get("/probe/whoami", headers={"Authorization": "Bearer canary-bearer"})
    await browser.post(
        "/oauth/token", data={"client_id": "web", "grant_type": "refresh_token", "refresh_token": "canary-r"}
    )
    await browser.post("/auth/logout")

    log = capsys.readouterr().out
    assert log.count('"message": "request"') >= 10
    secrets = [PASSWORD, EMAIL, "Olivia", token, query(callback)["code"], session, request, "canary"]
    secrets += [value for name, value in stored_tenant.secret_files.items() if name != "feeds.json"]
    assert [secret for secret in secrets if secret in log] == []


@pytest.mark.integration
async def test_database_error_is_logged_without_rows(
    browser: Browser, stored_tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    log_as_in_production()
    from sqlalchemy import text

    @browser.app.get("/probe/duplicate")
    async def duplicate() -> None:
        statement = text(
            "INSERT INTO identity.users VALUES (:a, :e, :e, 'n', 'r', 'h', now(), null), "
            "(:a, :e, :e, 'n', 'r', 'h', now(), null)"
        )
        async with browser.app.state.parts.runtime.unit_of_work() as session:
            await session.execute(statement, {"a": "0" * 32, "e": "canary@acme.test"})

    assert (await browser.get("/probe/duplicate")).status_code == 500
    log = capsys.readouterr().out
    assert "SQLSTATE 23505 of users_" in log
    assert "canary" not in log


def test_library_loggers_speak_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_in_production()
    logging.getLogger("some.library").warning("text %s", "x")
    (line,) = lines(capsys)
    assert (line["message"], line["level"], line["logger"]) == ("text x", "warning", "some.library")


def test_library_exceptions_are_scrubbed_too(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_in_production()
    import pydantic

    try:
        pydantic.TypeAdapter(int).validate_python("canary")
    except pydantic.ValidationError:
        logging.getLogger("some.library").exception("bad")
    log = capsys.readouterr().out
    assert "canary" not in log
    assert json.loads(log)["exception"]["type"].endswith("ValidationError")
