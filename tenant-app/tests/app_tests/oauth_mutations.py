"""A sign-in by OAuth that is nearly right: each mutation differs from the good flow in one way that was an attack.

After RFC 6749, 7009, 7636, 9207 and 9700. Accepted is one that gets what the good flow gets.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from rooftree.modules.identity.requests import Clients

from .conftest import EMAIL, PASSWORD, Browser, query

VERIFIER = "v" * 43
ORIGIN = "https://acme.rooftree.localhost:8443"
CALLBACK = f"{ORIGIN}/auth/callback"
OTHER_CLIENT = {"client_id": "other", "redirect_uri": "https://other.test/callback"}
FORM = "application/x-www-form-urlencoded"
Pairs = list[tuple[str, str]]


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


ASKED = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": CALLBACK,
    "scope": "openid profile",
    "state": "s-1",
    "nonce": "n-1",
    "code_challenge": challenge(VERIFIER),
    "code_challenge_method": "S256",
}


def asked_with(**changed: str | None) -> Pairs:
    return [(name, value) for name, value in (ASKED | changed).items() if value is not None]


AUTHORIZATION: dict[str, Pairs] = {
    **{
        f"redirect URI {name}": asked_with(redirect_uri=uri)
        for name, uri in {
            "of somebody else": "https://evil.test/auth/callback",
            "with a slash more": f"{CALLBACK}/",
            "with a query": f"{CALLBACK}?next=https://evil.test",
            "with a fragment": f"{CALLBACK}#x",
            "of a path below": f"{CALLBACK}/../../evil",
            "with the host as user": "https://acme.rooftree.localhost:8443@evil.test/auth/callback",
            "of a host that begins alike": "https://acme.rooftree.localhost.evil.test:8443/auth/callback",
            "of a host below": "https://x.acme.rooftree.localhost:8443/auth/callback",
            "of a neighbour": "https://birch.rooftree.localhost:8443/auth/callback",
            "of another port": "https://acme.rooftree.localhost/auth/callback",
            "without TLS": CALLBACK.replace("https", "http"),
            "in capitals": CALLBACK.replace("acme", "ACME"),
            "percent-encoded": CALLBACK.replace("/auth", "%2Fauth"),
            "with a backslash": CALLBACK.replace("/auth", "\\auth"),
            "of a script": "javascript:alert(1)//auth/callback",
            "of another client": OTHER_CLIENT["redirect_uri"],
            "that is empty": "",
        }.items()
    },
    "no redirect URI": asked_with(redirect_uri=None),
    "redirect URI twice, ours first": [*asked_with(), ("redirect_uri", "https://evil.test/")],
    "redirect URI twice, ours last": [("redirect_uri", "https://evil.test/"), *asked_with()],
    "client that is not there": asked_with(client_id="nobody"),
    "client in capitals": asked_with(client_id="WEB"),
    "no client": asked_with(client_id=None),
    "client twice": [*asked_with(), ("client_id", "web")],
    "no PKCE": asked_with(code_challenge=None, code_challenge_method=None),
    "PKCE plain": asked_with(code_challenge=VERIFIER, code_challenge_method="plain"),
    "PKCE without its method": asked_with(code_challenge_method=None),
    "PKCE method in small letters": asked_with(code_challenge_method="s256"),
    "short challenge": asked_with(code_challenge="short"),
    "long challenge": asked_with(code_challenge=challenge(VERIFIER) + "A"),
    "padded challenge": asked_with(code_challenge=challenge(VERIFIER) + "="),
    "challenge twice": [*asked_with(), ("code_challenge", challenge("w" * 43))],
    "implicit flow": asked_with(response_type="token"),
    "hybrid flow": asked_with(response_type="code id_token"),
    "no response type": asked_with(response_type=None),
    "response type twice": [*asked_with(), ("response_type", "token")],
    "answer by fragment": asked_with(response_mode="fragment"),
    "answer by form": asked_with(response_mode="form_post"),
    "request object": asked_with(request="eyJhbGciOiJub25lIn0.e30."),
    "request elsewhere": asked_with(request_uri="https://evil.test/request"),
    "scope that nobody has": asked_with(scope="openid admin"),
    "scope of a list": asked_with(scope="openid,profile"),
    "state with a line break": asked_with(state="s\r\nLocation: https://evil.test"),
    "state too long": asked_with(state="s" * 600),
    "state twice": [*asked_with(), ("state", "s-2")],
    "nonce with a zero": asked_with(nonce="n\0"),
    "nonce too long": asked_with(nonce="n" * 600),
    "silently": asked_with(prompt="none"),
}

# Of the form that redeems a code; None leaves a field out.
CODE: dict[str, dict[str, str | None]] = {
    "no verifier": {"code_verifier": None},
    "empty verifier": {"code_verifier": ""},
    "verifier of another": {"code_verifier": "w" * 43},
    "the challenge as verifier": {"code_verifier": challenge(VERIFIER)},
    "short verifier": {"code_verifier": VERIFIER[:42]},
    "verifier with a blank": {"code_verifier": VERIFIER + " "},
    "verifier too long": {"code_verifier": "v" * 129},
    "no redirect URI": {"redirect_uri": None},
    "redirect URI of another client": {"redirect_uri": OTHER_CLIENT["redirect_uri"]},
    "redirect URI with a slash more": {"redirect_uri": f"{CALLBACK}/"},
    "another client": {"client_id": "other"},
    "another client with its redirect URI": {**OTHER_CLIENT},
    "client that is not there": {"client_id": "nobody"},
    "no client": {"client_id": None},
    "no code": {"code": None},
    "made-up code": {"code": "A" * 43},
    "no grant type": {"grant_type": None},
    "grant type of refreshing": {"grant_type": "refresh_token"},
    "code as refresh token": {"grant_type": "refresh_token", "code": None, "refresh_token": "CODE"},
    "grant type password": {"grant_type": "password", "username": EMAIL, "password": PASSWORD},
    "grant type client_credentials": {"grant_type": "client_credentials"},
    "grant type of an assertion": {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": "e30.e30.",
    },
}

# Of the form that refreshes.
REFRESH: dict[str, dict[str, str | None]] = {
    "another client": {"client_id": "other"},
    "client that is not there": {"client_id": "nobody"},
    "no client": {"client_id": None},
    "wider scope": {"scope": "openid profile email"},
    "scope that nobody has": {"scope": "admin"},
    "no token": {"refresh_token": None},
    "made-up token": {"refresh_token": "A" * 43},
    "token cut short": {"refresh_token": "CUT"},
    "access token": {"refresh_token": "ACCESS"},
    "as an authorization code": {"grant_type": "authorization_code", "code": "REFRESH", "redirect_uri": CALLBACK},
}

# Ways to send a form that is good in itself: query, headers, body.
CARRIAGES: tuple[str, ...] = (
    "in the query",
    "in the query, too",
    "as JSON",
    "as multipart",
    "without a media type",
    "with a field twice",
    "with the grant type twice",
    "with a client's password",
    "with an empty client's password",
    "as another site's page",
    "as a page of the null origin",
    "as a neighbour's page",
    "with GET",
    "with PUT",
    "to another host",
)


@dataclass
class Flow:
    """One client on the app; each part of the good flow can be done with a change."""

    browser: Browser
    tokens: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, browser: Browser) -> "Flow":
        """With a second client, so that one can come with what the other was given."""
        clients: Any = browser.app.state.services[Clients]
        clients._redirects[OTHER_CLIENT["client_id"]] = OTHER_CLIENT["redirect_uri"]
        # Not a browser: whoever has no session is not asked where they come from.
        for name in ("Origin", "Sec-Fetch-Site"):
            del browser.headers[name]
        return cls(browser)

    async def asked(self, pairs: Pairs) -> httpx2.Response:
        return await self.browser.get("/oauth/authorize", params=tuple(pairs))

    async def page(self, **changed: str | None) -> str:
        """What the sign-in page hands back."""
        return query((await self.asked(asked_with(**changed))).headers["location"])["request"]

    async def code(self, **changed: str | None) -> str:
        answer = await self.browser.submit(await self.page(**changed))
        assert answer.status_code == 200, answer.text
        return query(answer.json()["redirect_to"])["code"]

    async def form(self, path: str, form: Mapping[str, str | None]) -> httpx2.Response:
        given = {name: value for name, value in form.items() if value is not None}
        return await self.browser.post(path, data=given)

    async def redeem(self, code: str, /, **changed: str | None) -> httpx2.Response:
        return await self.form("/oauth/token", redeeming(code, **changed))

    async def signed_in(self, **changed: str | None) -> dict[str, str]:
        answer = await self.redeem(await self.code(**changed))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refresh(self, token: str, **changed: str | None) -> httpx2.Response:
        return await self.form("/oauth/token", refreshing(token) | changed)

    async def works(self, access_token: str) -> bool:
        """Whether it opens anything."""
        answer = await self.browser.get("/probe/whoami", headers={"Authorization": f"Bearer {access_token}"})
        return answer.status_code == 200


def redeeming(code: str, /, **changed: str | None) -> dict[str, str | None]:
    form: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "client_id": "web",
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": CALLBACK,
    }
    return {name: code if value == "CODE" else value for name, value in (form | changed).items()}


def refreshing(token: str) -> dict[str, str | None]:
    return {"grant_type": "refresh_token", "client_id": "web", "refresh_token": token}


def carried(way: str, form: Mapping[str, str | None]) -> dict[str, Any]:
    """The arguments of a request that sends the form this way."""
    given = {name: value for name, value in form.items() if value is not None}
    good: dict[str, Any] = {"method": "POST", "url": "/oauth/token", "data": given}
    twice = httpx2.QueryParams([*given.items(), ("client_id", "web")])
    grant = httpx2.QueryParams([("grant_type", "client_credentials"), *given.items()])
    text = str(httpx2.QueryParams(given))
    return {
        "in the query": {**good, "params": given, "data": {"client_id": "web"}},
        "in the query, too": {**good, "params": given},
        "as JSON": {"method": "POST", "url": "/oauth/token", "json": given},
        "as multipart": {**good, "data": None, "files": {name: (None, value) for name, value in given.items()}},
        "without a media type": {**good, "data": None, "content": text},
        "with a field twice": {**good, "data": None, "content": str(twice), "headers": {"Content-Type": FORM}},
        "with the grant type twice": {**good, "data": None, "content": str(grant), "headers": {"Content-Type": FORM}},
        "with a client's password": {**good, "auth": ("web", "secret")},
        "with an empty client's password": {**good, "auth": ("web", "")},
        "as another site's page": {**good, "headers": {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}},
        "as a page of the null origin": {**good, "headers": {"Origin": "null"}},
        "as a neighbour's page": {**good, "headers": {"Sec-Fetch-Site": "same-site"}},
        "with GET": {"method": "GET", "url": "/oauth/token", "params": given},
        "with PUT": {**good, "method": "PUT"},
        "to another host": {**good, "headers": {"Host": "birch.rooftree.localhost:8443"}},
    }[way]
