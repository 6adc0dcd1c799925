"""Two generations of credentials in the real backends: both get in with the same rights, then the new one alone."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql
from redis.exceptions import RedisError
from rooftree_operator import generations, keys, names
from rooftree_operator.adapters.elasticsearch import Elasticsearch
from rooftree_operator.adapters.elasticsearch import Login as SearchLogin
from rooftree_operator.adapters.kafka import Kafka
from rooftree_operator.adapters.postgres import Postgres
from rooftree_operator.adapters.redis import Redis
from rooftree_operator.adapters.s3 import S3, Standing
from rooftree_operator.adapters.sigv4 import Key
from rooftree_operator.api.rotation import RotationPhase
from rooftree_operator.database_roles import login_roles, plan_roles
from rooftree_operator.drift import Object
from rooftree_operator.errors import LoginRefused, Unavailable, Waiting
from rooftree_operator.generations import Logins, Record
from rooftree_operator.names import Slot, TenantId
from rooftree_operator.provisioners.cache import Cache
from rooftree_operator.provisioners.database import Database
from rooftree_operator.provisioners.search import Search, build_role
from rooftree_operator.provisioners.storage import PROBE, Storage
from rooftree_operator.provisioners.topics import Topics
from rooftree_operator.tenant import Tenant

from . import test_elasticsearch, test_kafka, test_redis, test_s3
from .test_plans import TENANT
from .test_postgres import Place, tenant_in

patient = test_kafka.patient  # a fixture
pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

FORMER, NEW = Slot.A, Slot.B
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Secrets:
    """Of Kubernetes, what provisioners need: the Secret `app`, at a phase of a rotation."""

    def __init__(self) -> None:
        self.record = Record()
        self.values = {key: keys.password() for slot in Slot for key in generations.keys_of("app", slot)}

    def turn(self) -> RotationPhase:
        """The next phase."""
        begins = not self.record.is_running
        self.record = self.record.begun("one", NOW) if begins else self.record.advanced(NOW)
        return self.record.phase

    def password(self, name: str, slot: Slot) -> str:
        return self.values[generations.key(slot, name)]

    async def get(self, *_: object) -> Object:
        values = {**self.values, generations.RECORD: json.dumps(asdict(self.record))}
        return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}}


@asynccontextmanager
async def provisioned(part: Any, tenant: Tenant) -> AsyncIterator[Any]:
    """Runs the part until nothing is to be done any more, whenever it is asked to; deletes all in the end."""

    async def provision() -> None:
        plan = None
        for _ in range(40):
            plan = part.plan(tenant, await part.observe(tenant))
            if not plan.actions:
                return
            try:
                await part.apply(tenant, plan)
            except Waiting:
                continue
        raise AssertionError(f"it never rests: {plan}")

    try:
        yield provision
    finally:
        await gone(part, tenant.id)


async def gone(part: Any, tenant: TenantId) -> None:
    await part.revoke(tenant)
    for _ in range(40):
        try:
            await part.delete(tenant)
        except Waiting:
            continue
        return


def fresh() -> Tenant:
    return replace(TENANT, id=names.mint(f"r{keys.password()[:6].lower().translate(PLAIN)}", keys.password().encode()))


PLAIN = str.maketrans("-_", "xy")


@pytest.mark.usefixtures("patient")
async def test_kafka_lets_both_generations_in_and_then_the_new_one_alone() -> None:
    kafka, secrets, tenant = Kafka(test_kafka.server()), Secrets(), fresh()
    part: Any = Topics(secrets, kafka)  # type: ignore[arg-type]
    topic = names.topic(tenant.id, tenant.release.topics[0])
    login = {slot: (names.user(tenant.id, slot), secrets.password("kafka_password", slot)) for slot in Slot}
    try:
        async with provisioned(part, tenant) as provision:
            await provision()
            while secrets.turn() is not RotationPhase.DRAINING:
                await provision()
                for slot in Slot:
                    await kafka.probe(*login[slot], topic)
            await provision()
            await kafka.probe(*login[NEW], topic)
            with pytest.raises((LoginRefused, Unavailable)):
                await kafka.probe(*login[FORMER], topic)
            seen = await kafka.access(login[FORMER][0], ())
            assert (seen.iterations, seen.grants, seen.quotas) == (None, frozenset(), {})

        async def nothing_left() -> bool:
            seen = [await kafka.access(user, ()) for user, _ in login.values()]
            return all((one.iterations, one.grants, one.quotas) == (None, frozenset(), {}) for one in seen)

        await test_kafka.until(nothing_left)
    finally:
        kafka.close()


async def test_elasticsearch_lets_both_generations_in_and_then_the_new_one_alone() -> None:
    elasticsearch, secrets = Elasticsearch(test_elasticsearch.server()), Secrets()
    tenant = replace(fresh(), platform=replace(TENANT.platform, elasticsearch_replicas=0))
    part: Any = Search(secrets, elasticsearch)  # type: ignore[arg-type]

    async def probe(slot: Slot) -> None:
        login = SearchLogin(names.user(tenant.id, slot), secrets.password("elasticsearch_password", slot))
        await elasticsearch.probe(login, build_role(tenant.id))

    async with provisioned(part, tenant) as provision:
        await provision()
        while secrets.turn() is not RotationPhase.DRAINING:
            await provision()
            for slot in Slot:
                await probe(slot)
        await provision()
        await probe(NEW)
        with pytest.raises(LoginRefused):
            await probe(FORMER)
    for slot in Slot:
        assert await elasticsearch.user(names.user(tenant.id, slot)) is None
    await elasticsearch.close()


async def test_redis_lets_both_generations_in_and_then_the_new_one_alone() -> None:
    redis, secrets, tenant = Redis(test_redis.server()), Secrets(), fresh()
    part: Any = Cache(secrets, redis)  # type: ignore[arg-type]
    login = {slot: (names.user(tenant.id, slot), secrets.password("redis_password", slot)) for slot in Slot}
    key = names.key(tenant.id, "probe")
    async with provisioned(part, tenant) as provision:
        await provision()
        while secrets.turn() is not RotationPhase.DRAINING:
            await provision()
            for slot in Slot:
                await redis.probe(*login[slot], key)
        inside = test_redis.Home(redis, tenant.id)
        inside.app.connection_pool.connection_kwargs["password"] = login[FORMER][1]
        assert await inside.app.ping()
        await provision()
        await redis.probe(*login[NEW], key)
        with pytest.raises(LoginRefused):
            await redis.probe(*login[FORMER], key)
        with pytest.raises(RedisError):
            await inside.app.ping()
        await inside.app.aclose()
    for user, _ in login.values():
        assert await redis.user(user) is None
    await redis.close()


async def test_s3_lets_both_generations_in_and_then_the_new_one_alone() -> None:
    s3, secrets, tenant = S3(test_s3.server()), Secrets(), fresh()
    part: Any = Storage(secrets, s3)  # type: ignore[arg-type]
    login = {slot: Key(names.user(tenant.id, slot), secrets.password("s3_secret_key", slot)) for slot in Slot}
    bucket, foreign = names.bucket(tenant.id), names.foreign_bucket(tenant.id)
    async with provisioned(part, tenant) as provision:
        await provision()
        while secrets.turn() is not RotationPhase.DRAINING:
            await provision()
            for slot in Slot:
                await s3.probe(login[slot], bucket=bucket, name=PROBE, foreign=foreign)
        await provision()
        await s3.probe(login[NEW], bucket=bucket, name=PROBE, foreign=foreign)
        with pytest.raises(LoginRefused):
            await s3.probe(login[FORMER], bucket=bucket, name=PROBE, foreign=foreign)
    for key in login.values():
        assert await s3.standing(key) is Standing.NONE
    await s3.close()


@pytest.fixture
def place() -> Iterator[Place]:
    with Place.made() as made:
        yield made


async def turned(postgres: Postgres, tenant: Tenant, app: Logins, migrator: Logins) -> int:
    """Makes roles as these logins mean; how much was to do."""
    part, database = Database(None, postgres), names.database(tenant.id)  # type: ignore[arg-type]
    logins = [role for slot in Slot for role in login_roles(tenant.id, slot)]
    seen = await postgres.roles([names.owner_role(tenant.id), *logins])
    steps = plan_roles(tenant, seen, app, migrator)
    for step in steps:
        await part._do(tenant, step)
    connect = [names.app_role(tenant.id), *(names.migrator_role(tenant.id, slot) for slot in migrator.passwords)]
    await postgres.secure_database(database, connect=connect, create=(), comment=names.mark(tenant.id))
    return len(steps)


async def test_postgres_lets_both_generations_in_and_then_the_new_one_alone(place: Place) -> None:
    postgres = Postgres(place.server())
    id_, _ = await tenant_in(place, postgres)
    tenant, database, owner = replace(TENANT, id=id_), names.database(id_), names.owner_role(id_)
    await postgres.grant_schemas(database, ["listing"], owner=owner, app=names.app_role(id_))
    secret = {slot: keys.password() for slot in Slot}
    both = Logins(secret)
    assert await turned(postgres, tenant, Logins({FORMER: secret[FORMER]}), Logins({FORMER: secret[FORMER]}))
    assert await turned(postgres, tenant, both, both)
    assert await turned(postgres, tenant, both, both) == 0
    with place.enter(names.migrator_role(id_, NEW), secret[NEW], database) as migrating:
        migrating.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        migrating.execute("CREATE TABLE listing.later (id int PRIMARY KEY)")
    with place.enter(names.user(id_, FORMER), secret[FORMER], database) as old:
        for slot in Slot:
            with place.enter(names.user(id_, slot), secret[slot], database) as app:
                app.execute("INSERT INTO listing.home (words) VALUES ('one')")
                app.execute("INSERT INTO listing.later VALUES (%s)", (ord(slot),))
                assert app.execute("SELECT count(*) FROM listing.later").fetchone() is not None
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    app.execute("DROP TABLE listing.later")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    app.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        only = Logins({NEW: secret[NEW]}, FORMER)
        assert await turned(postgres, tenant, only, only)
        with pytest.raises(psycopg.OperationalError):
            old.execute("SELECT 1")
    assert await turned(postgres, tenant, only, only) == 0
    for role in login_roles(id_, FORMER):
        with pytest.raises(psycopg.OperationalError):
            place.enter(role, secret[FORMER], database)
    with place.enter(names.user(id_, NEW), secret[NEW], database) as app:
        assert app.execute("SELECT count(*) FROM listing.home").fetchone() == (2,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(names.app_role(id_))))
    await postgres.drop_database(database)
    logins = [role for slot in Slot for role in login_roles(id_, slot)]
    present = await postgres.roles([owner, *logins])
    assert len(present) == 5
    await postgres.drop_roles(sorted(present, reverse=True))
    assert await postgres.roles([owner, *logins]) == {}
