"""Own listings in search: what is published is found, drafts and private words never reach the index."""

import json
from typing import Any
from uuid import UUID

import pytest
from rooftree import assembly
from rooftree.kernel.consumers import Projection
from rooftree.modules.property.search_watch import REBUILD_JOB

from ..conftest import Browser, Tenant, TestDatabase, parts_of
from .editing import HOME, create, edited, moved, user_id
from .elasticsearch import Cluster
from .test_search_copy import told

pytestmark = pytest.mark.integration
PRIVATE = {"private_remarks": "zanzibar behind the pot", "showing_instructions": "timbuktu rings twice"}


class Found:
    """The owner's browser, and the index behind it."""

    def __init__(self, browser: Browser, cluster: Cluster, tenant_id: str, database: TestDatabase) -> None:
        self.browser = browser
        self.cluster = cluster
        self.index = f"{tenant_id}.properties"
        self.database = database
        self.parts: assembly.Parts = parts_of(browser.app, "property")

    async def rebuild(self) -> None:
        (job,) = [job for job in self.parts.queue.declared() if job.name == REBUILD_JOB]
        await job.run()

    async def told(self, listing: dict[str, Any]) -> None:
        """The stream of events has brought the listing's change here."""
        (projection,) = [item for part in self.parts.built for item in part.consumers if isinstance(item, Projection)]
        await projection.apply([told(UUID(listing["id"]))])
        self.cluster.send("POST", f"/{self.index}/_refresh")

    async def keys(self, words: str) -> list[str]:
        page = (await self.browser.get("/api/v1/properties", params={"q": words})).json()
        assert page["source"] == "search"
        return [item["listing_key"] for item in page["items"]]

    async def is_even(self) -> bool:
        """Nothing for the comparison of both copies to repair."""
        status = (await self.browser.get("/api/v1/search/status")).json()
        return (status["lag_events"], status["rows"]) == (0, status["documents"])


@pytest.fixture
async def found(start: Any, indexed_tenant: Tenant, elasticsearch: Cluster, database: TestDatabase) -> Found:
    browser: Browser = await start(indexed_tenant)
    await browser.accept_owner()
    await browser.sign_in()
    made = Found(browser, elasticsearch, str(indexed_tenant.values["tenant_id"]), database)
    await made.rebuild()
    return made


async def test_a_draft_is_in_no_copy_and_a_published_listing_in_both(found: Found) -> None:
    agent = await user_id(found.browser)
    draft = await create(found.browser, **(HOME | PRIVATE), list_agent_id=agent)
    gone = await moved(found.browser, await create(found.browser), "Delete")
    for listing in (draft, gone):
        await found.told(listing)
    assert await found.is_even()
    assert await found.keys("canary") == []
    await found.rebuild()
    assert await found.is_even()

    listing = await moved(found.browser, draft, "Active")
    assert not await found.is_even()
    await found.told(listing)
    assert await found.is_even()
    assert await found.keys("canary") == [listing["listing_key"]]
    assert await found.keys(listing["listing_key"]) == [listing["listing_key"]]
    listing = await edited(found.browser, listing, public_remarks="A pergola over the terrace.")
    await found.told(listing)
    assert await found.keys("pergola") == [listing["listing_key"]]
    assert await found.keys("library") == []
    await found.rebuild()
    assert await found.is_even()


async def test_private_words_are_found_nowhere(found: Found) -> None:
    agent = await user_id(found.browser)
    listing = await moved(found.browser, await create(found.browser, **(HOME | PRIVATE), list_agent_id=agent), "Active")
    await found.told(listing)
    for words in ("zanzibar", "timbuktu"):
        assert await found.keys(words) == []
        for kind in ("suggestions",):
            answer = await found.browser.get(f"/api/v1/properties/{kind}", params={"q": words})
            assert answer.json()["items"] == []
        stored = "SELECT search_text || search_document::text FROM property.properties"
        assert all(words not in row[0] for row in found.database.rows(stored))
    documents = json.dumps(found.cluster.send("GET", f"/{found.index}/_search?stored_fields=*&_source=true"))
    assert listing["listing_key"] in documents
    assert "zanzibar" not in documents
    assert "timbuktu" not in documents
