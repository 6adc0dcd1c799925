"""All credentials and signing keys of a brokerage are replaced under load: nobody notices, old ones are refused."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2
import psycopg
import pytest
import redis
from psycopg.conninfo import make_conninfo
from rooftree_operator.adapters.kafka import Kafka, Server
from rooftree_operator.errors import LoginRefused, Unavailable

from .conftest import Kubectl, ObjectStore, Tenant, awaited, fresh_name, required, until
from .faults.lines import Editor, Writer
from .faults.load import Client, Line, Load, show
from .test_tokens import SESSION_COOKIE, Person

if TYPE_CHECKING:
    from collections.abc import Callable

# What the former key signed is good for 10.5 minutes, and pods roll three times.
pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.timeout(1500)]

ROLLED_SECONDS = 300
ROTATED_SECONDS = 870
RENEWED_SECONDS = 120.0  # a token lives 10 minutes
WRITERS = 2
PASSWORDS = ("database_password", "kafka_password", "elasticsearch_password", "redis_password", "s3_secret_key")


@dataclass
class Owner:
    """Goes on working: by a browser that signed in once, and by a program that gets a new token now and then."""

    person: Person
    cookie: str = ""
    bearer: dict[str, str] = field(default_factory=dict)

    def arrive(self) -> None:
        self.cookie = f"{SESSION_COOKIE}={self.person.session()}"
        self.bearer["Authorization"] = f"Bearer {self.person.token()}"

    def lines(self) -> tuple[Line, ...]:
        writers = [Writer(self.person) for _ in range(WRITERS)]
        return (
            Line(0.5, self.page),
            Line(0.2, self.search),
            Line(0.2, self.session),
            Line(1.0, Editor(self.bearer).edit),
            Line(RENEWED_SECONDS, self.renew),
            *(Line(0.5, writer.refresh) for writer in writers),
        )

    async def page(self, client: Client) -> None:
        await client.ask("page", "GET", "/listings", headers={"Accept": "text/html"})

    async def search(self, client: Client) -> None:
        await client.ask("search", "GET", "/api/v1/properties", params={"q": "garage"}, headers=self.bearer)

    async def session(self, client: Client) -> None:
        await client.ask("session", "GET", "/api/v1/session", headers={"Cookie": self.cookie})

    async def renew(self, _: Client) -> None:
        self.bearer["Authorization"] = f"Bearer {await asyncio.to_thread(self.person.token)}"


def rotation(kubectl: Kubectl, name: str) -> dict[str, str]:
    return kubectl.get("brokerage", name)["status"].get("rotation", {})


def wait_for(kubectl: Kubectl, name: str, *phases: str, seconds: float) -> dict[str, str]:
    what = f"the rotation of {name} to be {' or '.join(phases)}"
    return until(what, lambda: rotation(kubectl, name), seconds=seconds, enough=lambda one: one.get("phase") in phases)


def secrets_of(kubectl: Kubectl, tenant: Tenant) -> dict[str, str]:
    return {name: kubectl.secret(tenant.namespace, "app", name) for name in PASSWORDS}


def refused(tenant: Tenant, user: str, passwords: dict[str, str]) -> dict[str, bool]:
    """By backend, whether these do not let anybody in."""
    return {
        "postgres": _not_postgres(tenant, user, passwords["database_password"]),
        "kafka": _not_kafka(tenant, user, passwords["kafka_password"]),
        "elasticsearch": _not_elasticsearch(user, passwords["elasticsearch_password"]),
        "redis": _not_redis(user, passwords["redis_password"]),
        "s3": ObjectStore(user, passwords["s3_secret_key"]).ask("GET", f"/{tenant.id}").status_code == 403,
    }


def _not_postgres(tenant: Tenant, user: str, password: str) -> bool:
    dsn = make_conninfo(required("ROOFTREE_TEST_POSTGRES"), dbname=tenant.database, user=user, password=password)
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return True
    return False


def _not_kafka(tenant: Tenant, user: str, password: str) -> bool:
    bootstrap, admin, secret = (required(f"ROOFTREE_TEST_KAFKA_{name}") for name in ("BOOTSTRAP", "USER", "PASSWORD"))
    kafka = Kafka(Server(bootstrap, admin, secret, required("ROOFTREE_CA_FILE")))
    try:
        awaited(kafka.probe(user, password, f"{tenant.id}.events"))
    except (LoginRefused, Unavailable):
        return True
    finally:
        kafka.close()
    return False


def _not_elasticsearch(user: str, password: str) -> bool:
    trusted = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
    url = f"{required('ROOFTREE_TEST_ELASTICSEARCH_URL')}/_security/_authenticate"
    answer = httpx2.get(url, auth=(user, password), verify=trusted, trust_env=False)
    return answer.status_code == 401


def _not_redis(user: str, password: str) -> bool:
    with redis.Redis(
        host=required("ROOFTREE_TEST_REDIS_HOST"),
        port=int(required("ROOFTREE_TEST_REDIS_PORT")),
        username=user,
        password=password,
        ssl=True,
        ssl_ca_certs=required("ROOFTREE_CA_FILE"),
    ) as client:
        try:
            return not client.ping()
        except redis.AuthenticationError:
            return True


def test_nobody_notices_a_rotation_and_afterwards_the_old_credentials_are_refused(
    brokerages: Callable[..., Tenant], kubectl: Kubectl
) -> None:
    tenant = brokerages(fresh_name("rotate"), plan="enterprise")
    owner = Owner(Person(tenant, kubectl.ask_app(tenant.namespace, "owner-link")))
    owner.arrive()
    before, token, cookie = secrets_of(kubectl, tenant), dict(owner.bearer), {"Cookie": owner.cookie}
    first, second = f"{tenant.id}.app", f"{tenant.id}.app-b"
    assert not any(refused(tenant, first, before).values())
    with Load(Client(tenant.url), owner.lines()) as load:
        kubectl.run("annotate", "brokerage", tenant.name, "rooftree.dev/rotate=drill")
        wait_for(kubectl, tenant.name, "Draining", seconds=ROLLED_SECONDS)
        # The new key signs: what the old one signed is good.
        for path, headers in (("/api/v1/properties", token), ("/api/v1/session", cookie)):
            assert owner.person.client.get(path, headers=headers).status_code == 200
        told = wait_for(kubectl, tenant.name, "Completed", seconds=ROTATED_SECONDS)
        kubectl.wait_ready(tenant.name)
    assert (told["id"], told["generation"]) == ("drill", 2)
    bad = [one for one in load.answers if not one.is_good]
    print(f"\n{len(load.answers)} requests, {len(bad)} failed")  # noqa: T201 - people compare the figure
    assert not bad, show(bad)
    assert refused(tenant, first, before) == dict.fromkeys(("postgres", "kafka", "elasticsearch", "redis", "s3"), True)
    data = kubectl.get("secret", "app", "-n", tenant.namespace)["data"]
    assert "database_password" not in data
    after = {name: kubectl.secret(tenant.namespace, "app", f"b.{name}") for name in PASSWORDS}
    assert not any(refused(tenant, second, after).values())
    # A session outlives it; what the old key signed does not outlive its time.
    assert owner.person.client.get("/api/v1/session", headers=cookie).status_code == 200
    assert owner.person.client.get("/api/v1/properties", headers=token).status_code == 401
    assert len(json.loads(kubectl.secret(tenant.namespace, "app", "signing_keys.json"))["keys"]) == 1
