"""Signing in through the real edge, as a browser and as an API client. Other hosts: `tests/isolation`."""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from .conftest import Kubectl, Tenant, required

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
SESSION_COOKIE = "__Host-session"


class Person:
    """The owner of a brokerage, signing in over HTTPS with their own client."""

    def __init__(self, tenant: Tenant, link: str, name: str = "Olivia") -> None:
        self.tenant = tenant
        self.email = f"owner@{tenant.name}.example"
        self.password = secrets.token_urlsafe(18)
        self.client = self.new_client()
        answer = self.client.post(
            f"/api/v1/invitations/{link.rsplit('/', 1)[1]}/acceptance",
            json={"name": name, "password": self.password},
            headers={"Origin": tenant.url},
        )
        assert answer.status_code == 201, answer.text

    def new_client(self) -> httpx2.Client:
        """One without cookies."""
        context = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
        return httpx2.Client(verify=context, base_url=self.tenant.url, timeout=15, trust_env=False)

    def sign_in(self, request: str) -> str:
        """Answers the sign-in page of this authorization request; gives back where it leads."""
        body = {"request": request, "email": self.email, "password": self.password}
        answer = self.client.post("/oauth/sign-in", json=body, headers={"Origin": self.tenant.url})
        assert answer.status_code == 200, answer.text
        return answer.json()["redirect_to"]

    def token(self) -> str:
        """An access token."""
        return self.tokens()["access_token"]

    def tokens(self) -> dict[str, str]:
        """Access and refresh token by authorization code with PKCE, as an API client gets them."""
        code, form = self.code()
        answer = self.client.post("/oauth/token", data={**form, "grant_type": "authorization_code", "code": code})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def code(self) -> tuple[str, dict[str, str]]:
        """An authorization code, and what else a client must show to redeem it."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        client = {"client_id": "web", "redirect_uri": f"{self.tenant.url}/auth/callback"}
        asked = {**client, "response_type": "code", "code_challenge": challenge, "code_challenge_method": "S256"}
        page = self.client.get("/oauth/authorize", params=asked).headers["location"]
        return query(self.sign_in(query(page, "request")), "code"), {**client, "code_verifier": verifier}

    def session(self) -> str:
        """The value of the browser's session cookie."""
        with self.new_client() as browser:
            authorize = browser.get("/auth/login").headers["location"]
            page = browser.get(authorize).headers["location"]
            browser.get(self.sign_in(query(page, "request")))
            return browser.cookies[SESSION_COOKIE]


def query(url: str, name: str) -> str:
    return parse_qs(urlsplit(url).query)[name][0]


@pytest.fixture(scope="module")
def owner(kubectl: Kubectl, tenant: Tenant) -> Iterator[Person]:
    person = Person(tenant, kubectl.ask_app(tenant.namespace, "owner-link"))
    yield person
    person.client.close()


def test_a_wrong_password_is_refused_and_says_nothing_of_the_account(owner: Person) -> None:
    authorize = owner.client.get("/auth/login").headers["location"]
    request = query(owner.client.get(authorize).headers["location"], "request")
    answers = [
        owner.client.post(
            "/oauth/sign-in",
            json={"request": request, "email": email, "password": "not the password"},
            headers={"Origin": owner.tenant.url},
        )
        for email in (owner.email, "nobody@nowhere.example")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    known, unknown = ({**answer.json(), "request_id": "any", "instance": "any"} for answer in answers)
    assert known == unknown
