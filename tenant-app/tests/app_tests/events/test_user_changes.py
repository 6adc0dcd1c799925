"""What identity tells reaches the gateway through the real Kafka: sessions end and change with their people."""

import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest
from rooftree import assembly
from rooftree.contracts.identity.api import AGENT_ROLE, COORDINATOR_ROLE

from ..conftest import Browser
from ..identity.conftest import Brokerage, change, me
from .conftest import Site, until, until_true

pytestmark = pytest.mark.integration


@pytest.fixture
async def brokerage(site: Site, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Brokerage]:
    """One process with its relay and consumers, in which the owner is signed in."""
    for name, value in site.kafka_settings.model_dump().items():
        monkeypatch.setenv(f"ROOFTREE_{name.upper()}", str(value))
    app = assembly.create_app(site.settings, site.secrets)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        owner = await stack.enter_async_context(Browser(app, site.settings.public_url))
        assert (await owner.get("/readyz")).status_code == 200
        await owner.accept_owner()
        await owner.sign_in()
        yield Brokerage(owner, site.database, stack)


def handled(site: Site) -> int:
    return site.database.rows("SELECT count(*) FROM events.inbox WHERE consumer = 'gateway.sessions'")[0][0]


async def test_sessions_end_with_who_leaves_and_change_with_who_changes(brokerage: Brokerage, site: Site) -> None:
    agent = await brokerage.join("Andy", AGENT_ROLE, "Main")
    andy = await me(agent)
    # The owner and the agent came.
    await until(lambda: handled(site) == 2, seconds=60)
    row = f"SELECT version, access_expires_at <= now() FROM gateway.sessions WHERE user_id = '{andy['id']}'"
    assert site.database.rows(row) == [(1, False)]

    andy = (await change(brokerage.owner, andy, role=COORDINATOR_ROLE)).json()
    await until(lambda: site.database.rows(row) == [(1, True)])
    assert (await agent.get("/api/v1/session")).json()["user"]["role"] == COORDINATOR_ROLE

    async def renewed() -> bool:
        """Once this process has looked at the session's row again, which it does once a second."""
        assert (await agent.get("/api/v1/session")).status_code == 200
        return site.database.rows(row) == [(2, False)]

    await until_true(renewed)

    # Nobody waits for this: requests are refused at once, by what identity knows.
    began = time.monotonic()
    assert (await change(brokerage.owner, andy, state="deactivated")).status_code == 200
    await until(lambda: not site.database.rows(row))
    print(f"sessions ended after {time.monotonic() - began:.2f} s")  # noqa: T201 - a figure of the release
    assert (await agent.get("/api/v1/session")).status_code == 401
