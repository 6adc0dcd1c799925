"""A change names the version it was made on; nothing else is taken for one."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Response
from rooftree.kernel import problems
from rooftree.kernel.preconditions import ExpectedVersion, etag, require

CURRENT = 7


@pytest.fixture
async def client() -> AsyncGenerator[httpx2.AsyncClient]:
    app = FastAPI()
    problems.install(app)

    @app.patch("/thing")
    async def change(expected: ExpectedVersion, response: Response) -> dict[str, int]:
        require(expected, current=CURRENT)
        response.headers.update(etag(CURRENT + 1))
        return {"version": CURRENT + 1}

    async def with_id(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "request_id": "00000000-0000-0000-0000-000000000000"}, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=with_id), base_url="https://x") as opened:
        yield opened


async def test_the_version_that_was_seen_may_be_changed(client: httpx2.AsyncClient) -> None:
    answer = await client.patch("/thing", headers={"If-Match": '"7"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"8"')


async def test_a_change_that_names_no_version_is_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.patch("/thing")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (428, "precondition-required")


@pytest.mark.parametrize("version", ['"6"', '"8"', '"0"'])
async def test_a_change_of_another_version_tells_the_current_one(client: httpx2.AsyncClient, version: str) -> None:
    answer = await client.patch("/thing", headers={"If-Match": version})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (412, "version-conflict")
    assert answer.json()["current_version"] == CURRENT


@pytest.mark.parametrize(
    "given", ["7", 'W/"7"', "*", '"7", "8"', '"07"', '"-7"', '""', '"7', "", '"99999999999"', '"x"']
)
async def test_anything_but_one_etag_of_ours_is_a_bad_request(client: httpx2.AsyncClient, given: str) -> None:
    assert (await client.patch("/thing", headers={"If-Match": given})).status_code == 400
    twice = await client.patch("/thing", headers=[("If-Match", '"7"'), ("If-Match", '"7"')])
    assert twice.status_code == 400
