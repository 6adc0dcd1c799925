"""The inventory sees a tenant's things and leftovers by name and by mark, and never those of a look-alike."""

# The library of Kafka has no types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import json
import os
import secrets
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING, Any

import pytest
import redis as redis_client
import yaml
from elasticsearch import Elasticsearch, NotFoundError
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from kafka.protocol.admin import AlterClientQuotasRequest
from rooftree_local import paths, postgres, s3, services
from rooftree_local.inventory import kubernetes, model, redis
from rooftree_local.inventory import s3 as objects
from rooftree_local.inventory.model import Item, Registered, Tenant
from rooftree_local.paths import Stack
from rooftree_local.show import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAMES = (
    "acme-0a1b2c3d",
    "acme-0a1b2c3d.app",
    "acme-0a1b2c3d.app-b",
    "acme-0a1b2c3d.migrator-b",
    "acme-ffffffff.events",
    "acme-0a1b2c3d.",
)
FOREIGN = ("acme", "acme-west-0a1b2c3d", "acme-west-0a1b2c3d.app", "acme-0a1b2c3", "acme-0a1b2c3dd", "xacme-0a1b2c3d")


@pytest.mark.parametrize("name", NAMES)
def test_a_slug_owns_every_name_of_every_id_that_it_had(name: str) -> None:
    assert Tenant("acme").owns(name)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_slug_does_not_own_what_only_looks_alike(name: str) -> None:
    assert not Tenant("acme").owns(name)


def test_an_id_owns_its_own_names_only() -> None:
    tenant = Tenant("acme-0a1b2c3d")
    assert tenant.is_id
    assert [name for name in (*NAMES, *FOREIGN) if tenant.owns(name)] == [*NAMES[:4], NAMES[5]]


@pytest.mark.parametrize(
    ("comment", "is_theirs"),
    [
        ("rooftree.dev/tenant=acme-0a1b2c3d", True),
        ("rooftree.dev/tenant=acme-west-0a1b2c3d", False),
        ("acme-0a1b2c3d", False),
        (None, False),
    ],
)
def test_a_comment_is_a_mark_when_it_says_so(comment: str | None, is_theirs: bool) -> None:
    assert Tenant("acme").is_marked(comment) is is_theirs


def test_an_id_from_the_pool_is_a_slugs_own_where_the_registry_says_so() -> None:
    pooled = Registered("pool-0a1b2c3d", "acme", "live")
    assert Tenant("acme").is_row(pooled)
    assert not Tenant("acme-west").is_row(pooled)
    assert not Tenant("acme").owns("pool-0a1b2c3d.app")
    assert Tenant("acme", ["pool-0a1b2c3d"]).owns("pool-0a1b2c3d.app")
    assert not Tenant("acme", ["pool-0a1b2c3d"]).owns("pool-ffffffff.app")
    assert Tenant("pool").owns("pool-ffffffff.app"), "all spares, and all that were"


def test_a_slug_with_letters_that_mean_something_in_patterns_is_taken_as_it_is() -> None:
    assert not Tenant("a.me").owns("acme-0a1b2c3d")


def test_the_order_is_fixed_each_thing_is_told_once_and_a_tombstone_is_none_of_them() -> None:
    things = [Item("redis", "user", "b"), Item("kafka", "topic", "a"), Item("redis", "user", "b")]
    rows = [Registered("acme-ffffffff", "acme", "deleted"), Registered("acme-0a1b2c3d", "acme", "live")]
    found = model.assemble(Tenant("acme"), ["kafka"], things, rows)
    told = [(one.system, one.name) for one in found.items]
    assert told == [("kafka", "a"), ("redis", "b"), ("registry", "acme-0a1b2c3d")]
    assert found.tombstones == (rows[0],)
    assert model.as_json(found) == model.as_json(model.assemble(Tenant("acme"), ["kafka"], things[::-1], rows[::-1]))


