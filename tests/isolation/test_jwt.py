"""Tokens through the real edge: none that was altered opens anything; a refresh token used twice ends its family."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from joserfc.jwk import ECKey

from . import api
from .jwt_mutations import Material, mutations
from .test_http import aimed, form, tried

if TYPE_CHECKING:
    from ..e2e.conftest import Kubectl
    from .cells import Matrix
    from .conftest import Member
    from .people import Caller, Insider

pytestmark = [pytest.mark.isolation, pytest.mark.e2e, pytest.mark.timeout(400, func_only=True)]

AREA = "http"


def signing_key(kubectl: Kubectl, member: Member) -> ECKey:
    document = json.loads(kubectl.secret(member.tenant.namespace, "app", "signing_keys.json"))
    return ECKey.import_key(document["keys"][0])


def material(kubectl: Kubectl, plain: Insider, west: Insider) -> Material:
    """New tokens: those of the insiders may be minutes old."""
    keys = [signing_key(kubectl, insider.member) for insider in (plain, west)]
    return Material(plain.person.token(), keys[0], west.person.token(), keys[1])


def protected() -> list[api.Operation]:
    return [operation for operation in api.operations() if operation.protected]


def sweep(matrix: Matrix, caller: Caller, plain: Insider, west: Insider, given: Material) -> None:
    """Every mutation at every protected operation."""
    altered = mutations(given)
    assert len(altered) >= 30
    for operation in protected():
        request = aimed(operation, plain, west)
        for name, token in altered.items():
            answer = caller.send(plain.member, request, Authorization=f"Bearer {token}")
            tried(matrix, f"{operation.id} with {name}", request, answer, [], accepted=answer.status_code != 401)


@pytest.mark.thorough
def test_no_altered_token_opens_any_operation(
    matrix: Matrix, kubectl: Kubectl, caller: Caller, insiders: tuple[Insider, Insider]
) -> None:
    plain, west = insiders
    given = material(kubectl, plain, west)
    at_home = next(operation for operation in protected() if operation.id == "search_properties")
    for token in (given.token, given.copy()):
        answer = caller.send(plain.member, aimed(at_home, plain, west), Authorization=f"Bearer {token}")
        matrix.control(AREA, "a token by hand", answer.status_code == 200, answer.text)
    sweep(matrix, caller, plain, west, given)
    assert matrix.red() == []


def test_what_stands_beside_a_token_does_not_make_it_one(
    matrix: Matrix, caller: Caller, insiders: tuple[Insider, Insider]
) -> None:
    """Tokens in other places, other schemes, and a refresh token as an access token."""
    plain, _ = insiders
    tokens = plain.person.tokens()
    target = "/api/v1/properties"
    ways: dict[str, tuple[str, dict[str, str]]] = {
        "in the query": (f"{target}?access_token={tokens['access_token']}", {}),
        "as Basic": (target, {"Authorization": f"Basic {tokens['access_token']}"}),
        "without a scheme": (target, {"Authorization": tokens["access_token"]}),
        "two of them": (target, {"Authorization": f"Bearer {tokens['access_token']}, Bearer {tokens['access_token']}"}),
        "refresh token": (target, {"Authorization": f"Bearer {tokens['refresh_token']}"}),
        "in a cookie": (target, {"Cookie": f"__Host-session={tokens['access_token']}"}),
        "in X-Authorization": (target, {"X-Authorization": f"Bearer {tokens['access_token']}"}),
        "cookie without its prefix": (target, {"Cookie": f"session={plain.cookie}"}),
        "cookie cut short": (target, {"Cookie": f"__Host-session={plain.cookie[:-1]}"}),
    }
    for name, (path, headers) in ways.items():
        request = api.Request("GET", path, None, {})
        answer = caller.send(plain.member, request, **headers)
        tried(matrix, f"{target} with a token {name}", request, answer, [], accepted=answer.status_code != 401)
    assert matrix.red() == []


def test_a_refresh_token_used_twice_ends_its_whole_family(
    matrix: Matrix, caller: Caller, insiders: tuple[Insider, Insider]
) -> None:
    plain, _ = insiders

    def refreshed(token: str) -> tuple[int, dict[str, str]]:
        request = form("/oauth/token", grant_type="refresh_token", client_id="web", refresh_token=token)
        answer = caller.send(plain.member, request)
        return answer.status_code, answer.json()

    first = plain.person.tokens()["refresh_token"]
    others = plain.person.tokens()["refresh_token"]
    status, second = refreshed(first)
    matrix.control(AREA, "refresh", status == 200, second)
    status, third = refreshed(second["refresh_token"])
    matrix.control(AREA, "refresh", status == 200, third)
    for name, token in (("first", first), ("second", second["refresh_token"]), ("newest", third["refresh_token"])):
        status, answer = refreshed(token)
        matrix.tried(AREA, f"the {name} of a family after a replay", accepted=status < 400, answer=json.dumps(answer))
    status, answer = refreshed(others)
    matrix.control(AREA, "a family of another sign-in", status == 200, answer)
    assert matrix.red() == []
