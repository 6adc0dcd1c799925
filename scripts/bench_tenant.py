"""A tenant for benchmarks without the operator: its place in every backend as the operator makes it, and its process.

Needs the variables that `rooftree-local env` prints. All of it is gone afterwards.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from bench_server import AUTHORITY, EMAIL, Server
from joserfc.jwk import ECKey
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    NewTopic,
    ResourcePattern,
    ResourceType,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from redis import Redis
from rooftree import assembly
from rooftree.kernel import migrating
from rooftree.kernel.database import SEARCH_PATH
from rooftree.kernel.settings import DatabaseSettings, Secrets, Settings
from rooftree.manifest import manifest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence

# One person asks for as much as the process can answer.
_UNLIMITED = {f"ROOFTREE_RATE_{name}": "0" for name in ("READS", "WRITES", "SEARCHES", "VISITORS", "BROKERAGE")}
TOPICS = ("events", "dead-letter")


# The image has its bytecode; here the first process leaves it for the others.
_COMPILED = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(Path(".bench/bytecode").resolve())}


@dataclass(frozen=True)
class ScratchTenant:
    """`environment` and the files in `folder` are what its process is started with."""

    id: str
    environment: dict[str, str]
    folder: Path
    admin_dsn: str

    def settings(self) -> Settings:
        os.environ.update(self.environment)
        return Settings()  # type: ignore[call-arg]

    def secrets(self) -> Secrets:
        return Secrets(self.folder)

    def let_into_kafka(self) -> None:
        """Set its credential again, as the operator does in its next pass.

        A Kafka that starts forgets all users when one that was deleted comes first in its hash table and its last
        snapshot holds none; tenants of benchmarks come and go without the operator.
        """
        password = self.secrets().read("kafka_password").get_secret_value()
        with _kafka() as admin:
            user = self.environment["ROOFTREE_KAFKA_USER"]
            admin.alter_user_scram_credentials([UserScramCredentialUpsertion(user, "SCRAM-SHA-512", password)])

    def analyze(self) -> None:
        with psycopg.connect(self.admin_dsn, autocommit=True) as admin:
            admin.execute("VACUUM ANALYZE")

    @asynccontextmanager
    async def server(self, *, elasticsearch: bool = True, redis: bool = False) -> AsyncGenerator[Server]:
        """The real process, with its owner signed in."""
        more = dict(_UNLIMITED)
        if not elasticsearch:
            more |= {"ROOFTREE_ELASTICSEARCH_URL": "", "ROOFTREE_KAFKA_BOOTSTRAP": ""}
        if redis:
            more |= {
                "ROOFTREE_REDIS_HOST": os.environ["ROOFTREE_TEST_REDIS_HOST"],
                "ROOFTREE_REDIS_PORT": os.environ["ROOFTREE_TEST_REDIS_PORT"],
                "ROOFTREE_REDIS_USER": f"{self.id}.app",
            }
        async with self.process(more) as opened:
            await opened.sign_in(os.environ | self.environment)
            yield opened

    @asynccontextmanager
    async def process(
        self, more: Mapping[str, str] | None = None, program: Sequence[str] = ("-m", "rooftree.main")
    ) -> AsyncGenerator[Server]:
        """A ready one, in which nobody is signed in. `more`: environment of its own."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {**os.environ, **_COMPILED, **self.environment, **(more or {}), "ROOFTREE_BIND_PORT": str(port)}
        log = Path(".bench") / f"{self.id}.log"
        with log.open("ab") as output:
            process = subprocess.Popen([sys.executable, *program], env=environment, stdout=output)  # noqa: ASYNC220
        began = time.monotonic()
        try:
            async with Server.open(port, process.pid) as opened:
                opened.ready_after = time.monotonic() - began
                yield opened
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 30)