def test_nothing_is_said_in_words_with_the_tombstone_apart(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Registered("acme-ffffffff", "acme", "deleted")]
    model.show(model.assemble(Tenant("acme"), ["kafka", "redis"], [], rows), console())
    assert capsys.readouterr().out.splitlines() == [
        "Nothing exists of acme in kafka, redis.",
        "Tombstone in the registry: acme-ffffffff",
    ]


def test_users_of_redis_are_found_by_name_and_by_what_they_may_touch_and_their_hashes_are_not_told() -> None:
    listed = [
        "user default off sanitize-payload resetchannels -@all",
        "user acme-0a1b2c3d.app on sanitize-payload #00ff ~acme-0a1b2c3d.* &acme-0a1b2c3d.* -@all +get",
        "user stray on #00ff %R~acme-0a1b2c3d.* -@all",
        "user acme-west-0a1b2c3d.app on #00ff ~acme-west-0a1b2c3d.* -@all",
    ]
    found = redis.users(listed, Tenant("acme"))
    assert [one.name for one in found] == ["acme-0a1b2c3d.app", "stray"]
    assert not any("#" in one.detail for one in found)


def test_buckets_are_found_by_name_by_mark_and_by_whom_their_policies_let_in_and_no_secret_is_told() -> None:
    buckets = [
        objects.Bucket("acme-0a1b2c3d", "", ()),
        objects.Bucket("stray", "acme-0a1b2c3d", ("acme-0a1b2c3d.app",)),
        objects.Bucket("shared", "", ("acme-0a1b2c3d.app", "somebody")),
        objects.Bucket("acme-west-0a1b2c3d", "acme-west-0a1b2c3d", ("acme-west-0a1b2c3d.app",)),
    ]
    keys = {"acme-0a1b2c3d.app": "user", "acme-west-0a1b2c3d.app": "user", "rooftree": "admin"}
    found = [(one.kind, one.name, one.detail) for one in objects.theirs(buckets, keys, Tenant("acme"))]
    assert found == [
        ("user", "acme-0a1b2c3d.app", "role user"),
        ("bucket", "acme-0a1b2c3d", "without a mark"),
        ("bucket", "stray", "marked acme-0a1b2c3d"),
        ("policy", "stray", "for acme-0a1b2c3d.app"),
        ("policy", "shared", "for acme-0a1b2c3d.app, somebody"),
    ]


class GoingBucket:
    """A store whose only bucket goes after so many requests about it."""

    def __init__(self, name: str, left: int) -> None:
        self.name, self._left = name, left

    def ask(self, _: Stack, method: str, path: str, query: dict[str, str] | None = None) -> bytes:
        if path == "/list-buckets":
            return f"<Result><Buckets><Name>{self.name}</Name></Buckets></Result>".encode()
        if path == "/list-users":
            return b"<Result/>"
        self._left -= 1
        if self._left < 0:
            raise urllib.error.HTTPError(path, 404, "Not Found", Message(), None)
        return {"tagging": b"<Tagging/>", "policy": b"{}"}.get(
            next(iter(query or {})), b"<ListBucketResult><Contents/></ListBucketResult>"
        )


@pytest.mark.parametrize("left", range(4))
def test_a_bucket_that_goes_while_it_is_looked_at_is_no_error(monkeypatch: pytest.MonkeyPatch, left: int) -> None:
    monkeypatch.setattr(s3, "ask", GoingBucket("acme-0a1b2c3d", left).ask)
    found = [(one.kind, one.detail) for one in objects.look(Stack("test"), Tenant("acme"))]
    assert found == [("bucket", "without a mark"), ("objects", "1")][: 2 if left == 3 else 1]


