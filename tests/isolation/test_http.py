"""The API: each operation of the document, with each credential of one tenant on another's host, and with its ids.

The operations are the document's own. A new one is tried by itself; a public one, or a new path parameter, fails a test
until somebody has said how it is attacked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from ..e2e.test_tokens import SESSION_COOKIE, query
from . import api

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cells import Matrix
    from .conftest import Family
    from .people import Caller, Insider

pytestmark = [pytest.mark.isolation, pytest.mark.e2e, pytest.mark.timeout(400, func_only=True)]

AREA = "http"


def aimed(operation: api.Operation, insider: Insider, spare: Insider) -> api.Request:
    """The operation on what is the insider's; what they have none of is `spare`'s, and as strange on their host."""
    ids = {name: insider.ids.get(name) or spare.ids.get(name, []) for name in insider.ids}
    return api.request(operation, ids)


def tried(
    matrix: Matrix, what: str, request: api.Request, answer: httpx2.Response, marks: list[str], *, accepted: bool
) -> None:
    seen = f"{answer.status_code} {dict(answer.headers)} {answer.text}"
    sent = f"{request.target} {(request.content or b'').decode(errors='replace')}"
    matrix.tried(AREA, what, accepted=accepted, answer=seen, sent=sent, marks=marks)


def marks_of(insider: Insider) -> list[str]:
    """What only its own people are told."""
    return [insider.member.canary, *own_ids(insider)]


def own_ids(insider: Insider) -> list[str]:
    return [value for name, values in insider.ids.items() if name not in ("number", "token") for value in values]


def sweep(matrix: Matrix, caller: Caller, attacker: Insider, victim: Insider) -> None:
    """Every protected operation on the victim's host with what the attacker has, and with nothing."""
    ways = {**attacker.credentials(victim.member), "nothing": {}}
    for operation in (item for item in api.operations() if item.protected):
        request = aimed(operation, victim, attacker)
        for way, headers in ways.items():
            answer = caller.send(victim.member, request, **headers)
            what = f"{operation.id} at {victim.member.tenant.host} with {way} of {attacker.member.id}"
            tried(matrix, what, request, answer, marks_of(victim), accepted=answer.status_code != 401)


def test_the_document_is_the_one_that_is_served(family: Family, caller: Caller) -> None:
    for member in family.members:
        answer = caller.send(member, api.Request("GET", "/openapi.json", None, {}))
        assert answer.json() == json.loads(api.DOCUMENT.read_text())


def test_every_operation_is_attacked(insiders: tuple[Insider, Insider]) -> None:
    for operation in api.operations():
        if operation.protected:
            assert aimed(operation, *insiders)
    assert {operation.id for operation in api.operations() if not operation.protected} == set(PUBLIC)


def test_no_credential_opens_another_host(matrix: Matrix, caller: Caller, insiders: tuple[Insider, Insider]) -> None:
    plain, west = insiders
    sweep(matrix, caller, west, plain)
    sweep(matrix, caller, plain, west)
    assert matrix.red() == []


def test_the_same_requests_are_answered_at_home(
    matrix: Matrix, caller: Caller, insiders: tuple[Insider, Insider]
) -> None:
    """Reading ones; so a refusal elsewhere is one of the credential."""
    plain, _ = insiders
    for operation in api.operations():
        if operation.protected and operation.method == "GET":
            request = aimed(operation, plain, plain)
            ways = plain.credentials(plain.member)
            answer = caller.send(plain.member, request, **ways["session"])
            # The insider's own listing has no photos of a feed.
            fine = (200, 404) if operation.id == "get_property_photo" else (200,)
            matrix.control(AREA, operation.id, answer.status_code in fine, answer.text)


