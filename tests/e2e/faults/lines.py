"""What people do while something is away, and which backends each request needs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..test_tokens import SESSION_COOKIE, query
from .load import Client, Line, Refused

if TYPE_CHECKING:
    from ..test_tokens import Person

# Everything else needs no backend alone: search is answered by the index or by the database.
NEEDS_DATABASE = frozenset(
    {"listing", "edit", "session", "sign-in", "session begins", "session ends", "feed run", "refresh", "feeds"}
)
READINESS = "readiness"
# A word's beginnings, so that some are asked for again while they are in the cache.
BEGINNINGS = ("am", "ame", "col", "edw")

# So that each of two pods has seen the visitor, but for one time in 32,768 (2 ** 15).
SEEN_REQUESTS = 16


@dataclass
class Visitor:
    """One person's ways through the brokerage; `token` and `cookie` are of a sign-in before."""

    person: Person
    listing: str
    feed: str
    token: str = ""
    cookie: str = ""
    _beginnings: Any = field(default_factory=lambda: itertools.cycle(BEGINNINGS))

    def arrive(self) -> None:
        self.token, self.cookie = self.person.token(), self.person.session()
        for _ in range(SEEN_REQUESTS):
            for headers in (self._bearer(), self._cookie()):
                answer = self.person.client.get("/api/v1/properties", params={"limit": 1}, headers=headers)
                assert answer.status_code == 200, answer.text

    def lines(self) -> tuple[Line, ...]:
        """About seventeen requests a second."""
        return (
            Line(0.5, self.page),
            Line(1.0, self.health),
            Line(0.4, self.search),
            Line(1.0, self.look_around),
            Line(1.0, self.suggest),
            Line(0.5, self.show),
            Line(1.0, self.session),
            Line(2.0, self.come_and_go),
            Line(10.0, self.run_feed),
            Line(1.0, Writer(self.person).refresh),
            Line(1.0, Editor(self._bearer()).edit),
        )

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": f"{SESSION_COOKIE}={self.cookie}"}

    async def page(self, client: Client) -> None:
        await client.ask("page", "GET", "/listings", headers={"Accept": "text/html"})

    async def health(self, client: Client) -> None:
        for path in ("/livez", "/version", "/api/v1/tenant"):
            await client.ask("health", "GET", path)
        await client.ask(READINESS, "GET", "/readyz")

    async def search(self, client: Client) -> None:
        await client.ask(
            "search", "GET", "/api/v1/properties", params={"q": "garage", "limit": 10}, headers=self._bearer()
        )

    async def look_around(self, client: Client) -> None:
        """As the web app does: the session's cookie is all that it has."""
        await client.ask("browser search", "GET", "/api/v1/properties", params={"city": "Ames"}, headers=self._cookie())

    async def suggest(self, client: Client) -> None:
        beginning = next(self._beginnings)
        await client.ask(
            "suggestions", "GET", "/api/v1/properties/suggestions", params={"q": beginning}, headers=self._bearer()
        )

    async def show(self, client: Client) -> None:
        await client.ask("listing", "GET", f"/api/v1/properties/{self.listing}", headers=self._bearer())

    async def session(self, client: Client) -> None:
        await client.ask("session", "GET", "/api/v1/session", headers=self._cookie())

    async def run_feed(self, client: Client) -> None:
        """One at a time: 409 while another goes on."""
        await client.ask("feed run", "POST", f"/api/v1/feeds/{self.feed}/runs", good=(202, 409), headers=self._bearer())

    async def come_and_go(self, client: Client) -> None:
        """Signs in with a browser and out again."""
        origin = {"Origin": self.person.tenant.url}
        started = await client.ask("login", "GET", "/auth/login", good=(302,))
        login = {"Cookie": started.headers["set-cookie"].partition(";")[0]}
        page = await client.ask("login", "GET", started.headers["location"], good=(302,))
        body = {"request": query(page.headers["location"], "request"), "email": self.person.email}
        password = {"password": self.person.password}
        signed_in = await client.ask("sign-in", "POST", "/oauth/sign-in", json=body | password, headers=origin)
        back = _path(signed_in.json()["redirect_to"])
        begun = await client.ask("session begins", "GET", back, good=(302,), headers=login)
        cookies = begun.headers.get_list("set-cookie")
        session = [cookie.partition(";")[0] for cookie in cookies if cookie.startswith(SESSION_COOKIE)]
        assert session, f"signed in without a session: {begun.headers['location']}"
        await client.ask("session ends", "POST", "/auth/logout", good=(204,), headers=origin | {"Cookie": session[0]})


@dataclass
class Editor:
    """Changes the price of a draft of its own, each time of the version that it saw last."""

    headers: dict[str, str]
    _path: str = ""
    _version: str = ""
    _price: int = 100_000_00
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def edit(self, client: Client) -> None:
        if self._turn.locked():
            return
        async with self._turn:
            if not self._path:
                made = await client.ask(
                    "edit", "POST", "/api/v1/properties", good=(201,), headers=self.headers, json={}
                )
                self._path, self._version = made.headers["location"], made.headers["etag"]
            if not self._version:
                self._version = (await client.ask("edit", "GET", self._path, headers=self.headers)).headers["etag"]
            self._price += 100
            price = {"list_price": {"amount": self._price, "currency": "USD"}}
            condition = {"If-Match": self._version}
            # Changed or not, nobody knows before there is an answer.
            self._version = ""
            done = await client.ask("edit", "PATCH", self._path, headers=self.headers | condition, json=price)
            assert done.json()["list_price"] == price["list_price"], done.text
            self._version = done.headers["etag"]


@dataclass
class Writer:
    """Rotates one refresh token: each answer acknowledges a row. `acknowledged` holds the tokens in their order."""

    person: Person
    acknowledged: list[str] = field(default_factory=list)
    lost: int = 0
    """Writes without an answer: they may have happened."""
    _token: str = ""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def refresh(self, client: Client) -> None:
        if self._turn.locked():
            return
        async with self._turn:
            try:
                if self._token:
                    form = {"grant_type": "refresh_token", "refresh_token": self._token, "client_id": "web"}
                    answer = await client.ask("refresh", "POST", "/oauth/token", data=form)
                else:
                    answer = await self._begin(client)
                self._token = answer.json()["refresh_token"]
                self.acknowledged.append(self._token)
            except Refused:
                # Used or not, nobody knows; a second use would end the family, as it should.
                self._token = ""
                self.lost += 1
                raise

    async def _begin(self, client: Client) -> Any:
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        web = {"client_id": "web", "redirect_uri": f"{self.person.tenant.url}/auth/callback"}
        asked = {**web, "response_type": "code", "code_challenge": challenge, "code_challenge_method": "S256"}
        page = await client.ask("login", "GET", "/oauth/authorize", good=(302,), params=asked)
        body = {"request": query(page.headers["location"], "request"), "email": self.person.email}
        password = {"password": self.person.password}
        origin = {"Origin": self.person.tenant.url}
        signed_in = await client.ask("sign-in", "POST", "/oauth/sign-in", json=body | password, headers=origin)
        code = query(signed_in.json()["redirect_to"], "code")
        form = {**web, "grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        return await client.ask("refresh", "POST", "/oauth/token", data=form)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