def test_objects_are_found_by_namespace_by_label_and_the_brokerage_by_its_id_or_name() -> None:
    listed = """\
v1 Namespace <none> tenant-acme-0a1b2c3d <none> <none>
v1 ConfigMap tenant-acme-0a1b2c3d kube-root-ca.crt <none> <none>
v1 Namespace <none> tenant-acme-west-0a1b2c3d acme-west-0a1b2c3d <none>
apps/v1 Deployment tenant-acme-west-0a1b2c3d app acme-west-0a1b2c3d <none>
rbac.authorization.k8s.io/v1 ClusterRole <none> stray acme-0a1b2c3d <none>
v1 Secret rooftree-system acme-mls <none> <none>
rooftree.dev/v1alpha1 Brokerage <none> acme <none> acme-0a1b2c3d
rooftree.dev/v1alpha1 Brokerage <none> acme-west <none> acme-west-0a1b2c3d
"""
    found = [(one.kind, one.name) for one in kubernetes.objects(listed, Tenant("acme"))]
    assert found == [
        ("Namespace", "tenant-acme-0a1b2c3d"),
        ("ConfigMap", "tenant-acme-0a1b2c3d/kube-root-ca.crt"),
        ("ClusterRole.rbac.authorization.k8s.io", "stray"),
        ("Brokerage.rooftree.dev", "acme"),
    ]
    older = kubernetes.objects(listed, Tenant("acme-ffffffff"))
    assert older == [], "the name is in use again, by another life of it"


def test_what_lies_of_a_tenant_on_the_volume_of_backups_is_seen_and_nothing_of_a_look_alike(tmp_path: Path) -> None:
    assert kubernetes.backups(tmp_path / "backups", Tenant("acme")) == []
    for folder in ("acme-0a1b2c3d/second", "acme-0a1b2c3d/first", "acme-ffffffff", "acme-west-0a1b2c3d/first"):
        (tmp_path / folder).mkdir(parents=True)
    found = [(one.kind, one.name) for one in kubernetes.backups(tmp_path, Tenant("acme"))]
    assert found == [
        ("folder of backups", "acme-0a1b2c3d/first"),
        ("folder of backups", "acme-0a1b2c3d/second"),
        ("folder of backups", "acme-ffffffff"),
    ]


