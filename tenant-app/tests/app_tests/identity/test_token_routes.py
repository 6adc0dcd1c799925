"""Every protected operation refuses every mutation of a good token; the good token itself opens them."""

import json
import re
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey
from rooftree import openapi
from rooftree.kernel.ids import new_id

from ..conftest import EMAIL, Browser, FakeClock, Tenant
from ..token_mutations import Forge
from .conftest import token_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
Operation = tuple[str, str]


def protected() -> list[Operation]:
    """Of the API description: what wants a bearer token, with something in the place of each parameter."""
    document = json.loads(openapi.documents()[openapi.MERGED])
    return [
        (method.upper(), re.sub(r"{(\w+)}", lambda found: _value(found[1]), path))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if any("bearer" in option for option in operation.get("security", []))
    ]


def _value(name: str) -> str:
    return str(new_id()) if name.endswith("_id") else "1"


async def ask(browser: Browser, operation: Operation, token: str) -> httpx2.Response:
    headers = [(b"Authorization", b"Bearer " + token.encode()), (b"If-Match", b'"1"')]
    return await browser.request(*operation, headers=headers)


async def test_no_mutation_opens_any_protected_operation(
    owner: Browser, stored_tenant: Tenant, clock: FakeClock
) -> None:
    tokens = await token_of(owner, EMAIL)
    keys: list[Any] = json.loads(stored_tenant.secret_files["signing_keys.json"])["keys"]
    forge = Forge(tokens["access_token"], [ECKey.import_key(key) for key in keys], now=clock.now())
    owner.cookies.clear()
    operations = protected()
    assert len(operations) >= 30
    for operation in operations:
        answer = await ask(owner, operation, forge.with_claims())
        assert answer.status_code != 401, operation
    mutations = forge.mutations() | {
        "its refresh token": lambda: tokens["refresh_token"],
        "of a sign-in that is not there": lambda: forge.with_claims(sid=str(new_id())),
        "of a person who is not there": lambda: forge.with_claims(sub=str(new_id())),
    }
    tokens_made = {name: make() for name, make in mutations.items()}
    accepted = [
        (name, operation)
        for name, token in tokens_made.items()
        for operation in operations
        if not is_refused(await ask(owner, operation, token))
    ]
    assert accepted == []
    print(f"{len(mutations)} mutations, {len(operations)} operations, 0 accepted")  # noqa: T201 - a figure of the release


def is_refused(answer: httpx2.Response) -> bool:
    return (answer.status_code, answer.json()["type"]) == (401, "https://rooftree.dev/problems/token-refused")


async def test_claims_do_not_outrank_what_the_person_is(
    owner: Browser, stored_tenant: Tenant, clock: FakeClock
) -> None:
    """Even a token with a right signature does not make an owner of an agent, or move them."""
    tokens = await token_of(owner, EMAIL)
    keys: list[Any] = json.loads(stored_tenant.secret_files["signing_keys.json"])["keys"]
    forge = Forge(tokens["access_token"], [ECKey.import_key(key) for key in keys], now=clock.now())
    answer = await ask(owner, ("GET", "/probe/whoami"), forge.with_claims(roles=["agent"]))
    assert answer.json()["role"] == "broker_owner"
