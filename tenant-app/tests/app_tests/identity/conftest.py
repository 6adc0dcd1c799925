"""A brokerage with people of every role in two offices, each signed in with a browser of their own."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from rooftree.contracts.identity.api import AGENT_ROLE, COORDINATOR_ROLE, MANAGER_ROLE

from ..conftest import PASSWORD, Browser, TestDatabase, query


@dataclass
class Brokerage:
    """`owner` is signed in. Others are invited by `join`."""

    owner: Browser
    database: TestDatabase
    stack: AsyncExitStack
    offices: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def app(self) -> Any:
        return self.owner.app

    async def browser(self) -> Browser:
        """One in which nobody is signed in."""
        return await self.stack.enter_async_context(Browser(self.app, str(self.owner.base_url).rstrip("/")))

    async def office(self, name: str) -> str:
        if name not in self.offices:
            answer = await self.owner.post("/api/v1/offices", json={"name": name})
            assert answer.status_code == 201, answer.text
            self.offices[name] = answer.json()["id"]
        return self.offices[name]

    async def team(self, name: str, office: str) -> str:
        body = {"name": name, "office_id": await self.office(office)}
        answer = await self.owner.post("/api/v1/teams", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def invite(self, name: str, role: str, office: str | None = None, **more: Any) -> httpx2.Response:
        office_id = await self.office(office) if office else None
        body = {"email": f"{name.lower()}@acme.test", "name": name, "role": role, "office_id": office_id}
        return await self.owner.post("/api/v1/user-invitations", json=body | more)

    async def join(self, name: str, role: str, office: str | None = None, **more: Any) -> "Browser":
        """Invited, accepted and signed in."""
        invited = await self.invite(name, role, office, **more)
        assert invited.status_code == 201, invited.text
        browser = await self.browser()
        await accept(browser, invited.json()["link"], name)
        await sign_in(browser, f"{name.lower()}@acme.test")
        return browser

    async def manager(self, office: str = "Main", name: str = "Mona") -> Browser:
        return await self.join(name, MANAGER_ROLE, office)

    async def agent(self, office: str | None = "Main", name: str = "Andy") -> Browser:
        return await self.join(name, AGENT_ROLE, office)

    async def coordinator(self, office: str = "Main", name: str = "Cora") -> Browser:
        return await self.join(name, COORDINATOR_ROLE, office)


async def accept(browser: Browser, link: str, name: str) -> None:
    answer = await browser.post(
        f"/api/v1/invitations/{link.rpartition('/')[2]}/acceptance", json={"name": name, "password": PASSWORD}
    )
    assert answer.status_code == 201, answer.text


async def sign_in(browser: Browser, email: str) -> None:
    signed_in = await browser.submit(await browser.start_sign_in(), email=email)
    assert signed_in.status_code == 200, signed_in.text
    await browser.get(signed_in.json()["redirect_to"])


async def me(browser: Browser) -> dict[str, Any]:
    """The person who is signed in, as the API shows them."""
    answer = await browser.get("/api/v1/session")
    assert answer.status_code == 200, answer.text
    return (await browser.get(f"/api/v1/users/{answer.json()['user']['id']}")).json()


async def change(browser: Browser, user: dict[str, Any], **changes: Any) -> httpx2.Response:
    return await browser.patch(
        f"/api/v1/users/{user['id']}", json=changes, headers={"If-Match": f'"{user["version"]}"'}
    )


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and the last part of the type."""
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


async def token_of(browser: Browser, email: str) -> dict[str, str]:
    """Access and refresh token of a new sign-in without a browser session, as an API client gets them."""
    import base64
    import hashlib

    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    client = {"client_id": "web", "redirect_uri": f"{str(browser.base_url).rstrip('/')}/auth/callback"}
    asked = {**client, "response_type": "code", "code_challenge": challenge, "code_challenge_method": "S256"}
    page = await browser.get_parameters(f"/oauth/authorize?{httpx2.QueryParams(asked)}")
    redirect = (await browser.submit(page["request"], email=email)).json()["redirect_to"]
    form = {"grant_type": "authorization_code", "code": query(redirect)["code"], "code_verifier": verifier}
    answer = await browser.post("/oauth/token", data=client | form)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def brokerage(owner: Browser, database: TestDatabase) -> AsyncGenerator[Brokerage]:
    async with AsyncExitStack() as stack:
        yield Brokerage(owner, database, stack)