def test_ids_of_another_are_nothing_at_home(matrix: Matrix, caller: Caller, insiders: tuple[Insider, Insider]) -> None:
    """With one's own credential on one's own host: what belongs to the other is not found, and in no list."""
    plain, west = insiders
    for operation in (item for item in api.operations() if item.protected):
        request = aimed(operation, plain, west)
        sent = f"{request.target} {(request.content or b'').decode(errors='replace')}"
        foreign = any(value in sent for value in own_ids(plain))
        if not foreign and operation.method != "GET":
            continue  # on one's own, as it should
        for way, headers in west.credentials(west.member).items():
            answer = caller.send(west.member, request, **headers)
            what = f"{operation.id} at home with {way} of {west.member.id} and ids of {plain.member.id}"
            accepted = foreign and answer.status_code < 400
            tried(matrix, what, request, answer, marks_of(plain), accepted=accepted)
    assert matrix.red() == []


# -- operations that ask for no credential ----------------------------------------------------------------------------

Attack = tuple[str, api.Request, "Callable[[httpx2.Response], bool]"]


def form(path: str, **values: str) -> api.Request:
    content = str(httpx2.QueryParams(values)).encode()
    return api.Request("POST", path, content, {"Content-Type": "application/x-www-form-urlencoded"})


def body(path: str, **values: Any) -> api.Request:
    return api.Request("POST", path, json.dumps(values).encode(), {"Content-Type": "application/json"})


def get(path: str, **values: str) -> api.Request:
    return api.Request("GET", f"{path}?{httpx2.QueryParams(values)}" if values else path, None, {})


def succeeded(answer: httpx2.Response) -> bool:
    return answer.status_code < 400


def leads_to(attacker: Insider) -> Callable[[httpx2.Response], bool]:
    return lambda answer: attacker.member.tenant.host in answer.headers.get("location", "") or succeeded(answer)


def begins_session(answer: httpx2.Response) -> bool:
    return any(value.startswith(f"{SESSION_COOKIE}=") for value in answer.headers.get_list("set-cookie"))


def never(answer: httpx2.Response) -> bool:
    """The same for everybody; only searched."""
    return False


def sealed(insider: Insider) -> str:
    """An authorization request that the insider's own host has begun."""
    location = insider.person.client.get("/auth/login").headers["location"]
    return query(insider.person.client.get(location).headers["location"], "request")


def login_attacks(attacker: Insider, victim: Insider) -> list[Attack]:
    person = attacker.person
    own = {"email": person.email, "password": person.password}
    return [
        ("request of another host", body("/oauth/sign-in", request=sealed(attacker), **own), succeeded),
        ("account of another host", body("/oauth/sign-in", request=sealed(victim), **own), succeeded),
    ]


def token_attacks(attacker: Insider, victim: Insider) -> list[Attack]:
    code, shown = attacker.person.code()
    granted = {**shown, "grant_type": "authorization_code", "code": code}
    here = {**granted, "redirect_uri": f"{victim.member.tenant.url}/auth/callback"}
    refresh = {
        "grant_type": "refresh_token",
        "client_id": "web",
        "refresh_token": attacker.person.tokens()["refresh_token"],
    }
    return [
        ("code of another host", form("/oauth/token", **granted), succeeded),
        ("code of another host for this one", form("/oauth/token", **here), succeeded),
        ("refresh token of another host", form("/oauth/token", **refresh), succeeded),
    ]


def revocation_attacks(attacker: Insider, victim: Insider) -> list[Attack]:
    """Every token is answered with 200; one of another host must live on there."""
    tokens = attacker.person.tokens()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    def ended(answer: httpx2.Response) -> bool:
        return attacker.person.client.get("/api/v1/properties?limit=1", headers=headers).status_code == 401

    return [
        (f"{name} of another host", form("/oauth/revoke", client_id="web", token=tokens[name]), ended)
        for name in ("refresh_token", "access_token")
    ]


def authorize_attacks(attacker: Insider, victim: Insider) -> list[Attack]:
    asked = {"client_id": "web", "response_type": "code", "code_challenge": "x" * 43, "code_challenge_method": "S256"}
    places = (
        f"{attacker.member.tenant.url}/auth/callback",
        f"{victim.member.tenant.url}@{attacker.member.tenant.host}/",
    )
    return [
        (f"back to {place}", get("/oauth/authorize", **asked, redirect_uri=place), leads_to(attacker))
        for place in places
    ]


