"""The matrix notices: each hole is made by the administrator, looked at with the same sweeps, and taken back.

The operator is away meanwhile: it would close most of them before anybody looked. What it then finds it puts right.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql

from ..e2e.conftest import ObjectStore, until
from . import (
    test_elasticsearch,
    test_hosts,
    test_http,
    test_jwt,
    test_kafka,
    test_kubernetes,
    test_network,
    test_postgres,
    test_redis,
    test_s3,
)
from .cells import Matrix
from .conftest import PLATFORM
from .test_elasticsearch import REFUSED, SILENT, Search
from .test_kafka import Client
from .test_network import listeners
from .test_postgres import Login, login

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from ..e2e.conftest import Database, Kubectl, Tenant
    from .conftest import Family
    from .people import Caller, Insider

pytestmark = [pytest.mark.isolation, pytest.mark.timeout(300)]
_ = listeners, login  # fixtures
kafka_admin, kafka_clients = test_kafka.admin, test_kafka.clients
OPERATOR = ("deployment/rooftree-operator", "-n", PLATFORM)
SETTLED_SECONDS = 30


@pytest.fixture(scope="module", autouse=True)
def no_operator(kubectl: Kubectl, family: Family) -> Iterator[None]:
    """Nobody repairs anything; afterwards everything is right again."""
    kubectl.run("scale", *OPERATOR, "--replicas=0")
    selector = ("pods", "-n", PLATFORM, "-l", "app.kubernetes.io/name=rooftree-operator")
    until("the operator is gone", lambda: not kubectl.items(*selector), seconds=60)
    yield
    kubectl.run("scale", *OPERATOR, "--replicas=1")
    kubectl.run("rollout", "status", *OPERATOR, "--timeout=120s")
    for member in family.members:
        kubectl.wait_ready(member.tenant.name)


@pytest.fixture
def notes() -> Matrix:
    """Apart from those of the run: what is red here should be."""
    return Matrix()


@contextmanager
def done(database: Database, statement: str, undo: str, **names: str) -> Iterator[None]:
    parts = {name: sql.Identifier(value) for name, value in names.items()}
    database.execute(sql.SQL(statement).format(**parts))  # type: ignore[arg-type]
    try:
        yield
    finally:
        database.execute(sql.SQL(undo).format(**parts))  # type: ignore[arg-type]


def test_a_database_that_everybody_may_enter(notes: Matrix, login: Login, family: Family, superuser: Database) -> None:
    victim = family.inner
    forms = ("GRANT CONNECT ON DATABASE {d} TO PUBLIC", "REVOKE CONNECT ON DATABASE {d} FROM PUBLIC")
    with done(superuser, *forms, d=victim.tenant.database):
        test_postgres.sweep_databases(notes, login, family, superuser)
    red = notes.red()
    assert len(red) == 6
    assert all(f"enters {victim.tenant.database}" in line for line in red)


def test_a_role_that_may_become_anothers(notes: Matrix, login: Login, family: Family, superuser: Database) -> None:
    attacker, victim = family.plain, family.inner
    forms = ("GRANT {o} TO {a}", "REVOKE {o} FROM {a}")
    hole = done(superuser, *forms, o=f"{victim.id}.owner", a=f"{attacker.id}.app")
    with hole, login(attacker, "app", attacker.tenant.database) as own:
        test_postgres._become(notes, own, "app", f"{victim.id}.owner")
        test_postgres._become(notes, own, "app", f"{victim.id}.migrator")
    assert [line for line in notes.red() if f"app becomes {victim.id}.owner" in line]
    assert not [line for line in notes.red() if f"{victim.id}.migrator" in line]


def test_a_role_that_reads_files_of_the_server(
    notes: Matrix, login: Login, family: Family, superuser: Database
) -> None:
    attacker = family.plain
    forms = ("GRANT pg_read_server_files TO {a}", "REVOKE pg_read_server_files FROM {a}")
    hole = done(superuser, *forms, a=f"{attacker.id}.migrator")
    with hole, login(attacker, "migrator", attacker.tenant.database) as own:
        # Roles come with SET ROLE only: NOINHERIT is part of what keeps a grant harmless.
        own.execute("SET ROLE pg_read_server_files")
        for what, statement in test_postgres.OUTWARD.items():
            test_postgres.attempt(notes, own, what, statement, [])
    assert {line.split(": ")[1] for line in notes.red()} >= {"pg_read_file"}


# Kafka's numbers: topic 2, group 3, cluster 4, transactional id 5; literal 3, prefixed 4; read 3, write 4, describe 8.
@pytest.mark.parametrize(
    ("resource", "pattern", "name", "operation", "noticed"),
    [
        (2, 4, "{id}", 3, "Fetch"),
        (2, 4, "{id}", 4, "Produce"),
        (2, 3, "*", 8, "ListOffsets"),
        (3, 4, "{id}", 3, "JoinGroup"),
        (3, 3, "*", 8, "DescribeGroups"),
        (5, 4, "{id}", 4, "InitProducerId"),
        (4, 3, "kafka-cluster", 8, "DescribeAcls"),
        (4, 3, "kafka-cluster", 9, "WriteTxnMarkers"),
    ],
    ids=lambda value: str(value),
)
def test_an_acl_that_is_too_wide(
    notes: Matrix,
    family: Family,
    kafka_admin: Client,
    kafka_clients: dict[str, Client],
    resource: int,
    pattern: int,
    name: str,
    operation: int,
    noticed: str,
) -> None:
    attacker, victim = family.plain, family.inner
    rule = {"resource": resource, "pattern": pattern, "name": name.format(id=attacker.id), "operation": operation}
    ids = test_kafka.topic_ids(kafka_admin, family)
    with acl(kafka_admin, f"User:{attacker.user}", **rule):
        client = kafka_clients[attacker.id]
        until("the broker knows", lambda: _red(client, family, noticed), seconds=SETTLED_SECONDS)
        test_kafka.sweep(notes, family, client, attacker, victim, ids[victim.id])
    assert [line for line in notes.red() if f": {noticed} v" in line]


def _red(client: Client, family: Family, name: str) -> list[str]:
    notes, message = Matrix(), test_kafka.by_name(name)
    aim = test_kafka.target(family.plain.id, family.inner.id)
    for version in test_kafka.versions(client, message):
        test_kafka.attempt(notes, client, message, version, aim, name, [])
    return notes.red()


@contextmanager
def acl(admin: Client, principal: str, *, resource: int, pattern: int, name: str, operation: int) -> Iterator[None]:
    create = {
        "resource_type": resource,
        "resource_name": name,
        "resource_pattern_type": pattern,
        "principal": principal,
    }
    create |= {"host": "*", "operation": operation, "permission_type": 3}
    message, wire = test_kafka.by_name("CreateAcls"), admin.connected()
    answer, _ = wire.ask(message, 2, {"creations": [create]})
    assert test_kafka.codes(answer) == [0], answer
    try:
        yield
    finally:
        drop = {"resource_type_filter": resource, "resource_name_filter": name, "pattern_type_filter": pattern}
        drop |= {"principal_filter": principal, "host_filter": "*", "operation": operation, "permission_type": 3}
        wire.ask(test_kafka.by_name("DeleteAcls"), 2, {"filters": [drop]})


@pytest.mark.parametrize("pattern", ["{id}*", "*", "*.canary", "{slug}*"])
def test_a_search_role_that_is_too_wide(notes: Matrix, family: Family, pattern: str) -> None:
    attacker, victim = family.plain, family.inner
    admin = Search(
        *(test_elasticsearch.required(f"ROOFTREE_TEST_ELASTICSEARCH_{name}") for name in ("USER", "PASSWORD"))
    )
    users = {m.id: Search(m.user, m.passwords["elasticsearch"]) for m in family.members}
    for member in (attacker, victim):
        test_elasticsearch.plant(users[member.id], member)
    path = f"/_security/role/{attacker.user}"
    role = admin.ask("GET", path).json()[attacker.user]
    wide = pattern.format(id=attacker.id, slug=attacker.tenant.name)
    grant = {"names": [wide], "privileges": ["read", "view_index_metadata"]}
    try:
        changed = {**_bare(role), "indices": [*_bare(role)["indices"], grant]}
        assert admin.ask("PUT", path, changed).is_success
        reading = REFUSED[: REFUSED.index(("PUT", "/{V}/_doc/2", {"text": "x"}))]
        test_elasticsearch.sweep(notes, family, users, attacker, victim, [*reading, *SILENT])
    finally:
        assert admin.ask("PUT", path, _bare(role)).is_success
        for member in (attacker, victim):
            users[member.id].ask("DELETE", f"/{member.id}.canary")
    assert len(notes.red()) > 20
    assert any(cell.foreign for cell in notes.cells)


def _bare(role: dict[str, Any]) -> dict[str, Any]:
    return {key: role[key] for key in ("cluster", "indices", "applications", "run_as", "metadata")}


@pytest.mark.parametrize(
    ("rule", "noticed"),
    [
        ("~*", "get"),
        ("~{id}*", "set"),
        ("&*", "publish"),
        ("+keys", "keys"),
        ("+scan", "scan"),
        ("+@dangerous", "acl list"),
    ],
)
def test_a_cache_user_that_may_too_much(notes: Matrix, family: Family, rule: str, noticed: str) -> None:
    attacker, victim = family.plain, family.inner
    words = [f"ROOFTREE_TEST_REDIS_{name}" for name in ("USER", "PASSWORD")]
    admin: redis.Connection = test_redis.connect(*(test_redis.required(word) for word in words))
    test_redis.plant(victim)
    known = {
        name: arity for name, arity in test_redis.commands(admin).items() if name.split("|")[0] not in test_redis.LAST
    }
    before = next(
        line.decode() for line in test_redis.ask(admin, "ACL", "LIST") if f"user {attacker.user} ".encode() in line
    )
    try:
        assert test_redis.ask(admin, "ACL", "SETUSER", attacker.user, rule.format(id=attacker.id)) == b"OK"
        safe = {
            name: arity for name, arity in known.items() if name not in ("monitor", "sync", "psync", "client|reply")
        }
        key = test_redis.keys(victim)[0]
        test_redis.sweep(notes, family, attacker, key, safe)
    finally:
        test_redis.ask(admin, "ACL", "SETUSER", attacker.user, "reset", *before.split()[2:])
        with test_redis.talking(victim) as own:
            test_redis.ask(own, "DEL", *test_redis.keys(victim))
        admin.disconnect()
    assert [line for line in notes.red() if f": {noticed}" in line]


def test_a_bucket_that_a_neighbour_may_read(notes: Matrix, family: Family) -> None:
    attacker, victim = family.plain, family.inner
    admin, user, owner = ObjectStore.administrator(), test_s3.store(attacker), test_s3.store(victim)
    assert owner.ask("PUT", f"/{victim.id}/{test_s3.OBJECT}", victim.canary.encode()).is_success
    path = f"/{victim.id}?policy="
    before = admin.ask("GET", path).content
    places = [f"arn:aws:s3:::{victim.id}", f"arn:aws:s3:::{victim.id}/*"]
    actions = ["s3:GetObject", "s3:ListBucket"]
    hole = {"Effect": "Allow", "Principal": {"AWS": [attacker.user]}, "Action": actions, "Resource": places}
    policy = json.loads(before)
    try:
        changed = json.dumps({**policy, "Statement": [*policy["Statement"], hole]})
        assert admin.ask("PUT", path, changed.encode()).is_success
        test_s3.sweep(notes, family, user, attacker, victim)
    finally:
        assert admin.ask("PUT", path, before).is_success
        owner.ask("DELETE", f"/{victim.id}/{test_s3.OBJECT}")
    assert [cell for cell in notes.cells if cell.accepted and cell.foreign]


@pytest.mark.usefixtures("listeners")
@pytest.mark.parametrize("gone", ["app", "default"])
def test_a_network_policy_that_opens_its_namespace(notes: Matrix, kubectl: Kubectl, family: Family, gone: str) -> None:
    """`app`: one beside it lets everything in and out. `default`: there is none any more."""
    attacker, neighbour = family.west.tenant, family.double.tenant
    address = test_network.pod_address(kubectl, attacker.namespace, "app")
    places = test_network.destinations(kubectl, neighbour, family.inner.tenant)
    allowed = set(test_network.TRUTH["open"]["app"])

    def red() -> list[str]:
        notes.cells.clear()
        test_network.judge(notes, "app", test_network.look(address, places), places, allowed)
        return notes.red()

    policies = [_policy(kubectl, tenant, name) for tenant in (attacker, neighbour) for name in ("app", "default")]
    if gone == "app":
        spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]}
        kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": spec}
        kubectl.apply(
            *({**kind, "metadata": {"name": "wide", "namespace": t.namespace}} for t in (attacker, neighbour))
        )
    else:
        for tenant in (attacker, neighbour):
            kubectl.run("delete", "networkpolicies", "app", "default", "-n", tenant.namespace)
    try:
        found = until("the hole is there", red, enough=lambda lines: len(lines) > 10, seconds=SETTLED_SECONDS, every=1)
    finally:
        for tenant in (attacker, neighbour):
            kubectl.run("delete", "networkpolicy", "wide", "-n", tenant.namespace, "--ignore-not-found")
        kubectl.apply(*policies)
    until("the hole is closed", red, enough=lambda lines: not lines, seconds=SETTLED_SECONDS, every=1)
    assert any("neighbour's app" in line for line in found)
    assert any("kubelet" in line for line in found)


def _policy(kubectl: Kubectl, tenant: Tenant, name: str) -> dict[str, Any]:
    found = kubectl.get("networkpolicy", name, "-n", tenant.namespace)
    metadata = {key: found["metadata"][key] for key in ("name", "namespace", "labels")}
    return {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": metadata, "spec": found["spec"]}


def test_a_tenants_account_with_a_right(notes: Matrix, kubectl: Kubectl, family: Family) -> None:
    attacker, victim = family.plain, family.inner
    token = kubectl.run("create", "token", "default", "-n", attacker.tenant.namespace).stdout.strip()
    account = test_kubernetes.Api(f"https://{test_kubernetes.NODE}:6443", token)
    name = ("rolebinding", "isolation-hole", "-n", victim.tenant.namespace)
    subject = f"--serviceaccount={attacker.tenant.namespace}:default"
    kubectl.run("create", *name, "--clusterrole=view", subject)
    try:
        until(
            "the right is there",
            lambda: account.get(f"/api/v1/namespaces/{victim.tenant.namespace}/pods").status_code == 200,
            seconds=SETTLED_SECONDS,
        )
        test_kubernetes.sweep(notes, kubectl, account, attacker, victim)
    finally:
        kubectl.run("delete", *name)
        account.close()
    assert len(notes.red()) > 10
    assert all(victim.tenant.namespace in line for line in notes.red())


# Code that the victim's app loads at its start, from a ConfigMap of the test's: the product has no such switch.
BELIEVES_ANY_TOKEN = """
import base64, json
from uuid import UUID
from rooftree.kernel.auth import Principal
from rooftree.modules.identity.tokens import TokenIssuer
def authenticate(self, token, now):
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return Principal(user_id=UUID(claims["sub"]), tenant_id=self._tenant_id, role=claims["roles"][0],
                     client_id=claims["client_id"], scopes=frozenset(claims["scope"].split()))
TokenIssuer.authenticate = authenticate
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
        kubectl.run("rollout", "status", *deployment, "--timeout=90s")
        yield
    finally:
        kubectl.run("rollout", "undo", *deployment)
        kubectl.run("rollout", "status", *deployment, "--timeout=90s")
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

    def red() -> list[str]:
        notes.cells.clear()
        test_hosts.sweep(notes, west, plain)
        return notes.red()

    with planted(kubectl, plain.member.tenant, HOST_NOT_CHECKED):
        hosts(host, f"www.{host}")
        try:
            found = until("the hole is there", red, seconds=SETTLED_SECONDS, every=1)
        finally:
            hosts(host)
    assert any("a sub-domain of the other: who answers" in line for line in found)
    until("the hole is closed", red, enough=lambda lines: not lines, seconds=SETTLED_SECONDS, every=1)
