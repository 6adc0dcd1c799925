"""Deleting in two steps, what is kept of a deleted brokerage, how it comes back, and how it goes for good."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import CONFIRM, GONE_SECONDS, Edge, Kubectl, ObjectStore, Tenant, fresh_name, inventory, manifest, until
from .test_tokens import SESSION_COOKIE, Person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PLATFORM = "rooftree-system"
NOTICED_SECONDS = 30
# What is kept is looked at once a minute; a bucket and topics take some seconds.
PURGED_SECONDS = 180
PICTURE = b"a picture"


def confirmation(kind: str, name: str) -> str:
    return f"kubectl annotate {kind} {name} {CONFIRM}={name} --overwrite"


def purge_order(tenant: Tenant) -> str:
    return f"kubectl annotate secret kept-{tenant.id} -n {PLATFORM} rooftree.dev/purge={tenant.id}"


def typed(kubectl: Kubectl, command: str) -> None:
    """Runs what a message told, word for word."""
    program, *words = command.split()
    assert program == "kubectl"
    kubectl.run(*words)


def delete(kubectl: Kubectl, name: str) -> None:
    kubectl.run("delete", "brokerage", name, f"--timeout={GONE_SECONDS}s")


def purge(kubectl: Kubectl, tenant: Tenant) -> None:
    typed(kubectl, purge_order(tenant))
    until(
        f"nothing is left of {tenant.id}",
        lambda: inventory(tenant.id)["items"],
        enough=lambda items: items == [],
        seconds=PURGED_SECONDS,
        every=2,
    )


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"deletionPolicy": "Delete"}, id="with-all-data", marks=pytest.mark.thorough),
        pytest.param({"deletionPolicy": "Retain", "deletionProtection": True}, id="protected"),
    ],
)
def test_a_deletion_that_must_be_confirmed_is_refused_with_the_command_that_does_it(
    kubectl: Kubectl, brokerages: Callable[..., Tenant], spec: dict[str, Any]
) -> None:
    doomed = brokerages(**spec)
    command = confirmation("brokerage", doomed.name)
    dry = ("delete", "brokerage", doomed.name, "--dry-run=server")
    assert command in kubectl.run("delete", "brokerage", doomed.name, code=1).stderr
    kubectl.run("annotate", "brokerage", doomed.name, f"{CONFIRM}=yes")
    assert command in kubectl.run(*dry, code=1).stderr
    assert "deletionTimestamp" not in kubectl.get("brokerage", doomed.name)["metadata"]
    typed(kubectl, command)
    kubectl.run(*dry)
    # So that nothing stays in either case.
    kubectl.run(
        "patch", "brokerage", doomed.name, "--type=merge", "-p", json.dumps({"spec": {"deletionPolicy": "Delete"}})
    )
    delete(kubectl, doomed.name)
    assert inventory(doomed.id)["items"] == []


def test_a_brokerage_of_which_nothing_was_made_is_deleted_freely(kubectl: Kubectl, plans: None) -> None:
    name = fresh_name()
    kubectl.apply(manifest(name, plan="nowhere", deletionPolicy="Delete", deletionProtection=True))
    until("it is looked at", lambda: kubectl.conditions(name), seconds=NOTICED_SECONDS)
    delete(kubectl, name)


@pytest.mark.parametrize("kind", ["brokerages", "brokerageplans"])
def test_a_definition_is_not_deleted_by_accident(kubectl: Kubectl, plans: None, kind: str) -> None:
    name = f"{kind}.rooftree.dev"
    refused = kubectl.run("delete", "crd", name, "--dry-run=server", code=1).stderr
    assert confirmation("crd", name) in refused


def test_the_namespace_of_a_brokerage_is_not_deleted_by_accident(kubectl: Kubectl, tenant: Tenant) -> None:
    dry = ("delete", "namespace", tenant.namespace, "--dry-run=server")
    command = confirmation("namespace", tenant.namespace)
    assert command in kubectl.run(*dry, code=1).stderr
    typed(kubectl, command)
    kubectl.run(*dry)
    kubectl.run("annotate", "namespace", tenant.namespace, f"{CONFIRM}-")


@dataclass(frozen=True)
class Life:
    """A brokerage with an owner who is signed in, a listing and a picture."""

    tenant: Tenant
    person: Person
    cookie: str
    token: str
    listing: str

    def asks(self, path: str, **headers: str) -> int:
        """The status of an answer to the browser that was signed in before, or to whom `headers` say."""
        with self.person.new_client() as client:
            return client.get(path, headers=headers or {"Cookie": f"{SESSION_COOKIE}={self.cookie}"}).status_code


@pytest.fixture
def life(kubectl: Kubectl, plans: None) -> Iterator[Life]:
    name = fresh_name("kept")
    kubectl.apply(manifest(name, deletionPolicy="Retain"))
    tenant = Tenant.of(kubectl.wait_ready(name))
    person = Person(tenant, kubectl.ask_app(tenant.namespace, "owner-link"))
    token, cookie = person.token(), person.session()
    bearer = {"Authorization": f"Bearer {token}"}
    made = person.client.post("/api/v1/properties", json={"unparsed_address": "1 Elm Street"}, headers=bearer)
    assert made.status_code == 201, made.text
    assert ObjectStore.tenant(kubectl, tenant).ask("PUT", f"/{tenant.id}/photos/1", PICTURE).is_success
    yield Life(tenant, person, cookie, token, made.json()["id"])
    person.client.close()
    kubectl.delete_brokerage(name)


def test_a_deleted_brokerage_is_kept_comes_back_as_it_was_and_goes_for_good(
    life: Life, kubectl: Kubectl, edge: Edge
) -> None:
    tenant, listing = life.tenant, f"/api/v1/properties/{life.listing}"
    secrets = {name: kubectl.get("secret", name, "-n", tenant.namespace)["data"] for name in ("app", "migrator")}
    assert life.asks(listing) == 200

    delete(kubectl, tenant.name)
    _is_kept(kubectl, edge, tenant)
    _slug_is_refused(kubectl, tenant)

    kubectl.apply(manifest(tenant.name, deletionPolicy="Retain", tenantID=tenant.id))
    assert Tenant.of(kubectl.wait_ready(tenant.name)) == tenant
    assert {name: kubectl.get("secret", name, "-n", tenant.namespace)["data"] for name in secrets} == secrets
    until("its Secret is removed", lambda: not _kept_secrets(kubectl, tenant), seconds=NOTICED_SECONDS)
    assert (life.asks(listing), life.asks(listing, Authorization=f"Bearer {life.token}")) == (200, 200)
    assert life.person.token()
    assert ObjectStore.tenant(kubectl, tenant).ask("GET", f"/{tenant.id}/photos/1").content == PICTURE

    delete(kubectl, tenant.name)
    _is_guarded(kubectl, tenant)
    purge(kubectl, tenant)
    assert [(stone["id"], stone["state"]) for stone in inventory(tenant.id)["tombstones"]] == [(tenant.id, "deleted")]


def _kept_secrets(kubectl: Kubectl, tenant: Tenant) -> list[dict[str, Any]]:
    found = kubectl.items("secrets", "-n", PLATFORM, "-l", f"rooftree.dev/kept={tenant.name}")
    return [secret["metadata"] for secret in found]


def _is_kept(kubectl: Kubectl, edge: Edge, tenant: Tenant) -> None:
    """Gone from the cluster and the edge, its data there, its logins closed, its Secret telling who it is."""
    assert not kubectl.exists("namespace", tenant.namespace)
    until("the edge forgets the host", lambda: edge.get(tenant.host).status_code == 404, seconds=10)
    left = {(item["system"], item["kind"], item["name"]): item["detail"] for item in inventory(tenant.id)["items"]}
    assert left["registry", "tenant", tenant.id] == "kept"
    assert ("postgres", "database", tenant.id) in left
    assert left["postgres", "role", f"{tenant.id}.app"].startswith("no login")
    assert {"kafka", "s3"} <= {system for system, _, _ in left}
    assert {name for system, _, name in left if system == "kubernetes"} == {f"{PLATFORM}/kept-{tenant.id}"}
    (secret,) = _kept_secrets(kubectl, tenant)
    told = secret["annotations"]
    assert told["rooftree.dev/display-name"] == f"Brokerage {tenant.name}"
    assert told["rooftree.dev/version"] == tenant.version
    assert told["rooftree.dev/deleted-at"] < told["rooftree.dev/purge-after"]


def _slug_is_refused(kubectl: Kubectl, tenant: Tenant) -> None:
    kubectl.apply(manifest(tenant.name))
    ready = until(
        "the slug is refused",
        lambda: kubectl.conditions(tenant.name).get("Ready", {}),
        enough=lambda condition: condition.get("reason") == "SlugTaken",
        seconds=NOTICED_SECONDS,
    )
    assert f"spec.tenantID: {tenant.id}" in ready["message"]
    assert purge_order(tenant) in ready["message"]
    delete(kubectl, tenant.name)


def _is_guarded(kubectl: Kubectl, tenant: Tenant) -> None:
    """What brings it back is not deleted by hand, and no other word than its id purges it."""
    secret = ("secret", f"kept-{tenant.id}", "-n", PLATFORM)
    assert purge_order(tenant) in kubectl.run("delete", *secret, code=1).stderr
    refused = kubectl.run("annotate", *secret, f"rooftree.dev/purge={tenant.name}", code=1).stderr
    assert purge_order(tenant) in refused


def test_the_operator_deletes_no_other_secret_of_ours(kubectl: Kubectl) -> None:
    account = f"--as=system:serviceaccount:{PLATFORM}:rooftree-operator"
    words = ("delete", "secret", "rooftree-postgres", "-n", PLATFORM, "--dry-run=server", account)
    assert "is none" in kubectl.run(*words, code=1).stderr


@pytest.mark.thorough
def test_a_deletion_under_way_does_not_turn_into_one_with_all_data_unless_that_is_confirmed(
    kubectl: Kubectl, plans: None
) -> None:
    name = fresh_name("held")
    kubectl.apply(manifest(name, deletionPolicy="Retain"))
    tenant = Tenant.of(kubectl.wait_ready(name))
    hold = json.dumps([{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/held"}])
    kubectl.run("patch", "brokerage", name, "--type=json", "-p", hold)
    kubectl.run("delete", "brokerage", name, "--wait=false")
    change = ("patch", "brokerage", name, "--type=merge", "-p", json.dumps({"spec": {"deletionPolicy": "Delete"}}))
    dry = (*change, "--dry-run=server")
    try:
        assert confirmation("brokerage", name) in kubectl.run(*dry, code=1).stderr
        typed(kubectl, confirmation("brokerage", name))
        kubectl.run(*dry)
    finally:
        until(
            "only its own hold is left",
            lambda: _finalizers(kubectl, name) == ["example.com/held"],
            seconds=GONE_SECONDS,
        )
        kubectl.run("patch", "brokerage", name, "--type=merge", "-p", json.dumps({"metadata": {"finalizers": None}}))
        purge(kubectl, tenant)


def _finalizers(kubectl: Kubectl, name: str) -> list[str]:
    return kubectl.get("brokerage", name)["metadata"]["finalizers"]
