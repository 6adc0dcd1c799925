"""The streaming standby of a stack's PostgreSQL: only where somebody asked for one (`up --replica`).

It is a copy of the primary made at each start of its process (`standby_server`), so one that was lost is made anew by
the next `up`, with or without `--replica`. A replication slot holds what it has not read yet. It has a role, a user and
a certificate of its own.
"""

from __future__ import annotations

import secrets
import sys
import time
from typing import TYPE_CHECKING

from rooftree_local import node, pki, postgres, servers, stack
from rooftree_local.addresses import NODE_IP, POSTGRES_PORT, STANDBY_PORT, STATE
from rooftree_local.components import Component
from rooftree_local.paths import Stack, generated
from rooftree_local.users import furnish

if TYPE_CHECKING:
    from rooftree_local.steps import Work

NAME = "postgres-standby"
FOLLOW_SECONDS = 60.0
PRIMARY = (
    f"host={NODE_IP} port={POSTGRES_PORT} user={postgres.STANDBY_ROLE} application_name={postgres.STANDBY_SLOT}"
    f" passfile={STATE}/standby/passwords sslmode=verify-full sslrootcert={STATE}/standby/ca.crt"
)
# Of two lines for one setting PostgreSQL takes the later: all else is as the primary has it.
SETTINGS = f"""\
{postgres.SETTINGS}
port = {STANDBY_PORT}
hba_file = '{STATE}/standby/pg_hba.conf'
ident_file = '{STATE}/standby/pg_ident.conf'
ssl_cert_file = '{STATE}/standby/server.crt'
ssl_key_file = '{STATE}/standby/server.key'
primary_conninfo = '{PRIMARY}'
primary_slot_name = '{postgres.STANDBY_SLOT}'
wal_retrieve_retry_interval = '1s'
# A query in the way of replay is cancelled soon: its reader asks the primary, others would have to meanwhile.
max_standby_streaming_delay = '500ms'
"""


def component() -> Component:
    """Its process, which comes to readiness when the copy is made."""
    programs = str(postgres.client("psql").parent), f"{servers.inside(servers.postgres())}/bin"
    return Component(
        NAME,
        (sys.executable, "-m", "rooftree_local.standby_server", *programs),
        ready=f"tcp://{NODE_IP}:{STANDBY_PORT}",
        after=("postgres",),
        seconds=180,
    )


def password(target: Stack) -> str:
    """The replication role's password."""
    return generated(target.secret_file("postgres-standby"))


def write_files(target: Stack) -> None:
    """What the standby reads, for its own user only."""
    pki.ensure(target.pki)  # a stack that an older checkout started has no certificate for it
    files = {
        "postgresql.conf": SETTINGS,
        "pg_hba.conf": postgres.ACCESS,
        "pg_ident.conf": "",
        "passwords": f"*:*:*:{postgres.STANDBY_ROLE}:{password(target)}\n",
        "ca.crt": (target.pki / "ca.crt").read_text(),
        "server.crt": (target.pki / "standby.crt").read_text(),
        "server.key": (target.pki / "standby.key").read_text(),
    }
    furnish("standby", target.state / "standby", files)


def prepare(target: Stack) -> None:
    """The role by which it follows: it may read all and change nothing, and has no database to log in to."""
    verifier = postgres.scram_verifier(password(target), secrets.token_bytes(16))
    if not postgres.query(target, f"SELECT 1 FROM pg_roles WHERE rolname = '{postgres.STANDBY_ROLE}'"):  # noqa: S608 - a constant
        postgres.query(target, f"CREATE ROLE {postgres.STANDBY_ROLE}")
    options = "LOGIN REPLICATION NOSUPERUSER CONNECTION LIMIT 4"
    postgres.query(target, f"ALTER ROLE {postgres.STANDBY_ROLE} {options} PASSWORD '{verifier}'")


def is_wanted(target: Stack) -> bool:
    """Whether this life of the stack was given a standby, which may be lost by now."""
    return stack.find(target) is not None and NAME in stack.status(target).get("components", {})


def is_there(target: Stack) -> bool:
    """Whether this stack has a standby that runs."""
    return stack.find(target) is not None and node.is_complete(stack.status(target), {NAME})


def wait_until_it_follows(target: Stack, work: Work) -> None:
    """Raises CommandFailed after FOLLOW_SECONDS."""
    work.say("waiting until it follows")
    who = f"application_name = '{postgres.STANDBY_SLOT}'"
    sql = f"SELECT 1 FROM pg_stat_replication WHERE {who} AND state = 'streaming'"  # noqa: S608 - constants
    deadline = time.monotonic() + FOLLOW_SECONDS
    while not postgres.query(target, sql):
        if time.monotonic() > deadline:
            raise stack.CommandFailed(f"the standby does not follow\n{stack.tail(target.logs / f'{NAME}.log', 10)}")
        time.sleep(0.1)


def dsn(target: Stack) -> str:
    """The superuser's DSN of the standby, for tests; it holds the password."""
    return postgres.dsn(target, STANDBY_PORT)
