"""No mutation of an OAuth sign-in is accepted: the good flow passes beside them, and holes that are made are seen."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rooftree.kernel import middleware
from rooftree.modules.gateway.domain import Login
from rooftree.modules.identity import grants, requests, token_endpoint
from rooftree.modules.identity.repository import IdentityRepository
from rooftree.modules.identity.requests import Clients

from .conftest import EMAIL, PASSWORD, Browser, FakeClock, Tenant, query
from .oauth_mutations import (
    AUTHORIZATION,
    CALLBACK,
    CARRIAGES,
    CODE,
    OTHER_CLIENT,
    REFRESH,
    Flow,
    asked_with,
    carried,
    redeeming,
    refreshing,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
CROSS_SITE = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
Sweep = Callable[[Flow], Awaitable[list[str]]]


@pytest.fixture
async def flow(browser: Browser, patient: None) -> Flow:
    await browser.accept_owner()
    return Flow.of(browser)


async def authorizations(flow: Flow) -> list[str]:
    """Accepted is what leads to the sign-in page, or away from the client's own address."""
    good = await flow.asked(asked_with())
    assert good.headers["location"].startswith("/sign-in?request="), good.text
    accepted: list[str] = []
    for name, pairs in AUTHORIZATION.items():
        answer = await flow.asked(pairs)
        told = answer.status_code == 302 and answer.headers["location"].startswith(f"{CALLBACK}?error=")
        if not (told or (answer.status_code == 400 and "location" not in answer.headers)):
            accepted.append(name)
        elif told:
            assert query(answer.headers["location"])["iss"] == str(flow.browser.base_url).rstrip("/"), name
    return accepted


async def codes(flow: Flow) -> list[str]:
    accepted: list[str] = []
    for name, changed in CODE.items():
        assert (await flow.redeem(await flow.code())).status_code == 200
        if "access_token" in (await flow.redeem(await flow.code(), **changed)).json():
            accepted.append(name)
    return accepted


async def replays(flow: Flow) -> list[str]:
    """Codes and refresh tokens a second time, after which what they gave is worth nothing either."""
    code = await flow.code()
    tokens = (await flow.redeem(code)).json()
    again = await flow.redeem(code)
    child = await flow.refresh(tokens["refresh_token"])
    wrong = await flow.code()
    await flow.redeem(wrong, code_verifier="w" * 43)
    retried = await flow.redeem(wrong)

    first = await flow.signed_in()
    second = (await flow.refresh(first["refresh_token"])).json()
    third = (await flow.refresh(second["refresh_token"])).json()
    grandparent = await flow.refresh(first["refresh_token"])
    newest = await flow.refresh(third["refresh_token"])
    answers = {
        "code a second time": again,
        "refresh token of a code that was used twice": child,
        "code after a wrong verifier": retried,
        "refresh token of two generations ago": grandparent,
        "newest refresh token after a replay": newest,
    }
    return [name for name, answer in answers.items() if answer.status_code < 400]


async def refreshes(flow: Flow) -> list[str]:
    accepted: list[str] = []
    for name, changed in REFRESH.items():
        tokens = await flow.signed_in()
        token = tokens["refresh_token"]
        known = {"CUT": token[:-1], "ACCESS": tokens["access_token"], "REFRESH": token}
        answer = await flow.refresh(token, **{key: known.get(value or "", value) for key, value in changed.items()})
        if "access_token" in answer.json():
            accepted.append(name)
        assert (await flow.refresh(token)).status_code == 200, f"{name} took the token from who has it"
    return accepted


async def carriages(flow: Flow) -> list[str]:
    accepted: list[str] = []
    for way in CARRIAGES:
        for what in ("code", "refresh token"):
            if what == "code":
                form = redeeming(await flow.code())
            else:
                form = refreshing((await flow.signed_in())["refresh_token"])
            answer = await flow.browser.request(**carried(way, form))
            if answer.status_code < 400:
                accepted.append(f"{what} {way}")
            else:
                good = await flow.form("/oauth/token", form)
                assert good.status_code == 200, f"{what} {way}: it was used up"
    return accepted