@contextmanager
def scratch_tenant(*, partitions: int = 1) -> Iterator[ScratchTenant]:
    """`partitions`: of each of its topics; a plan gives one."""
    tenant_id = f"bench-{secrets.token_hex(4)}"
    passwords = {name: secrets.token_urlsafe(24) for name in ("database", "kafka", "elasticsearch", "redis")}
    with (
        tempfile.TemporaryDirectory() as name,
        _database(tenant_id, passwords["database"], Path(name)) as (admin_dsn, database),
        _topics(tenant_id, passwords["kafka"], partitions),
        _indices(tenant_id, passwords["elasticsearch"]),
        _keys(tenant_id, passwords["redis"]),
    ):
        folder = Path(name)
        for backend, password in passwords.items():
            (folder / f"{backend}_password").write_text(password)
        key = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
        (folder / "signing_keys.json").write_text(json.dumps({"keys": [key.as_dict(private=True)]}))
        (folder / "owner_seed").write_text(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        (folder / "feeds.json").write_text("[]")
        values = database | {
            "tenant_id": tenant_id,
            "slug": "bench",
            "display_name": "Bench",
            "public_url": f"https://{AUTHORITY}",
            "owner_email": EMAIL,
            "owner_name": "Owner",
            "secrets_dir": name,
            "bind_host": "127.0.0.1",
            "drain_seconds": "0",
            "metrics_port": "0",
            "log_level": "WARNING",
            "ca_file": os.environ["ROOFTREE_CA_FILE"],
            "kafka_bootstrap": os.environ["ROOFTREE_TEST_KAFKA_BOOTSTRAP"],
            "kafka_user": f"{tenant_id}.app",
            "elasticsearch_url": os.environ["ROOFTREE_TEST_ELASTICSEARCH_URL"],
            "elasticsearch_user": f"{tenant_id}.app",
        }
        environment = {f"ROOFTREE_{name.upper()}": value for name, value in values.items()}
        yield ScratchTenant(tenant_id, environment, folder, admin_dsn)


@contextmanager
def _database(tenant_id: str, password: str, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Roles, a migrated database, grants: DSN of the administrator there, and the app's settings."""
    dsn = os.environ["ROOFTREE_TEST_POSTGRES"]
    given = conninfo_to_dict(dsn)
    owner, app = f"{tenant_id}.owner", f"{tenant_id}.app"
    names = [sql.Identifier(name) for name in (tenant_id, owner, app)]
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(names[1]))
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(names[2], password))
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(names[0], names[1]))
    place = {"host": str(given["host"]), "port": str(given.get("port") or 5432), "name": tenant_id}
    admin_dsn = make_conninfo(dsn, dbname=tenant_id, options=f"-c search_path={SEARCH_PATH}")
    try:
        admin_folder = folder / "admin"
        admin_folder.mkdir()
        (admin_folder / "database_password").write_text(str(given.get("password") or ""))
        settings = DatabaseSettings(
            database_host=place["host"],
            database_port=int(place["port"]),
            database_name=tenant_id,
            database_user=str(given["user"]),
            ca_file=Path(os.environ["ROOFTREE_CA_FILE"]),
            database_owner_role=owner,
        )
        migrating.upgrade(settings, Secrets(admin_folder), [assembly.folder(item) for item in assembly.names()])
        _grant(admin_dsn, names[2])
        yield admin_dsn, {f"database_{name}": value for name, value in (place | {"user": app}).items()}
    finally:
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(names[0]))
            for role in names[1:]:
                admin.execute(sql.SQL("DROP ROLE {}").format(role))


def _grant(admin_dsn: str, app: sql.Identifier) -> None:
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        for schema in map(sql.Identifier, manifest("bench")["schemas"]):
            for right in (
                "USAGE ON SCHEMA {}",
                "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {}",
                "USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {}",
            ):
                admin.execute(sql.SQL("GRANT " + right + " TO {}").format(schema, app))  # type: ignore[arg-type]


@contextmanager
def _kafka() -> Iterator[Any]:
    """The administrator, who waits until the broker answers."""
    admin: Any = KafkaAdminClient(
        bootstrap_servers=os.environ["ROOFTREE_TEST_KAFKA_BOOTSTRAP"],
        security_protocol="SASL_SSL",
        ssl_cafile=os.environ["ROOFTREE_CA_FILE"],
        sasl_mechanism="PLAIN",
        sasl_plain_username=os.environ["ROOFTREE_TEST_KAFKA_USER"],
        sasl_plain_password=os.environ["ROOFTREE_TEST_KAFKA_PASSWORD"],
    )
    try:
        yield admin
    finally:
        admin.close()


