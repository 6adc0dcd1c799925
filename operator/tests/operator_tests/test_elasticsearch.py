"""The search provisioner against a real Elasticsearch: what a tenant may do there, and all that it may not."""

import base64
import json
import os
import secrets
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest
from rooftree_operator import keys, names
from rooftree_operator.adapters.elasticsearch import Elasticsearch, Login, Server
from rooftree_operator.errors import LoginRefused, Unavailable
from rooftree_operator.names import TenantId
from rooftree_operator.provisioners.search import Probe, Search, build_role
from rooftree_operator.tenant import Tenant

from .fakes.kubernetes import FakeKubernetes
from .sent import effects
from .test_plans import TENANT

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

CANARY = "canary-4711"
NDJSON = {"Content-Type": "application/x-ndjson"}


def required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: run `make test-integration`")
    return value


def server(**changes: str) -> Server:
    given = {
        "url": required("ROOFTREE_TEST_ELASTICSEARCH_URL"),
        "user": required("ROOFTREE_TEST_ELASTICSEARCH_USER"),
        "password": required("ROOFTREE_TEST_ELASTICSEARCH_PASSWORD"),
        "ca_file": required("ROOFTREE_CA_FILE"),
    }
    return Server(**{**given, **changes})


@dataclass
class Place:
    """The cluster, and the tenants that a test made in it."""

    elasticsearch: Elasticsearch
    mark: str = field(default_factory=lambda: f"t{secrets.token_hex(3)}")
    kube: FakeKubernetes = field(default_factory=FakeKubernetes)
    made: list[TenantId] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.search = Search(self.kube, self.elasticsearch)

    def tenant(self, slug: str = "a", suffix: str = "11111111") -> Tenant:
        """A tenant whose Secret holds a password, but of which Elasticsearch does not know, yet."""
        platform = replace(TENANT.platform, elasticsearch_replicas=0)
        tenant = replace(TENANT, id=TenantId(f"{self.mark}-{slug}-{suffix}"), platform=platform)
        self.made.append(tenant.id)
        space = {"namespace": tenant.namespace}
        self.kube.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": tenant.namespace}})
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding"}
        self.kube.put({**binding, "metadata": {"name": names.MANAGER, **space}})
        self.give_password(tenant)
        return tenant

    def give_password(self, tenant: Tenant) -> None:
        data = {"elasticsearch_password": base64.b64encode(keys.password().encode()).decode()}
        metadata = {"name": "app", "namespace": tenant.namespace}
        self.kube.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})

    async def login(self, tenant: Tenant) -> Login:
        password = await self.kube.secret_value("app", tenant.namespace, "elasticsearch_password")
        return Login(names.user(tenant.id), password)

    async def provision(self, tenant: Tenant) -> list[str]:
        """One pass; what it did."""
        plan = self.search.plan(tenant, await self.search.observe(tenant))
        await self.search.apply(tenant, plan)
        return [type(action).__name__ for action in plan.actions]

    async def listed(self, tenant: Tenant) -> None:
        """The tenant's app has made its index with one listing in it."""
        app = await self.as_tenant(tenant)
        index = f"{tenant.id}.properties-1"
        assert (await app.put(f"/{index}", json={"aliases": {f"{tenant.id}.properties": {}}})).is_success
        document = {"remarks": CANARY, "owner": tenant.id.value}
        assert (await app.put(f"/{index}/_doc/1?refresh=true", json=document)).is_success
        await app.aclose()

    async def as_tenant(self, tenant: Tenant) -> httpx2.AsyncClient:
        login = await self.login(tenant)
        return client(login.user, login.password)


def client(user: str, password: str) -> httpx2.AsyncClient:
    trust = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
    url = required("ROOFTREE_TEST_ELASTICSEARCH_URL")
    return httpx2.AsyncClient(base_url=url, auth=(user, password), verify=trust, timeout=20, trust_env=False)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    elasticsearch = Elasticsearch(server())
    place = Place(elasticsearch)
    yield place
    for tenant in place.made:
        await place.search.revoke(tenant)
        await place.search.delete(tenant)
    await elasticsearch.close()


async def test_a_tenant_gets_its_place_once_and_is_then_left_alone(place: Place) -> None:
    tenant = place.tenant()
    assert await place.provision(tenant) == ["PutRole", "PutUser", "PutTemplate", "Probe"]
    assert await place.provision(tenant) == []
    assert await place.elasticsearch.indices(names.prefix(tenant.id)) == [], "the probe left nothing"