def callback_attacks(attacker: Insider, victim: Insider) -> list[Attack]:
    code, _ = attacker.person.code()
    issuers = (attacker.member.tenant.url, victim.member.tenant.url)
    return [
        (f"code from {iss}", get("/auth/callback", code=code, state="x", iss=iss), begins_session) for iss in issuers
    ]


def invitation_attacks(attacker: Insider, victim: Insider) -> list[Attack]:
    token = attacker.ids["token"][0]
    return [("invitation of another", get(f"/api/v1/invitations/{token}"), succeeded)]


def acceptance_attacks(attacker: Insider, victim: Insider) -> list[Attack]:
    token = attacker.ids["token"][0]
    answer = body(f"/api/v1/invitations/{token}/acceptance", name="Mallory", password="a long enough pass phrase")
    return [("invitation of another", answer, succeeded)]


def inquiry_attacks(attacker: Insider, victim: Insider) -> list[Attack]:
    asked = {"name": "Mallory", "email": "mallory@evil.example", "consent": True}
    path = "/api/v1/inquiries"
    return [
        ("listing of another", body(path, **asked, property_id=listing), succeeded)
        for listing in attacker.ids["property_id"]
    ] + [("person of another", body(path, **asked, person_id=attacker.ids["person_id"][0]), succeeded)]


def return_attacks(attacker: Insider, victim: Insider) -> list[Attack]:
    places = (attacker.member.tenant.url, f"//{attacker.member.tenant.host}/", f"/\\{attacker.member.tenant.host}")
    return [
        (
            f"back to {place}",
            get("/auth/login", return_to=place),
            lambda it: attacker.member.tenant.host in it.headers["location"],
        )
        for place in places
    ]


def shown(path: str) -> Callable[[Insider, Insider], list[Attack]]:
    return lambda attacker, victim: [("another's credential", get(path), never)]


PUBLIC: dict[str, Callable[[Insider, Insider], list[Attack]]] = {
    "get_authorization_server_metadata": shown("/.well-known/oauth-authorization-server"),
    "get_openid_configuration": shown("/.well-known/openid-configuration"),
    "get_jwks": shown("/oauth/jwks"),
    "get_version": shown("/version"),
    "get_tenant": shown("/api/v1/tenant"),
    "get_invitation": invitation_attacks,
    "accept_invitation": acceptance_attacks,
    "create_inquiry": inquiry_attacks,
    "start_login": return_attacks,
    "finish_login": callback_attacks,
    "authorize": authorize_attacks,
    "submit_sign_in": login_attacks,
    "issue_token": token_attacks,
    "revoke_token": revocation_attacks,
    "logout": lambda attacker, victim: [("another's session", api.Request("POST", "/auth/logout", None, {}), never)],
}


def test_public_operations_give_nothing_for_what_is_anothers(
    matrix: Matrix, caller: Caller, insiders: tuple[Insider, Insider]
) -> None:
    for attacker, victim in (insiders, insiders[::-1]):
        for name, attacks in PUBLIC.items():
            for why, request, accepted in attacks(attacker, victim):
                for way, headers in attacker.credentials(victim.member).items():
                    answer = caller.send(victim.member, request, **headers)
                    what = f"{name} at {victim.member.tenant.host}: {why}, with {way} of {attacker.member.id}"
                    tried(matrix, what, request, answer, marks_of(victim), accepted=accepted(answer))
        still = get("/api/v1/session")
        for insider in (attacker, victim):
            home = insider.credentials(insider.member)["session"]
            matrix.control(AREA, "session", caller.send(insider.member, still, **home).status_code == 200)
    assert matrix.red() == []


def test_a_public_answer_is_the_same_with_anothers_credential(
    caller: Caller, insiders: tuple[Insider, Insider]
) -> None:
    attacker, victim = insiders
    for name in ("get_openid_configuration", "get_jwks", "get_version", "get_tenant"):
        ((_, request, _),) = PUBLIC[name](attacker, victim)
        bare = caller.send(victim.member, request)
        for headers in attacker.credentials(victim.member).values():
            assert caller.send(victim.member, request, **headers).json() == bare.json(), name
