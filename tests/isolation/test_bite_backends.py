"""The matrix notices holes in the backends: databases, roles, ACLs and policies that are too wide.

Each hole is made by the administrator, looked at with the same sweeps, and taken back.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql

from ..e2e.conftest import ObjectStore, until
from . import test_elasticsearch, test_kafka, test_postgres, test_redis, test_s3
from .cells import Matrix
from .elasticsearch_calls import READING, SILENT
from .test_elasticsearch import Search
from .test_kafka import Client
from .test_postgres import Login, login

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from ..e2e.conftest import Database
    from .conftest import Family

pytestmark = [pytest.mark.isolation, pytest.mark.timeout(300, func_only=True), pytest.mark.usefixtures("no_operator")]
_ = login  # a fixture
kafka_admin, kafka_clients = test_kafka.admin, test_kafka.clients
SETTLED_SECONDS = 30


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


@pytest.mark.parametrize(
    ("right", "noticed"), [("pg_read_server_files", "read a file"), ("pg_execute_server_program", "run a program")]
)
def test_an_owner_that_reaches_the_server_itself(
    notes: Matrix, login: Login, family: Family, superuser: Database, right: str, noticed: str
) -> None:
    attacker = family.plain
    # Rights of roles are not inherited here unless somebody says so.
    forms = ("GRANT {r} TO {o} WITH INHERIT TRUE", "REVOKE {r} FROM {o}")
    with done(superuser, *forms, r=right, o=f"{attacker.id}.owner"):
        test_postgres.sweep_outward(notes, login, attacker, [])
    assert [line for line in notes.red() if f"owner of {attacker.id}: {noticed}:" in line]
    assert not [line for line in notes.red() if f"app of {attacker.id}" in line]


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
    client = kafka_clients[attacker.id]
    with acl(kafka_admin, f"User:{attacker.user}", **rule):
        until("the broker knows", lambda: _red(client, family, noticed), seconds=SETTLED_SECONDS)
        test_kafka.sweep(notes, family, client, attacker, victim, ids[victim.id])
    closed = {"enough": lambda lines: not lines, "seconds": SETTLED_SECONDS}
    until("the broker has forgotten it", lambda: _red(client, family, noticed), **closed)
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
        answer, _ = wire.ask(test_kafka.by_name("DeleteAcls"), 2, {"filters": [drop]})
        assert set(test_kafka.codes(answer)) == {0}, answer


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
        test_elasticsearch.sweep(notes, family, users, attacker, victim, [*READING, *SILENT])
    finally:
        assert admin.ask("PUT", path, _bare(role)).is_success
        for member in (attacker, victim):
            users[member.id].ask("DELETE", f"/{member.id}.canary")
    assert len(notes.red()) > 20
    assert any(cell.foreign for cell in notes.cells)


def _bare(role: dict[str, Any]) -> dict[str, Any]:
    return {key: role[key] for key in ("cluster", "indices", "applications", "run_as", "metadata")}


# What ends the sweep's own connection or its hole, or would leave users behind.
UNSAID = {"monitor", "sync", "psync", "client|reply", "acl|load", "acl|save", "acl|setuser", "acl|deluser"}


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
    unsaid = {*test_redis.LAST, *UNSAID}
    known = {
        name: arity for name, arity in test_redis.commands(admin).items() if not unsaid & {name, name.partition("|")[0]}
    }
    listed = [line.decode() for line in test_redis.ask(admin, "ACL", "LIST")]
    before = next(line for line in listed if f"user {attacker.user} " in line)
    try:
        assert test_redis.ask(admin, "ACL", "SETUSER", attacker.user, rule.format(id=attacker.id)) == b"OK"
        test_redis.sweep(notes, family, attacker, test_redis.keys(victim)[0], known)
    finally:
        assert test_redis.ask(admin, "ACL", "SETUSER", attacker.user, "reset", *before.split()[2:]) == b"OK"
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