async def test_after_a_restart_a_tenant_that_was_in_place_only_logs_in(place: Place) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    place.search, before = Search(place.kube, place.elasticsearch), effects("elasticsearch")
    assert await place.provision(replace(tenant, met=frozenset({"SearchReady"}))) == ["Probe"]
    assert effects("elasticsearch") == before
    assert await place.provision(tenant) == [], "it is proven by that"
    login = Login(names.user(tenant.id), "wrong")
    with pytest.raises(LoginRefused):
        await place.elasticsearch.probe(login, build_role(tenant.id))


async def test_a_tenant_whose_role_grants_less_than_it_should_is_told_of(place: Place) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    less = build_role(tenant.id)
    less["indices"][0]["privileges"] = ["read"]
    await place.elasticsearch.put_role(names.app_role(tenant.id), less)
    with pytest.raises(Unavailable, match="what its role grants"):
        await place.elasticsearch.probe(await place.login(tenant), build_role(tenant.id))


async def test_a_new_password_reaches_the_cluster_and_the_old_one_is_refused(place: Place) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    old = await place.as_tenant(tenant)
    place.give_password(tenant)
    assert await place.provision(tenant) == ["PutUser", "Probe"]
    assert (await old.get("/_security/_authenticate")).status_code == 401
    await old.aclose()
    assert await place.provision(tenant) == []


async def test_a_password_that_the_tenant_changed_by_itself_is_ours_again_after_a_restart(place: Place) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    app = await place.as_tenant(tenant)
    assert (await app.put("/_security/user/_password", json={"password": "chosen by itself"})).is_success
    assert (await app.get("/_security/_authenticate")).status_code == 401
    place.search = Search(place.kube, place.elasticsearch)
    await place.provision(tenant)
    assert (await app.get("/_security/_authenticate")).is_success
    await app.aclose()


@pytest.mark.parametrize(
    ("path", "body", "repair"),
    [
        ("_security/role/{user}", {"cluster": ["all"], "indices": []}, "PutRole"),
        ("_security/user/{user}/_disable", None, "PutUser"),
        ("_index_template/{id}", {"index_patterns": ["{id}.*"], "priority": 1}, "PutTemplate"),
    ],
    ids=["role", "user", "template"],
)
async def test_what_somebody_changed_is_repaired(place: Place, path: str, body: Any, repair: str) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    given = json.loads(json.dumps(body).replace("{id}", tenant.id.value))
    admin = client(place.elasticsearch.server.user, place.elasticsearch.server.password)
    changed = await admin.put(f"/{path.format(user=names.user(tenant.id), id=tenant.id)}", json=given)
    await admin.aclose()
    assert changed.is_success, changed.text
    assert await place.provision(tenant) == [repair, "Probe"]
    assert await place.provision(tenant) == []


async def test_the_app_makes_swaps_and_deletes_its_own_indices(place: Place) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    await place.listed(tenant)
    app, id_ = await place.as_tenant(tenant), tenant.id.value
    swap = [
        {"remove": {"index": f"{id_}.properties-1", "alias": f"{id_}.properties"}},
        {"add": {"index": f"{id_}.properties-2", "alias": f"{id_}.properties"}},
    ]
    steps = [
        ("PUT", f"/{id_}.properties-2", {"settings": {"refresh_interval": "-1"}}),
        ("PUT", f"/{id_}.properties-2/_settings", {"refresh_interval": "1s"}),
        ("POST", f"/{id_}.properties-2/_refresh", None),
        ("POST", "/_aliases", {"actions": swap}),
        ("GET", f"/_alias/{id_}.properties", None),
        ("POST", f"/{id_}.properties/_search", {"query": {"match_all": {}}}),
        ("DELETE", f"/{id_}.properties-1", None),
    ]
    for method, path, body in steps:
        answer = await app.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.text}"
    settings = (await app.get(f"/{id_}.properties-2")).json()[f"{id_}.properties-2"]
    assert settings["mappings"]["_meta"] == {"rooftree.dev/tenant": id_}
    assert settings["settings"]["index"]["number_of_replicas"] == "0"
    misspelled = await app.put(f"/{id_}.propertees/_doc/1", json={})
    assert misspelled.status_code in (400, 404), "a misspelled name makes no index"
    await app.aclose()