@contextmanager
def _topics(tenant_id: str, password: str, partitions: int) -> Iterator[None]:
    user, topics = f"{tenant_id}.app", [f"{tenant_id}.{topic}" for topic in TOPICS]
    rights = [
        ACL(
            principal=f"User:{user}",
            host="*",
            operation=operation,
            permission_type=ACLPermissionType.ALLOW,
            resource_pattern=ResourcePattern(kind, f"{tenant_id}.", ACLResourcePatternType.PREFIXED),
        )
        for kind, operation in (
            (ResourceType.TOPIC, ACLOperation.READ),
            (ResourceType.TOPIC, ACLOperation.WRITE),
            (ResourceType.GROUP, ACLOperation.READ),
        )
    ]
    with _kafka() as admin:
        admin.alter_user_scram_credentials([UserScramCredentialUpsertion(user, "SCRAM-SHA-512", password)])
        admin.create_acls(rights)
        admin.create_topics([NewTopic(topic, partitions, 1) for topic in topics])
    try:
        yield
    finally:
        with _kafka() as admin:
            admin.delete_topics(topics)
            admin.delete_acls(rights)
            admin.alter_user_scram_credentials([UserScramCredentialDeletion(user, "SCRAM-SHA-512")])


@contextmanager
def _indices(tenant_id: str, password: str) -> Iterator[None]:
    user, template = f"{tenant_id}.app", f"/_index_template/{tenant_id}"
    rights = {"names": [f"{tenant_id}.*"], "privileges": ["read", "write", "manage"]}
    settings = {"index": {"number_of_shards": 1, "number_of_replicas": 0}}
    content = {"index_patterns": [f"{tenant_id}.*"], "priority": 500, "template": {"settings": settings}}
    _elasticsearch("PUT", f"/_security/role/{user}", {"cluster": [], "indices": [rights]})
    _elasticsearch("PUT", f"/_security/user/{user}", {"password": password, "roles": [user]})
    _elasticsearch("PUT", template, content)
    try:
        yield
    finally:
        for name in _elasticsearch("GET", f"/{tenant_id}.*"):
            _elasticsearch("DELETE", f"/{name}")
        for path in (template, f"/_security/user/{user}", f"/_security/role/{user}"):
            _elasticsearch("DELETE", path)


@contextmanager
def _keys(tenant_id: str, password: str) -> Iterator[None]:
    given = {name.lower(): os.environ[f"ROOFTREE_TEST_REDIS_{name}"] for name in ("HOST", "PORT", "PASSWORD")}
    admin = Redis(
        host=given["host"],
        port=int(given["port"]),
        username=os.environ["ROOFTREE_TEST_REDIS_USER"],
        password=given["password"],
        ssl=True,
        ssl_ca_certs=os.environ["ROOFTREE_CA_FILE"],
    )
    rights = ("on", "resetkeys", f"~{tenant_id}.*", "-@all", "+get", "+set", "+unlink", f">{password}")
    admin.execute_command("ACL", "SETUSER", f"{tenant_id}.app", *rights)
    try:
        yield
    finally:
        admin.execute_command("ACL", "DELUSER", f"{tenant_id}.app")
        admin.close()


def _elasticsearch(method: str, path: str, body: Any = None) -> Any:
    given = {name: os.environ[f"ROOFTREE_TEST_ELASTICSEARCH_{name}"] for name in ("URL", "USER", "PASSWORD")}
    login = base64.b64encode(f"{given['USER']}:{given['PASSWORD']}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(given["URL"] + path, method=method, data=content, headers=headers)  # noqa: S310
    context = ssl.create_default_context(cafile=os.environ["ROOFTREE_CA_FILE"])
    with urllib.request.urlopen(request, timeout=30, context=context) as answer:  # noqa: S310
        return json.load(answer)
