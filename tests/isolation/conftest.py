"""What the matrix shares: a family of tenants with look-alike names and canaries, and the notes of every attempt.

The canaries are planted as the tenant: with its own passwords, or through its app. `make isolation` runs all of it;
fixtures of the stack itself are those of the end-to-end tests.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ..e2e import web_tenant
from ..e2e.conftest import GONE_SECONDS, READY_SECONDS, Kubectl, Tenant, manifest, until
from ..e2e.conftest import admin_dsn as admin_dsn
from ..e2e.conftest import edge as edge
from ..e2e.conftest import kubectl as kubectl
from ..e2e.conftest import plans as plans
from ..e2e.conftest import superuser as superuser
from .cells import Matrix
from .people import Caller, Insider, insider

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTES = pytest.StashKey[Matrix]()
PLATFORM = "rooftree-system"
OPERATOR = ("deployment/rooftree-operator", "-n", PLATFORM)
AWAY_SECONDS = 60


@dataclass(frozen=True)
class Member:
    """One tenant of the family. `canary`: a text that is in everything that it stores."""

    tenant: Tenant
    canary: str
    passwords: dict[str, str]  # by name in the Secret `app`, and `migrator` of the other

    @property
    def id(self) -> str:
        return self.tenant.id

    @property
    def user(self) -> str:
        return f"{self.id}.app"


@dataclass(frozen=True)
class Family:
    """Tenants whose names are mistaken for each other by whoever forgets a delimiter.

    `plain` (`oak1a2b`) has a feed; `west` is `oak1a2b-west`; `double` is `oak1a2be`; the slug of `inner` is the id of
    `plain`, so that one id begins with the other.
    """

    plain: Member
    west: Member
    double: Member
    inner: Member

    @property
    def members(self) -> tuple[Member, ...]:
        return (self.plain, self.west, self.double, self.inner)

    def pairs(self) -> list[tuple[Member, Member]]:
        """Everyone against everyone else: attacker, victim."""
        return list(permutations(self.members, 2))

    def marks(self, attacker: Member) -> list[str]:
        """What no answer to `attacker` may hold: the others' canaries and ids."""
        others = [member for member in self.members if member is not attacker]
        # An id that the attacker's own begins with is part of its own names.
        ids = [other.id for other in others if not attacker.id.startswith(other.id)]
        return [*(other.canary for other in others), *ids]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOTES] = Matrix()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Holes are made last: whatever they break is looked at no more."""
    items.sort(key=lambda item: "test_bite" in item.nodeid)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The figures, if something was tried."""
    if config.stash[NOTES].cells or config.stash[NOTES].holes:
        terminalreporter.section("isolation")
        for line in config.stash[NOTES].figures():
            terminalreporter.write_line(line)


@pytest.fixture
def matrix(pytestconfig: pytest.Config) -> Iterator[Matrix]:
    """The test's own notes; the figures are made of all of them."""
    own = Matrix()
    yield own
    pytestconfig.stash[NOTES].add(own)


@pytest.fixture
def notes(pytestconfig: pytest.Config) -> Iterator[Matrix]:
    """Of what is tried on a hole, apart from those of the run: what is red there should be."""
    own = Matrix()
    yield own
    pytestconfig.stash[NOTES].hole(own)


@pytest.fixture(scope="session")
def no_operator(kubectl: Kubectl, family: Family) -> Iterator[None]:
    """Nobody repairs anything: the operator would close most holes before anybody looked. What it finds it puts right.

    It stays away until the end, and only holes come that late.
    """
    kubectl.run("scale", *OPERATOR, "--replicas=0")
    try:
        selector = ("pods", "-n", PLATFORM, "-l", "app.kubernetes.io/name=rooftree-operator")
        until("the operator is gone", lambda: not kubectl.items(*selector), seconds=AWAY_SECONDS)
        yield
    finally:
        kubectl.run("scale", *OPERATOR, "--replicas=1")
        kubectl.run("rollout", "status", *OPERATOR, "--timeout=110s")
    for member in family.members:
        kubectl.wait_ready(member.tenant.name)


@pytest.fixture(scope="session")
def family(kubectl: Kubectl, plans: None) -> Iterator[Family]:
    """Waits with deadlines of its own; the time limits of tests are theirs only (`func_only`)."""
    base = f"oak{secrets.token_hex(2)}"
    made = [base, f"{base}-west", f"{base}e"]
    try:
        kubectl.apply(*(manifest(name, owner=owner(name)) for name in made[1:]), _with_feed(kubectl, base))
        plain = _ready(kubectl, base)
        made.append(plain.id)
        kubectl.apply(manifest(plain.id, owner=owner(plain.id)))
        ready = [plain, *(_ready(kubectl, name) for name in made[1:])]
        yield Family(*(_member(kubectl, tenant) for tenant in ready))
    finally:
        kubectl.delete_brokerage(*made, wait=False)
        until(
            "the family is gone",
            lambda: [name for name in made if kubectl.exists("brokerage", name)],
            enough=lambda left: not left,
            seconds=4 * GONE_SECONDS,
            every=1,
        )
        kubectl.run("delete", "secrets", "-n", PLATFORM, "-l", f"rooftree.dev/brokerage={base}")


def _ready(kubectl: Kubectl, name: str) -> Tenant:
    """Four come at once: each may take as long as four."""
    until(
        f"{name} is Ready",
        lambda: kubectl.conditions(name).get("Ready", {}),
        enough=lambda condition: condition.get("status") == "True",
        seconds=4 * READY_SECONDS,
        every=1,
    )
    return Tenant.of(kubectl.get("brokerage", name))


def owner(name: str) -> dict[str, str]:
    return {"email": f"owner@{name}.example", "name": "Olivia"}


def _with_feed(kubectl: Kubectl, name: str) -> dict[str, Any]:
    """A brokerage that reads the sample's feed."""
    feeds = yaml.safe_load(web_tenant.SAMPLE.read_text())["spec"]["mls"]
    for feed in feeds:
        feed["credentialsSecretRef"]["name"] = f"{name}-{feed['name']}"
        kubectl.apply(web_tenant.credentials(kubectl, feed["credentialsSecretRef"]["name"], name))
        feed["name"] = f"{feed['name']}-{secrets.token_hex(3)}"
    return manifest(name, owner=owner(name), mls=feeds)


def _member(kubectl: Kubectl, tenant: Tenant) -> Member:
    names = ("database", "kafka", "elasticsearch", "redis")
    passwords = {name: kubectl.secret(tenant.namespace, "app", f"{name}_password") for name in names}
    passwords["s3"] = kubectl.secret(tenant.namespace, "app", "s3_secret_key")
    passwords["migrator"] = kubectl.secret(tenant.namespace, "migrator", "database_password")
    return Member(tenant, f"canary-{secrets.token_hex(12)}", passwords)


@pytest.fixture(scope="session")
def caller() -> Iterator[Caller]:
    client = Caller()
    yield client
    client.close()


@pytest.fixture(scope="session")
def insiders(family: Family, kubectl: Kubectl, caller: Caller) -> Iterator[tuple[Insider, Insider]]:
    """Of the tenant that has everything, and of its look-alike. The others' owners never came in."""
    plain, west = (insider(member, family, kubectl, caller) for member in (family.plain, family.west))
    yield plain, west
    plain.person.client.close()
    west.person.client.close()