# What a tenant tries on a neighbour; {own} and {other} are tenant ids. Each must be refused or show nothing.
FOREIGN = [
    ("GET", "/{other}.properties/_search", None),
    ("GET", "/{other}.properties-1/_doc/1", None),
    ("GET", "/{other}.properties-1/_mapping", None),
    ("PUT", "/{other}.properties-1/_doc/2", {"x": 1}),
    ("PUT", "/{other}.evil", {}),
    ("DELETE", "/{other}.properties-1", None),
    ("POST", "/{other}.properties-1/_pit?keep_alive=1m", None),
    ("POST", "/{other}.properties-1/_close", None),
    ("POST", "/_aliases", {"actions": [{"add": {"index": "{other}.properties-1", "alias": "{own}.stolen"}}]}),
    ("POST", "/_aliases", {"actions": [{"add": {"index": "{own}.properties-1", "alias": "{other}.shadow"}}]}),
    (
        "POST",
        "/{own}.properties/_search",
        {"query": {"terms": {"owner": {"index": "{other}.properties-1", "id": "1", "path": "owner"}}}},
    ),
    ("PUT", "/_index_template/evil", {"index_patterns": ["{other}.*"], "priority": 900}),
    ("PUT", "/_security/user/{other}.app", {"password": "mine-now-1234", "roles": []}),
    ("PUT", "/_security/role/{own}.app", {"cluster": ["all"]}),
    ("POST", "/_security/api_key", {"name": "mine"}),
    ("POST", "/_security/oauth2/token", {"grant_type": "client_credentials"}),
    ("PUT", "/_cluster/settings", {"transient": {"action.destructive_requires_name": "false"}}),
    ("PUT", "/_scripts/evil", {"script": {"lang": "mustache", "source": "{}"}}),
    ("PUT", "/_ingest/pipeline/evil", {"processors": []}),
    ("PUT", "/_snapshot/evil", {"type": "fs", "settings": {"location": "/tmp"}}),
]


@pytest.fixture
async def neighbours(place: Place) -> tuple[Tenant, Tenant]:
    """Two tenants; the id of the second begins with the whole id of the first."""
    own = place.tenant("a", "11111111")
    other = place.tenant("a-11111111", "22222222")
    for tenant in (own, other):
        await place.provision(tenant)
        await place.listed(tenant)
    return own, other


def filled(value: Any, own: Tenant, other: Tenant) -> Any:
    text = json.dumps(value).replace("{own}", own.id.value).replace("{other}", other.id.value)
    return json.loads(text)


async def test_a_tenant_does_nothing_to_a_neighbour_that_it_names(
    place: Place, neighbours: tuple[Tenant, Tenant]
) -> None:
    own, other = neighbours
    app = await place.as_tenant(own)
    before = await place.elasticsearch.indices(names.prefix(other.id))
    for method, path, body in FOREIGN:
        answer = await app.request(method, filled(path, own, other), json=filled(body, own, other))
        assert answer.status_code == 403, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        assert CANARY not in answer.text
    assert await place.elasticsearch.indices(names.prefix(other.id)) == before
    await app.aclose()


async def test_a_mixed_request_reaches_only_what_is_the_tenants_own(
    place: Place, neighbours: tuple[Tenant, Tenant]
) -> None:
    own, other = neighbours
    app = await place.as_tenant(own)
    lines = [{"index": f"{other.id}.properties-1"}, {}, {"index": f"{own.id}.properties-1"}, {}]
    many = await app.post("/_msearch", content="".join(json.dumps(line) + "\n" for line in lines), headers=NDJSON)
    foreign, mine = many.json()["responses"]
    assert (foreign["status"], mine["hits"]["total"]["value"]) == (403, 1)
    actions = [
        {"index": {"_index": f"{other.id}.properties-1", "_id": "1"}},
        {"remarks": "overwritten"},
        {"delete": {"_index": f"{other.id}.properties-1", "_id": "1"}},
        {"index": {"_index": f"{own.id}.properties-1", "_id": "2"}},
        {"remarks": "mine"},
    ]
    bulk = await app.post("/_bulk", content="".join(json.dumps(line) + "\n" for line in actions), headers=NDJSON)
    assert [next(iter(item.values()))["status"] for item in bulk.json()["items"]] == [403, 403, 201]
    found = await app.post("/_mget", json={"docs": [{"_index": f"{other.id}.properties-1", "_id": "1"}]})
    assert CANARY not in found.text
    theirs = await place.as_tenant(other)
    assert (await theirs.get(f"/{other.id}.properties/_doc/1")).json()["_source"]["remarks"] == CANARY
    await app.aclose()
    await theirs.aclose()