async def revocations(flow: Flow) -> list[str]:
    """Accepted is what ends a sign-in that is not the asker's."""
    tokens = await flow.signed_in()
    token = tokens["refresh_token"]
    ways: dict[str, tuple[dict[str, str], dict[str, str]]] = {
        "another client": ({"token": token, "client_id": "other"}, {}),
        "another client, access token": ({"token": tokens["access_token"], "client_id": "other"}, {}),
        "client that is not there": ({"token": token, "client_id": "nobody"}, {}),
        "no client": ({"token": token}, {}),
        "token cut short": ({"token": token[:-1], "client_id": "web"}, {}),
        "another signature": ({"token": tokens["access_token"][:-4] + "AAAA", "client_id": "web"}, {}),
        "another site's page": ({"token": token, "client_id": "web"}, CROSS_SITE),
        "a client's password": ({"token": token, "client_id": "web"}, {"Authorization": "Basic d2ViOng="}),
    }
    accepted: list[str] = []
    for name, (form, headers) in ways.items():
        await flow.browser.post("/oauth/revoke", data=form, headers=headers)
        if not await flow.works(tokens["access_token"]):
            accepted.append(f"revoked by {name}")
    await flow.browser.post("/oauth/revoke", params={"token": token, "client_id": "web"}, data={"client_id": "web"})
    assert (await flow.refresh(token)).status_code == 200
    for kind in ("refresh_token", "access_token"):
        mine = await flow.signed_in()
        answer = await flow.form("/oauth/revoke", {"token": mine[kind], "client_id": "web"})
        assert (answer.status_code, answer.text) == (200, "")
        assert not await flow.works(mine["access_token"])
        assert (await flow.refresh(mine["refresh_token"])).status_code == 400
    return accepted


async def sign_ins(flow: Flow) -> list[str]:
    """The form of the sign-in page, by whoever is not that page."""
    page = await flow.page()
    half = len(page) // 2
    good: dict[str, Any] = {"json": {"request": page, "email": EMAIL, "password": PASSWORD}}
    ways: dict[str, dict[str, Any]] = {
        "request altered": {
            "json": good["json"] | {"request": page[:half] + chr(ord(page[half]) ^ 1) + page[half + 1 :]}
        },
        "request cut short": {"json": good["json"] | {"request": page[:-4]}},
        "request that is empty": {"json": good["json"] | {"request": ""}},
        "request of our own making": {"json": good["json"] | {"request": "A" * 43 + page[43:]}},
        "redirect URI beside the request": {"json": good["json"] | {"redirect_uri": "https://evil.test"}},
        "another site's page": {**good, "headers": CROSS_SITE},
        "a page of the null origin": {**good, "headers": {"Origin": "null"}},
        "a form": {"data": good["json"]},
        "text that is JSON": {
            "content": str(good["json"]).replace("'", '"'),
            "headers": {"Content-Type": "text/plain"},
        },
        "a password in the query": {"params": good["json"], "json": {"request": page}},
        "another password": {"json": good["json"] | {"password": PASSWORD + "x"}},
        "no password": {"json": good["json"] | {"password": ""}},
        "an address with a zero": {"json": good["json"] | {"email": f"{EMAIL}\0"}},
    }
    accepted = [name for name, way in ways.items() if await _leads_on(flow, way)]
    assert await _leads_on(flow, good)
    return accepted


async def _leads_on(flow: Flow, way: dict[str, Any]) -> bool:
    answer = await flow.browser.post("/oauth/sign-in", **way)
    assert answer.status_code < 500, answer.text
    return answer.status_code < 400


async def callbacks(flow: Flow) -> list[str]:
    """Codes that come back to the web app's own client: accepted is what begins a session."""
    browser, issuer = flow.browser, str(flow.browser.base_url).rstrip("/")

    async def answered() -> dict[str, str]:
        browser.cookies.clear()
        answer = await browser.submit(await browser.start_sign_in())
        return query(answer.json()["redirect_to"])

    foreign = await flow.code()
    ways: dict[str, Callable[[dict[str, str]], Any]] = {
        "no state": lambda given: given | {"state": ""},
        "state of another sign-in": lambda given: given | {"state": "s-1"},
        "no issuer": lambda given: given | {"iss": ""},
        "issuer of a neighbour": lambda given: given | {"iss": "https://birch.rooftree.localhost:8443"},
        "issuer with a slash": lambda given: given | {"iss": f"{issuer}/"},
        "issuer twice": lambda given: [("iss", "https://evil.test"), *given.items()],
        "no code": lambda given: given | {"code": ""},
        "made-up code": lambda given: given | {"code": "A" * 43},
        "code of another client's sign-in": lambda given: given | {"code": foreign},
        "code twice": lambda given: [("code", foreign), *given.items()],
        "code and an error": lambda given: given | {"error": "access_denied"},
    }
    accepted = [name for name, change in ways.items() if await _begins(browser, change(await answered()))]
    given = await answered()
    browser.cookies.clear()
    if await _begins(browser, given):
        accepted.append("in another browser")
    given = await answered()
    assert await _begins(browser, given)
    if await _begins(browser, given):
        accepted.append("a second time")
    return accepted


async def _begins(browser: Browser, parameters: Any) -> bool:
    answer = await browser.get("/auth/callback", params=parameters)
    assert answer.status_code == 302
    assert answer.headers["location"][:1] == "/" != answer.headers["location"][1:2]
    return any(line.startswith("__Host-session=") for line in answer.headers.get_list("set-cookie"))


