"""Spare tenants on a real cluster: made beforehand, out of reach, taken by new brokerages, and gone with their plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from rooftree_local.postgres import PLATFORM_DATABASE

from .conftest import Edge, Kubectl, ObjectStore, Tenant, fresh_name, inventory, manifest, plan_manifest, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

WARM = 2
# A place is filled 10 to 20 s after its spare was taken, and each spare takes a few seconds on a loaded machine.
FILLED_SECONDS = 120
# Topics, a bucket and a namespace take some seconds each.
REMOVED_SECONDS = 180
# Its turn comes within a round of 50 s, the pool's within 10 s more, after all else.
MENDED_SECONDS = 120


class Pool:
    """The spares of a plan of the test's own."""

    def __init__(self, kubectl: Kubectl, dsn: str, plan: str) -> None:
        self.kubectl, self.dsn, self.plan = kubectl, make_conninfo(dsn, dbname=PLATFORM_DATABASE), plan

    def ids(self, state: str = "ready") -> set[str]:
        with psycopg.connect(self.dsn) as connection:
            query = "SELECT id FROM registry.spare WHERE plan = %s AND state = %s"
            return {row[0] for row in connection.execute(query, (self.plan, state))}

    def want(self, count: int) -> None:
        self.kubectl.apply(plan_manifest(self.plan, warm=count))

    def filled(self, count: int = WARM) -> set[str]:
        """Of whichever test comes first; one of them takes the plan away."""
        self.want(count)
        return until(
            f"{count} spares of {self.plan}", self.ids, enough=lambda ids: len(ids) == count, seconds=FILLED_SECONDS
        )


@pytest.fixture(scope="module")
def pool(kubectl: Kubectl, admin_dsn: str, plans: None) -> Iterator[Pool]:
    made = Pool(kubectl, admin_dsn, fresh_name("warm"))
    yield made
    kubectl.run("delete", "brokerageplan", made.plan, "--ignore-not-found")


def test_a_spare_has_its_place_everywhere_and_neither_pods_nor_an_address(kubectl: Kubectl, pool: Pool) -> None:
    for spare in pool.filled():
        found = inventory(spare)
        assert {"postgres", "kafka", "elasticsearch", "redis", "kubernetes"} <= {
            one["system"] for one in found["items"]
        }
        space = kubectl.get("namespace", f"tenant-{spare}")["metadata"]
        assert space["labels"]["rooftree.dev/tenant"] == spare
        assert "rooftree.dev/brokerage" not in space["labels"]
        assert kubectl.items("deployments,services,jobs,pods,httproutes", "-n", space["name"]) == []
        assert kubectl.exists("networkpolicy", "default", "-n", space["name"])


@pytest.mark.thorough
def test_what_a_ready_spare_lost_is_given_back_though_nobody_asks_for_it(kubectl: Kubectl, pool: Pool) -> None:
    spares = pool.filled()
    spare = min(spares)
    policy, store = ("networkpolicy", "default", "-n", f"tenant-{spare}"), ObjectStore.administrator()
    kubectl.run("delete", *policy)
    assert store.ask("DELETE", f"/{spare}").status_code == 204
    until("its policy is back", lambda: kubectl.exists(*policy), seconds=MENDED_SECONDS)
    until("its bucket is back", lambda: store.ask("HEAD", f"/{spare}").status_code == 200, seconds=MENDED_SECONDS)
    assert until("it is ready again", pool.ids, enough=lambda ids: spare in ids, seconds=MENDED_SECONDS) == spares


def test_new_brokerages_take_a_spare_each_and_answer_as_ever(
    kubectl: Kubectl, pool: Pool, brokerages: Callable[..., Tenant], edge: Edge
) -> None:
    spares = pool.filled()
    passwords = {spare: kubectl.secret(f"tenant-{spare}", "app", "database_password") for spare in spares}
    names = [fresh_name("acme"), fresh_name("birch")]
    kubectl.apply(*(manifest(name, plan=pool.plan) for name in names))
    both = [brokerages(name, plan=pool.plan) for name in names]
    assert {one.id for one in both} == spares
    assert len(set(passwords.values())) == WARM
    for one in both:
        assert edge.get(one.host, "/version").json()["tenant_id"] == one.id
        assert kubectl.secret(one.namespace, "app", "database_password") == passwords[one.id]
        labels = kubectl.get("namespace", one.namespace)["metadata"]["labels"]
        assert labels["rooftree.dev/brokerage"] == one.name
        assert one.id in kubectl.run("brokerage", "tree", one.name).stdout
        assert {item["system"] for item in inventory(one.name)["items"]} >= {"postgres", "kubernetes"}


@pytest.mark.thorough
def test_nothing_that_a_claim_changes_is_told_as_drift(
    kubectl: Kubectl, pool: Pool, brokerages: Callable[..., Tenant]
) -> None:
    spares = pool.filled()
    one = brokerages(plan=pool.plan)
    assert one.id in spares
    uid = kubectl.get("brokerage", one.name)["metadata"]["uid"]
    events = kubectl.items("events.events.k8s.io", "-n", "default")
    told = {event["reason"] for event in events if event.get("regarding", {}).get("uid") == uid}
    assert "Ready" in told
    assert "DriftRepaired" not in told


@pytest.mark.thorough
def test_a_kept_brokerage_on_a_spare_comes_back_by_its_id(
    kubectl: Kubectl, pool: Pool, brokerages: Callable[..., Tenant]
) -> None:
    pool.filled()
    one = brokerages(plan=pool.plan, deletionPolicy="Retain")
    assert one.id.startswith("pool-")
    kubectl.delete_brokerage(one.name)
    again = brokerages(one.name, plan=pool.plan, tenantID=one.id)
    assert (again.id, again.database) == (one.id, one.database)


@pytest.mark.thorough
def test_a_brokerage_on_a_spare_that_is_deleted_leaves_nothing(
    kubectl: Kubectl, pool: Pool, brokerages: Callable[..., Tenant]
) -> None:
    pool.filled()
    one = brokerages(plan=pool.plan)
    assert one.id.startswith("pool-")
    kubectl.delete_brokerage(one.name)
    assert inventory(one.id)["items"] == []


@pytest.mark.thorough
def test_spares_go_with_their_plan_and_leave_nothing(kubectl: Kubectl, pool: Pool) -> None:
    spares = pool.filled()
    kubectl.run("delete", "brokerageplan", pool.plan)
    for spare in spares:
        until(
            f"nothing is left of {spare}",
            lambda spare=spare: inventory(spare)["items"],
            enough=lambda items: items == [],
            seconds=REMOVED_SECONDS,
            every=2,
        )
    assert pool.ids("gone") >= spares