def test_the_id_of_a_brokerage_is_read_where_its_definition_keeps_it() -> None:
    definition = yaml.safe_load((paths.repository() / "crds" / "brokerages.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert kubernetes.COLUMNS[-1].rpartition(":.status.")[2] in schema["properties"]["status"]["properties"]


@dataclass(frozen=True)
class Backends:
    """Administrators' clients of all backends."""

    stack: Stack
    kafka: Any
    search: Elasticsearch
    redis: Any


@pytest.fixture
def backends() -> Iterator[Backends]:
    authority = os.environ["ROOFTREE_CA_FILE"]

    def login(name: str) -> tuple[str, str]:
        return os.environ[f"ROOFTREE_TEST_{name}_USER"], os.environ[f"ROOFTREE_TEST_{name}_PASSWORD"]

    user, password = login("KAFKA")
    options: dict[str, Any] = {
        "bootstrap_servers": os.environ["ROOFTREE_TEST_KAFKA_BOOTSTRAP"],
        "security_protocol": "SASL_SSL",
        "ssl_cafile": authority,
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": user,
        "sasl_plain_password": password,
    }
    admin = KafkaAdminClient(**options)
    url = os.environ["ROOFTREE_TEST_ELASTICSEARCH_URL"]
    search = Elasticsearch(url, basic_auth=login("ELASTICSEARCH"), ca_certs=authority)
    user, password = login("REDIS")
    cache = redis_client.Redis(
        host=os.environ["ROOFTREE_TEST_REDIS_HOST"],
        port=int(os.environ["ROOFTREE_TEST_REDIS_PORT"]),
        username=user,
        password=password,
        ssl=True,
        ssl_ca_certs=authority,
    )
    yield Backends(Stack(os.environ["ROOFTREE_STACK"]), admin, search, cache)
    admin.close()
    search.close()
    cache.close()


class Planted:
    """A tenant's things as the product makes them, and one that only its mark gives away in each system with marks."""

    def __init__(self, backends: Backends, slug: str) -> None:
        self.at, self.slug = backends, slug
        self.id = f"{slug}-{secrets.token_hex(4)}"
        self.user = f"{self.id}.app"
        self.stray = f"stray-{secrets.token_hex(4)}"
        self.index = f"{self.id}.properties-1"

    def make(self) -> None:
        mark = f"rooftree.dev/tenant={self.id}"
        for role in (self.user, self.stray):
            postgres.query(self.at.stack, f'CREATE ROLE "{role}"; COMMENT ON ROLE "{role}" IS \'{mark}\'')
        postgres.query(self.at.stack, f'CREATE DATABASE "{self.id}" CONNECTION LIMIT 7')
        postgres.query(self.at.stack, f'GRANT CONNECT ON DATABASE "{self.id}" TO "{self.user}"')
        metadata = {"rooftree.dev/tenant": self.id}
        rule = {"names": [f"{self.id}.*"], "privileges": ["read"]}
        self.at.search.security.put_role(name=self.user, indices=[rule], metadata=metadata)
        for user in (self.user, self.stray):
            password = secrets.token_hex(16)
            self.at.search.security.put_user(username=user, password=password, roles=[], metadata=metadata)
        self.at.search.indices.put_index_template(
            name=self.id,
            index_patterns=[f"{self.id}.*"],
            meta=metadata,
            template={"settings": {"number_of_replicas": 0}},
        )
        self.at.search.indices.create(index=self.index, aliases={f"{self.id}.properties": {}})
        password = secrets.token_hex(16)
        self.at.redis.acl_setuser(self.user, enabled=True, passwords=[f"+{password}"], keys=[f"{self.id}.*"])
        self.at.redis.set(f"{self.id}.greeting", "hello", ex=600)
        self.at.kafka.create_topics({f"{self.id}.events": {"num_partitions": 1, "replication_factor": 1}})
        self.at.kafka.create_acls([self.acl()])
        self.store()
        secret = secrets.token_hex(16)
        credential = UserScramCredentialUpsertion(self.user, ScramMechanism.SCRAM_SHA_512, secret)
        assert self.at.kafka.alter_user_scram_credentials([credential]) == {self.user: None}
        self.quota(remove=False)

    def store(self) -> None:
        account = f"<Account><Access>{self.user}</Access><Secret>word</Secret><Role>user</Role></Account>"
        self.put("PATCH", "/create-user", account)
        for bucket in (self.id, self.stray):
            mark = f"<Tag><Key>rooftree.dev/tenant</Key><Value>{self.id}</Value></Tag>"
            body = f"<CreateBucketConfiguration><Tags>{mark}</Tags></CreateBucketConfiguration>"
            self.put("PUT", f"/{bucket}", body)
        self.put("PUT", f"/{self.id}/photos/1", "a picture")

    def put(self, method: str, path: str, content: str) -> None:
        url, body = f"{services.S3_URL}{path}", content.encode()
        headers = s3.signed(method, url, body, user=services.S3_USER, secret=services.s3_secret(self.at.stack))
        request = urllib.request.Request(url, body, headers, method=method)
        trust = ssl.create_default_context(cafile=os.environ["ROOFTREE_CA_FILE"])
        with urllib.request.urlopen(request, timeout=10, context=trust):
            pass

    def quota(self, *, remove: bool) -> None:
        message = AlterClientQuotasRequest
        operation = message.EntryData.OpData(key="producer_byte_rate", value=1024.0, remove=remove)
        entity = message.EntryData.EntityData(entity_type="user", entity_name=self.user)
        request = message(entries=[message.EntryData(entity=[entity], ops=[operation])], validate_only=False)
        manager = self.at.kafka._manager  # there is no public way to send it
        (result,) = manager.run(manager.send, request).entries
        assert result.error_code == 0

    def acl(self) -> ACL:
        pattern = ResourcePattern(ResourceType.TOPIC, f"{self.id}.", ACLResourcePatternType.PREFIXED)
        return ACL(f"User:{self.user}", "*", ACLOperation.READ, ACLPermissionType.ALLOW, pattern)

    def remove(self) -> None:
        postgres.query(self.at.stack, f'DROP DATABASE IF EXISTS "{self.id}"')
        postgres.query(self.at.stack, f'DROP ROLE IF EXISTS "{self.user}", "{self.stray}"')
        unmake: list[Callable[[], object]] = [
            lambda: self.at.search.indices.delete(index=self.index),
            lambda: self.at.search.indices.delete_index_template(name=self.id),
            lambda: self.at.search.security.delete_role(name=self.user),
            lambda: self.at.search.security.delete_user(username=self.user),
            lambda: self.at.search.security.delete_user(username=self.stray),
        ]
        for one in unmake:
            try:
                one()
            except NotFoundError:
                continue
        s3.ask(self.at.stack, "PATCH", "/delete-user", {"access": self.user})
        for path in (f"/{self.id}/photos/1", f"/{self.id}", f"/{self.stray}"):
            try:
                s3.ask(self.at.stack, "DELETE", path)
            except urllib.error.HTTPError as refusal:
                if refusal.code != 404:
                    raise
        self.at.redis.acl_deluser(self.user)
        self.at.redis.delete(f"{self.id}.greeting")
        self.at.kafka.delete_topics([f"{self.id}.events"], raise_errors=False)
        self.at.kafka.delete_acls([self.acl()])
        self.at.kafka.alter_user_scram_credentials(
            [UserScramCredentialDeletion(self.user, ScramMechanism.SCRAM_SHA_512)]
        )
        self.quota(remove=True)


@pytest.fixture
def planted(backends: Backends) -> Iterator[tuple[Planted, Planted]]:
    """A tenant and one whose slug begins like its."""
    slug = f"t{secrets.token_hex(4)}"
    both = Planted(backends, slug), Planted(backends, f"{slug}-west")
    try:
        for one in both:
            one.make()
        yield both
    finally:
        for one in both:
            one.remove()


def asked(tenant: str, stack: Stack) -> dict[str, Any]:
    command = [sys.executable, "-m", "rooftree_local", "inventory", tenant, "--stack", stack.name, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.integration
def test_everything_of_a_tenant_is_found_in_the_backends_themselves_and_nothing_of_its_look_alike(
    planted: tuple[Planted, Planted], backends: Backends
) -> None:
    mine, west = planted
    found = asked(mine.slug, backends.stack)
    told = {(one["system"], one["kind"], one["name"]) for one in found["items"]}
    assert told == {
        ("postgres", "database", mine.id),
        ("postgres", "role", mine.user),
        ("postgres", "role", mine.stray),
        ("postgres", "grant", mine.user),
        ("postgres", "grant", "postgres"),
        ("kafka", "topic", f"{mine.id}.events"),
        ("kafka", "acl", mine.user),
        ("kafka", "credential", mine.user),
        ("kafka", "quota", mine.user),
        ("elasticsearch", "index", mine.index),
        ("elasticsearch", "alias", f"{mine.id}.properties"),
        ("elasticsearch", "template", mine.id),
        ("elasticsearch", "role", mine.user),
        ("elasticsearch", "user", mine.user),
        ("elasticsearch", "user", mine.stray),
        ("redis", "user", mine.user),
        ("redis", "keys", f"{mine.id}.*"),
        ("s3", "user", mine.user),
        ("s3", "bucket", mine.id),
        ("s3", "bucket", mine.stray),
        ("s3", "objects", mine.id),
    }
    assert not any(west.id in json.dumps(one) for one in found["items"])
    assert asked(mine.id, backends.stack)["items"] == found["items"]
    mine.remove()
    assert asked(mine.slug, backends.stack)["items"] == []
    assert asked(west.slug, backends.stack)["items"]