SWEEPS: dict[str, Sweep] = {
    sweep.__name__: sweep
    for sweep in (authorizations, codes, replays, refreshes, carriages, revocations, sign_ins, callbacks)
}


@pytest.mark.parametrize("name", SWEEPS)
async def test_no_mutation_is_accepted(flow: Flow, name: str) -> None:
    assert await SWEEPS[name](flow) == []


async def test_what_is_old_is_refused(flow: Flow, clock: FakeClock) -> None:
    page, code = await flow.page(), await flow.code()
    clock.advance(minutes=10)
    assert (await flow.browser.submit(page)).status_code == 410
    assert (await flow.redeem(code)).status_code == 400


async def test_a_neighbour_takes_nothing_of_ours(flow: Flow, start: Any, stored_tenant: Tenant) -> None:
    """One on our database and with our keys, whose name and seed are its own."""
    page, token = await flow.page(), (await flow.signed_in())["access_token"]
    seed = base64.urlsafe_b64encode(b"seed-of-a-neighbour-of-32-bytes!!").decode()
    birch = stored_tenant.but(
        tenant_id="birch-11112222",
        slug="birch",
        public_url="https://birch.rooftree.localhost:8443",
        secret_files={"owner_seed": seed},
    )
    neighbour = Flow.of(await start(birch))
    assert not await neighbour.works(token)
    assert (await neighbour.browser.submit(page)).status_code == 410


async def test_pages_of_a_sign_in_are_framed_by_nobody_and_kept_by_nobody(flow: Flow) -> None:
    asked = await flow.asked(asked_with())
    page = await flow.browser.get(asked.headers["location"], headers={"Accept": "text/html"})
    token = await flow.redeem(await flow.code())
    for answer in (asked, page, token):
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert [answer.headers["cache-control"] for answer in (asked, token)] == ["no-store", "no-store"]


async def test_a_refresh_may_ask_for_less_and_id_tokens_tell_no_more_than_wasasked_with(flow: Flow) -> None:
    tokens = await flow.signed_in(scope="openid email")
    assert _claims(tokens["id_token"]).keys() & {"name", "email"} == {"email"}
    less = (await flow.refresh(tokens["refresh_token"], scope="openid")).json()
    assert less["scope"] == "openid"
    assert _claims(less["access_token"])["scope"] == "openid"
    assert _claims(less["id_token"]).keys() & {"name", "email"} == set()
    assert (await flow.refresh(less["refresh_token"])).json()["scope"] == "openid email"


def _claims(token: str) -> dict[str, Any]:
    from .token_mutations import decoded

    return decoded(token.split(".")[1])


class _AnyText(str):
    """Equal to every text."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


async def _nothing(*_: Any, **__: Any) -> None:
    return None


async def _unused(self: Any, code_hash: bytes) -> Any:
    row = await _stored_code(self, code_hash)
    if row is not None:
        row.used_at = None
    return row


_stored_code = IdentityRepository.code
_parse = token_endpoint.parse_qsl

HOLES: dict[str, tuple[str, Any, str, Any, str]] = {
    "any redirect URI": (
        "authorizations",
        Clients,
        "redirect_uri",
        lambda self, client: _AnyText(CALLBACK),
        "redirect URI of somebody else",
    ),
    "any challenge": ("authorizations", requests, "is_challenge", lambda value: True, "short challenge"),
    "any verifier": ("codes", grants.domain, "matches_challenge", lambda *_: True, "verifier of another"),
    "codes for ever": ("replays", IdentityRepository, "code", _unused, "code after a wrong verifier"),
    "replays unpunished": (
        "replays",
        IdentityRepository,
        "revoke_family",
        _nothing,
        "newest refresh token after a replay",
    ),
    "fields twice": (
        "carriages",
        token_endpoint,
        "parse_qsl",
        lambda *given, **more: list(dict(_parse(*given, **more)).items()),
        "code with a field twice",
    ),
    "any origin": ("sign_ins", middleware, "_check_origin", lambda *_: None, "another site's page"),
    "any state": ("callbacks", Login, "is_answered_by", lambda *_: True, "no state"),
}


@pytest.mark.parametrize("hole", HOLES)
async def test_a_hole_is_seen(flow: Flow, monkeypatch: pytest.MonkeyPatch, hole: str) -> None:
    sweep, owner, name, code, noticed = HOLES[hole]
    monkeypatch.setattr(owner, name, code)
    assert noticed in await SWEEPS[sweep](flow)


def test_there_are_enough_of_them() -> None:
    assert len(AUTHORIZATION) + len(CODE) + len(REFRESH) + 2 * len(CARRIAGES) >= 100
    assert OTHER_CLIENT["client_id"] != "web"