# Requests that name nobody: of a neighbour they show neither a document nor a name.
BROAD = [
    "/_search?size=100", "/*/_search?size=100", "/_all/_search?size=100", "/*,-nothing/_count", "/_cat/indices",
    "/_cat/aliases", "/_cat/shards", "/_cat/templates", "/_cat/segments", "/_aliases", "/_alias/*", "/_mapping",
    "/_settings", "/_stats", "/_segments", "/_recovery", "/_resolve/index/*", "/_field_caps?fields=*",
    "/_index_template", "/_cluster/state", "/_cluster/health?level=indices", "/_cluster/stats", "/_nodes", "/_tasks",
    "/_snapshot", "/_security/user", "/_security/role", "/_security/api_key", "/_data_stream", "/*",
    "/_validate/query?q=*", "/_shard_stores",
]  # fmt: skip


async def test_a_broad_request_shows_nothing_of_a_neighbour(place: Place, neighbours: tuple[Tenant, Tenant]) -> None:
    own, other = neighbours
    app = await place.as_tenant(own)
    seen = {path: await app.get(path) for path in BROAD}
    assert [path for path, answer in seen.items() if other.id.value in answer.text] == []
    assert [path for path, answer in seen.items() if answer.status_code not in (200, 400, 403, 404, 405)] == []
    hits = seen["/_search?size=100"].json()["hits"]["hits"]
    assert [hit["_index"] for hit in hits] == [f"{own.id}.properties-1"]
    await app.aclose()


async def test_search_contexts_of_a_neighbour_are_of_no_use(place: Place, neighbours: tuple[Tenant, Tenant]) -> None:
    own, other = neighbours
    app, theirs = await place.as_tenant(own), await place.as_tenant(other)
    pit = (await theirs.post(f"/{other.id}.properties/_pit?keep_alive=1m")).json()["id"]
    scroll = (await theirs.post(f"/{other.id}.properties/_search?scroll=1m&size=1")).json()["_scroll_id"]
    for path, body in (("/_search", {"pit": {"id": pit}}), ("/_search/scroll", {"scroll_id": scroll})):
        answer = await app.post(path, json=body)
        assert answer.status_code in (403, 404), f"{path}: {answer.text[:300]}"
        assert CANARY not in answer.text
    await app.aclose()
    await theirs.aclose()


async def test_deleting_takes_everything_of_the_tenant_and_nothing_of_its_look_alike(
    place: Place, neighbours: tuple[Tenant, Tenant]
) -> None:
    own, other = neighbours
    app = await place.as_tenant(own)
    closed = await app.post(f"/{own.id}.properties-1/_close")
    assert closed.is_success
    await place.search.revoke(own.id)
    assert (await app.get("/_security/_authenticate")).status_code == 401
    await app.aclose()
    assert await place.elasticsearch.indices(names.prefix(own.id)) == [f"{own.id}.properties-1"], "data stays so far"
    for _ in range(2):
        await place.search.delete(own.id)
    user = names.user(own.id)
    left = (await place.elasticsearch.role(user), await place.elasticsearch.user(user))
    assert left == (None, None)
    assert await place.elasticsearch.template(names.index_template(own.id)) is None
    assert await place.elasticsearch.indices(names.prefix(own.id)) == []
    assert await place.elasticsearch.indices(names.prefix(other.id)) == [f"{other.id}.properties-1"]
    assert await place.provision(other) == []


async def test_what_bears_the_name_but_not_the_mark_is_not_deleted(place: Place) -> None:
    tenant = place.tenant()
    user = names.user(tenant.id)
    await place.elasticsearch.put_role(user, {"cluster": [], "metadata": {"by": "hand"}})
    await place.search.revoke(tenant.id)
    await place.search.delete(tenant.id)
    assert await place.elasticsearch.role(user) is not None
    await place.elasticsearch.delete_role(user)


async def test_many_indices_are_deleted_by_their_exact_names(place: Place) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    app = await place.as_tenant(tenant)
    for number in range(3):
        assert (await app.put(f"/{tenant.id}.x-{number}")).is_success
    await app.aclose()
    await place.search.delete(tenant.id)
    assert await place.elasticsearch.indices(names.prefix(tenant.id)) == []


async def test_the_operator_can_tell_a_cluster_that_refuses_from_one_that_is_away() -> None:
    for changes, reason in (({"password": "wrong"}, "Refused"), ({"url": "https://10.200.0.1:9"}, "Unreachable")):
        elasticsearch = Elasticsearch(server(**changes))
        with pytest.raises(Unavailable) as raised:
            await elasticsearch.ping()
        await elasticsearch.close()
        assert raised.value.reason == f"Elasticsearch{reason}"
        assert "wrong" not in raised.value.message


def test_no_action_shows_a_password() -> None:
    assert "hidden" not in repr(Probe("a", "hidden"))
