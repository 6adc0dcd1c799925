"""The matrix notices an app that is careless: with tokens, or with hosts.

The code of the hole runs in the tenant's own pods; the same sweeps look at them, and then it is taken back.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ..e2e.conftest import until
from . import test_hosts, test_http, test_jwt
from .cells import Matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..e2e.conftest import Kubectl, Tenant
    from .people import Caller, Insider

pytestmark = [pytest.mark.isolation, pytest.mark.timeout(300, func_only=True), pytest.mark.usefixtures("no_operator")]
SETTLED_SECONDS = 30

# Code that the victim's app loads at its start, from a ConfigMap of the test's: the product has no such switch.
BELIEVES_ANY_TOKEN = """
import base64, json
from uuid import UUID
from rooftree.kernel.auth import Principal
from rooftree.modules.identity.service import IdentityService
async def authenticate(self, token):
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return Principal(user_id=UUID(claims["sub"]), tenant_id=self._issuer._tenant_id, role=claims["roles"][0],
                     client_id=claims["client_id"], scopes=frozenset(claims["scope"].split()))
IdentityService.authenticate = authenticate
"""
TAKES_ANY_ISSUER = """
from rooftree.modules.identity import tokens
class Lenient(dict):
    def __getitem__(self, name):
        return expected.get(name) or dict.__getitem__(self, name)
expected = {}
strict = tokens.TokenIssuer._principal
def principal(self, claims, now):
    expected.update({"iss": self._issuer, "aud": self.audience, "tenant_id": self._tenant_id})
    return strict(self, Lenient(claims), now)
tokens.TokenIssuer._principal = principal
"""
ALG_FROM_HEADER = """
import json
from rooftree.modules.identity import tokens
strict = tokens.TokenIssuer._claims
def claims(self, token):
    header = json.loads(tokens._canonical(token.split(".")[0]))
    if str(header.get("alg", "")).lower() == "none":
        return tokens._object(tokens._canonical(token.split(".")[1]))
    return strict(self, token)
tokens.TokenIssuer._claims = claims
"""


@contextmanager
def planted(kubectl: Kubectl, tenant: Tenant, code: str) -> Iterator[None]:
    """The tenant's app runs with this code in it."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "planted", "namespace": tenant.namespace}}
    # Imported by Python itself at its start, when the app's own modules are not there yet.
    kubectl.apply({**config, "data": {"sitecustomize.py": LATE, "planted_bug.py": code}})
    deployment = ("deployment/app", "-n", tenant.namespace)
    container = {
        "name": "app",
        "env": [{"name": "PYTHONPATH", "value": "/planted:/app/src:/app/site-packages"}],
        "volumeMounts": [{"name": "planted", "mountPath": "/planted"}],
    }
    volumes = [{"name": "planted", "configMap": {"name": "planted"}}]
    spec = {"spec": {"template": {"spec": {"containers": [container], "volumes": volumes}}}}
    kubectl.run("patch", *deployment, "-p", json.dumps(spec))
    try:
        kubectl.run("rollout", "status", *deployment, "--timeout=110s")
        yield
    finally:
        kubectl.run("rollout", "undo", *deployment)
        kubectl.run("rollout", "status", *deployment, "--timeout=110s")
        kubectl.run("delete", "configmap", "planted", "-n", tenant.namespace)


LATE = """
import sys
class Planting:
    def find_spec(self, name, path=None, target=None):
        if name != "rooftree.main":
            return None
        sys.meta_path.remove(self)
        import planted_bug
        return None
sys.meta_path.insert(0, Planting())
"""


def test_an_app_that_believes_any_token(
    notes: Matrix, kubectl: Kubectl, caller: Caller, insiders: tuple[Insider, Insider]
) -> None:
    plain, west = insiders
    with planted(kubectl, plain.member.tenant, BELIEVES_ANY_TOKEN):
        test_http.sweep(notes, caller, west, plain)
    red = notes.red()
    assert len(red) > 10
    assert any("with token of" in line for line in red)
    assert any(cell.foreign for cell in notes.cells)


@pytest.mark.parametrize(
    ("code", "noticed"),
    [(ALG_FROM_HEADER, "alg none"), (TAKES_ANY_ISSUER, "audience of a neighbour")],
    ids=["algorithm from the header", "any issuer"],
)
def test_an_app_that_checks_tokens_badly(
    notes: Matrix, kubectl: Kubectl, caller: Caller, insiders: tuple[Insider, Insider], code: str, noticed: str
) -> None:
    plain, west = insiders
    with planted(kubectl, plain.member.tenant, code):
        test_jwt.sweep(notes, caller, plain, west, test_jwt.material(kubectl, plain, west))
    assert [line for line in notes.red() if f"with {noticed}:" in line]


HOST_NOT_CHECKED = """
from rooftree.kernel import middleware
middleware.check = lambda scope, settings: None
"""


def test_an_app_and_a_route_that_take_any_host(
    notes: Matrix, kubectl: Kubectl, caller: Caller, insiders: tuple[Insider, Insider]
) -> None:
    plain, west = insiders
    route = ("httproute", "app", "-n", plain.member.tenant.namespace)
    host = plain.member.tenant.host
    assert kubectl.get(*route)["spec"]["hostnames"] == [host]

    def hosts(*names: str) -> None:
        kubectl.run("patch", *route, "--type=merge", "-p", json.dumps({"spec": {"hostnames": [*names]}}))

    def looked() -> Matrix:
        seen = Matrix()
        test_hosts.sweep(seen, west, plain)
        return seen

    def found(seen: Matrix) -> bool:
        return any("a sub-domain of the other: who answers" in line for line in seen.red())

    with planted(kubectl, plain.member.tenant, HOST_NOT_CHECKED):
        hosts(host, f"www.{host}")
        try:
            notes.add(until("the hole is there", looked, enough=found, seconds=SETTLED_SECONDS, every=1))
        finally:
            hosts(host)
    until("the hole is closed", looked, enough=lambda seen: not seen.red(), seconds=SETTLED_SECONDS, every=1)
