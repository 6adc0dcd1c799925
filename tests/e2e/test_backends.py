"""Backends that stop answering or lose what is a tenant's: said in the conditions, repaired without anybody's help."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx2
import psycopg
import pytest
import redis
from psycopg.conninfo import make_conninfo

from .components import Components
from .conftest import Edge, Kubectl, ObjectStore, Tenant, inventory, required, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

NOTICED_SECONDS = 30
HEALED_SECONDS = 60
# Component of the local stack, condition, and the reason that it gives.
BACKENDS = (
    ("postgres", "DatabaseReady", "PostgresUnreachable"),
    ("kafka", "TopicsReady", "KafkaUnreachable"),
    ("elasticsearch", "SearchReady", "ElasticsearchUnreachable"),
    ("redis", "CacheReady", "RedisUnreachable"),
    ("s3", "StorageReady", "S3Unreachable"),
)
SAMPLE = ("postgres", "kafka")  # of the others the whole run tells


@pytest.fixture
def components() -> Iterator[Components]:
    """All go on afterwards."""
    found = Components()
    yield found
    found.go_on()


@pytest.mark.parametrize(
    ("component", "condition", "reason"),
    [pytest.param(*row, marks=() if row[0] in SAMPLE else pytest.mark.thorough) for row in BACKENDS],
)
def test_a_backend_that_hangs_is_said_stops_no_other_part_and_heals_by_itself(
    kubectl: Kubectl,
    tenant: Tenant,
    edge: Edge,
    components: Components,
    component: str,
    condition: str,
    reason: str,
) -> None:
    def seen() -> tuple[str, str]:
        found = kubectl.conditions(tenant.name)[condition]
        return found["status"], found["reason"]

    components.stop(component)
    until(f"{condition} says so", seen, enough=lambda it: it == ("False", reason), seconds=NOTICED_SECONDS)
    found = kubectl.conditions(tenant.name)
    assert found["Ready"]["status"] == "False"
    others = [name for _, name, _ in BACKENDS if name != condition]
    assert [found[name]["status"] for name in others] == ["True"] * len(others)
    assert kubectl.get("brokerage", tenant.name)["status"]["phase"] == "Degraded"
    assert edge.get(tenant.host, "/version").json()["tenant_id"] == tenant.id
    components.go_on()
    until(
        "Ready by itself",
        lambda: kubectl.conditions(tenant.name)["Ready"]["status"] == "True",
        seconds=HEALED_SECONDS,
    )


def delete_in_search(path: str) -> httpx2.Response:
    """As Elasticsearch's administrator."""
    login = (required("ROOFTREE_TEST_ELASTICSEARCH_USER"), required("ROOFTREE_TEST_ELASTICSEARCH_PASSWORD"))
    trusted = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
    return httpx2.delete(f"{required('ROOFTREE_TEST_ELASTICSEARCH_URL')}/{path}", auth=login, verify=trusted)


def lose_the_role(tenant: Tenant) -> None:
    assert delete_in_search(f"_security/role/{tenant.id}.app").json() == {"found": True}


def lose_the_cache_user(tenant: Tenant) -> None:
    with redis.Redis(
        host=required("ROOFTREE_TEST_REDIS_HOST"),
        port=int(required("ROOFTREE_TEST_REDIS_PORT")),
        username=required("ROOFTREE_TEST_REDIS_USER"),
        password=required("ROOFTREE_TEST_REDIS_PASSWORD"),
        ssl=True,
        ssl_ca_certs=required("ROOFTREE_CA_FILE"),
    ) as admin:
        assert admin.acl_deluser(f"{tenant.id}.app") == 1


def lose_the_bucket(tenant: Tenant) -> None:
    # 409: what a probe of the operator has put there is still in it.
    assert ObjectStore.administrator().ask("DELETE", f"/{tenant.id}").status_code in (204, 409)


def lose_the_key(tenant: Tenant) -> None:
    assert ObjectStore.administrator().ask("PATCH", f"/delete-user?access={tenant.id}.app").is_success


@pytest.mark.thorough
@pytest.mark.parametrize("lose", [lose_the_role, lose_the_cache_user, lose_the_bucket, lose_the_key])
def test_what_a_backend_lost_of_a_tenant_comes_back(
    kubectl: Kubectl, tenant: Tenant, lose: Callable[[Tenant], None]
) -> None:
    until("an index that nothing makes anew", lambda: search_is_settled(tenant), seconds=HEALED_SECONDS)
    before = backend_items(tenant)

    def lost() -> bool:
        """The pass of the operator that an earlier loss began may still be under way, and repair this one, too."""
        lose(tenant)
        return backend_items(tenant) != before

    until("the loss to be seen", lost, seconds=NOTICED_SECONDS)
    kubectl.run("annotate", "brokerage", tenant.name, f"test.rooftree.dev/look={lose.__name__}", "--overwrite")
    until("all is back", lambda: backend_items(tenant), enough=lambda items: items == before, seconds=NOTICED_SECONDS)
    kubectl.wait_ready(tenant.name)


@pytest.mark.parametrize(
    ("lose", "words"),
    [(lose_the_bucket, "Bucket {id}: missing with its objects"), (lose_the_key, "Access key {id}.app: missing")],
)
def test_a_loss_in_the_object_store_is_named_in_an_event(
    kubectl: Kubectl, tenant: Tenant, lose: Callable[[Tenant], None], words: str
) -> None:
    uid = kubectl.get("brokerage", tenant.name)["metadata"]["uid"]

    def told() -> list[str]:
        events = kubectl.items("events.events.k8s.io", "-n", "default")
        about = [event for event in events if event.get("regarding", {}).get("uid") == uid]
        return [event["note"] for event in about if (event["type"], event["reason"]) == ("Warning", "DriftRepaired")]

    wanted = words.format(id=tenant.id)
    before = len([note for note in told() if wanted in note])
    lose(tenant)
    kubectl.run("annotate", "brokerage", tenant.name, f"test.rooftree.dev/tell={lose.__name__}", "--overwrite")
    until(
        f"an event says {wanted!r}",
        lambda: [note for note in told() if wanted in note],
        enough=lambda notes: len(notes) == before + 1,
        seconds=NOTICED_SECONDS,
    )
    kubectl.wait_ready(tenant.name)


def search_is_settled(tenant: Tenant) -> bool:
    """A new brokerage makes its index by a job, and each of its processes may have asked for one."""
    dsn = make_conninfo(required("ROOFTREE_TEST_POSTGRES"), dbname=tenant.database)
    query = "SELECT FROM jobs.procrastinate_jobs WHERE task_name = %s AND status IN ('todo', 'doing')"
    with psycopg.connect(dsn) as database:
        is_busy = database.execute(query, ["property.rebuild_search"]).fetchone() is not None
    return not is_busy and any(item["kind"] == "index" for item in backend_items(tenant))


def backend_items(tenant: Tenant) -> list[dict[str, Any]]:
    """What backends hold of a tenant, pods and other things that come and go left out."""
    kept = ("postgres", "kafka", "elasticsearch", "redis", "s3")
    passing = ("group", "keys", "session", "objects")
    items = inventory(tenant.id)["items"]
    return [item for item in items if item["system"] in kept and item["kind"] not in passing]
