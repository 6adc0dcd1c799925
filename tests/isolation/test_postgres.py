"""PostgreSQL: each role of each tenant against every other database and role, and against the server."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ..e2e.conftest import required, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..e2e.conftest import Database, Kubectl
    from .cells import Matrix
    from .conftest import Family, Member

pytestmark = [pytest.mark.isolation, pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

AREA = "postgres"
ROLES = ("app", "migrator")
# What reaches out of a database. Each is tried in the role's own.
OUTWARD: dict[str, str] = {
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "read a program": "CREATE TEMP TABLE p (x text); COPY p FROM PROGRAM 'id'",
    "write a file": "COPY (SELECT 1) TO '/tmp/isolation'",
    "read a file": "CREATE TEMP TABLE f (x text); COPY f FROM '/etc/passwd'",
    "pg_read_file": "SELECT pg_read_file('postgresql.conf')",
    "pg_read_binary_file": "SELECT pg_read_binary_file('global/pg_control')",
    "pg_ls_dir": "SELECT pg_ls_dir('base')",
    "pg_ls_logdir": "SELECT pg_ls_logdir()",
    "pg_ls_waldir": "SELECT pg_ls_waldir()",
    "pg_stat_file": "SELECT pg_stat_file('postgresql.conf')",
    "pg_current_logfile": "SELECT pg_current_logfile()",
    "large object from a file": "SELECT lo_import('/etc/passwd')",
    "large object to a file": "SELECT lo_export(1, '/tmp/isolation')",
    "dblink": "CREATE EXTENSION dblink",
    "postgres_fdw": "CREATE EXTENSION postgres_fdw",
    "file_fdw": "CREATE EXTENSION file_fdw",
    "foreign data wrapper": "CREATE FOREIGN DATA WRAPPER out",
    "untrusted language": "CREATE EXTENSION plpython3u",
    "a language": "CREATE LANGUAGE c2 HANDLER plpgsql_call_handler",
    "a function in C": "CREATE FUNCTION pg_temp.c() RETURNS int LANGUAGE c AS 'libc', 'system'",
    "an internal function": "CREATE FUNCTION pg_temp.i() RETURNS int LANGUAGE internal AS 'pg_backend_pid'",
    "LOAD": "LOAD 'auth_delay'",
    "ALTER SYSTEM": "ALTER SYSTEM SET work_mem = '1MB'",
    "reload": "SELECT pg_reload_conf()",
    "rotate the log": "SELECT pg_rotate_logfile()",
    "a server setting": "SET log_statement = 'all'",
    "session_preload_libraries": "SET session_preload_libraries = 'x'",
    "row security off for all": "ALTER ROLE CURRENT_USER BYPASSRLS",
    "superuser": "ALTER ROLE CURRENT_USER SUPERUSER",
    "CREATEDB": "ALTER ROLE CURRENT_USER CREATEDB",
    "CREATEROLE": "ALTER ROLE CURRENT_USER CREATEROLE",
    "REPLICATION": "ALTER ROLE CURRENT_USER REPLICATION",
    "no limit of connections": "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1",
    "a role": "CREATE ROLE isolation_role",
    "a database": "CREATE DATABASE isolation_database",
    "a tablespace": "CREATE TABLESPACE isolation LOCATION '/tmp'",
    "an event trigger": "CREATE EVENT TRIGGER t ON sql_drop EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "a publication of all": "CREATE PUBLICATION p FOR ALL TABLES",
    "a subscription": "CREATE SUBSCRIPTION s CONNECTION 'host=10.200.0.1' PUBLICATION p WITH (connect = false)",
    "a replication slot": "SELECT pg_create_physical_replication_slot('isolation')",
    "a backup": "SELECT pg_backup_start('isolation')",
    "a checkpoint": "CHECKPOINT",
    "switch WAL": "SELECT pg_switch_wal()",
    "passwords": "SELECT rolpassword FROM pg_authid",
    "pg_hba": "SELECT * FROM pg_hba_file_rules",
    "file settings": "SELECT * FROM pg_file_settings",
    "subscriptions' passwords": "SELECT subconninfo FROM pg_subscription",
    "catalogue rows": "UPDATE pg_database SET datacl = NULL",
    "a table in pg_catalog": "CREATE TABLE pg_catalog.mine (x int)",
}
# They run in no transaction.
ALONE = ("ALTER SYSTEM", ": a database", "a tablespace")
# For want of rights, or because nobody may: roles of the server's own.
REFUSALS = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReservedName, psycopg.errors.InvalidGrantOperation)
# The server refuses them for a reason of its own before it asks for rights.
NOBODY = "cannot have explicit members"  # said of a role that nobody can be given
REASONS = {
    "dblink": "not available",
    "postgres_fdw": "not available",
    "file_fdw": "not available",
    "untrusted language": "not available",
}


@dataclass(frozen=True)
class Login:
    """How to come in as a role of a tenant, from where its pods would."""

    host: str
    port: str

    def __call__(self, member: Member, role: str, database: str, **more: Any) -> Database:
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=f"{member.id}.{role}",
            password=member.passwords["database" if role == "app" else role],
            dbname=database,
            sslmode="verify-full",
            sslrootcert=required("ROOFTREE_CA_FILE"),
            connect_timeout=20,
            autocommit=True,
            **more,
        )


@pytest.fixture(scope="module")
def login() -> Login:
    given = conninfo_to_dict(required("ROOFTREE_TEST_POSTGRES"))
    return Login("10.200.0.1", str(given["port"]))


@contextmanager
def planted(login: Login, member: Member) -> Iterator[None]:
    """A table and a large object with the canary, and a session whose statement has it."""
    owner = sql.Identifier(f"{member.id}.owner")
    with login(member, "migrator", member.tenant.database) as own:
        own.execute(sql.SQL("SET ROLE {}").format(owner))
        own.execute("CREATE TABLE IF NOT EXISTS migrations.canary (text text)")
        own.execute("INSERT INTO migrations.canary VALUES (%s)", (member.canary,))
        own.execute("SELECT lo_from_bytea(0, %s)", (member.canary.encode(),))
        own.execute(sql.SQL("SELECT {}").format(sql.Literal(member.canary)))
        yield
        own.execute("DROP TABLE migrations.canary")
        own.execute("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")


@pytest.fixture(scope="module")
def stored(login: Login, family: Family) -> Iterator[Family]:
    """The family with canaries in all databases."""
    plain, west, double, inner = family.members
    with planted(login, plain), planted(login, west), planted(login, double), planted(login, inner):
        yield family


def enter(matrix: Matrix, login: Login, family: Family, attacker: Member, role: str, database: str) -> None:
    """Tries to connect; whoever gets in looks for what is there."""
    what, seen = f"{role} of {attacker.id} enters {database}", ""
    try:
        with login(attacker, role, database) as inside:
            seen = f"inside: {inside.execute('SELECT current_database()').fetchone()}"
            seen += str(inside.execute("SELECT * FROM migrations.canary").fetchall())
    except psycopg.Error as error:
        seen = seen or str(error)
    # Of a brokerage that leaves meanwhile there may be none any more.
    gone = (f'database "{database}" does not exist', f'cannot connect to invalid database "{database}"')
    refusals = ("permission denied for database", "not currently accepting connections", *gone)
    refused = not seen.startswith("inside") and any(word in seen for word in refusals)
    matrix.tried(AREA, what, accepted=not refused, answer=seen, sent=database, marks=_canaries(family, attacker))


def _canaries(family: Family, attacker: Member) -> list[str]:
    """Contents. Names of other databases and roles are in catalogues that all databases of a server share."""
    return [member.canary for member in family.members if member is not attacker]


def databases(superuser: Database) -> list[str]:
    return [row[0] for row in superuser.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()]


def sweep_databases(matrix: Matrix, login: Login, family: Family, superuser: Database) -> None:
    """Each role of each tenant against every database that is not its own."""
    names = databases(superuser)
    assert {"rooftree", "postgres", "template0", "template1"} < set(names)
    assert any(name.startswith("template-") for name in names)
    for attacker in family.members:
        for role in ROLES:
            with login(attacker, role, attacker.tenant.database) as own:
                matrix.control(AREA, "enter", own.execute("SELECT 1").fetchone() == (1,))
            for name in names:
                if name != attacker.tenant.database:
                    enter(matrix, login, family, attacker, role, name)


def test_a_role_enters_its_own_database_and_no_other(
    matrix: Matrix, login: Login, stored: Family, superuser: Database
) -> None:
    sweep_databases(matrix, login, stored, superuser)
    assert matrix.red() == []


def test_the_standby_lets_nobody_in_whom_the_primary_does_not(
    matrix: Matrix, stored: Family, superuser: Database
) -> None:
    given = conninfo_to_dict(required("ROOFTREE_TEST_POSTGRES_STANDBY"))
    sweep_databases(matrix, Login("10.200.0.1", str(given["port"])), stored, superuser)
    assert matrix.red() == []


def attempt(matrix: Matrix, own: Database, what: str, statement: str | sql.Composable, marks: list[str]) -> None:
    """Runs what must be refused for want of rights, in a transaction that is given up in any case."""
    reason = REASONS.get(what.rpartition(": ")[2], "")
    try:
        with nullcontext() if what.endswith(ALONE) else own.transaction(force_rollback=True):
            cursor = own.execute(sql.SQL(statement) if isinstance(statement, str) else statement)  # type: ignore[arg-type]
            while cursor.nextset():
                pass
            seen = str(cursor.fetchmany(20)) if cursor.description else "done"
        refused = False
    except psycopg.Error as error:
        seen = str(error)
        refused = isinstance(error, REFUSALS) or NOBODY in seen or bool(reason and reason in seen)
    matrix.tried(AREA, what, accepted=not refused, answer=seen, marks=marks)


def test_no_role_becomes_another(matrix: Matrix, login: Login, stored: Family, superuser: Database) -> None:
    every = [row[0] for row in superuser.execute("SELECT rolname FROM pg_roles ORDER BY 1").fetchall()]
    # Tenants' have a dot, and those of others than the family may go while they are tried.
    family = {member.id for member in stored.members}
    roles = [name for name in every if "." not in name or name.rpartition(".")[0] in family]
    assert {"postgres", "rooftree_operator", "rooftree_template", "pg_read_server_files"} < set(roles)
    for attacker in stored.members:
        for role in ROLES:
            with login(attacker, role, attacker.tenant.database) as own:
                may = {f"{attacker.id}.{role}"}
                if role == "migrator":  # the owner, who is also whoever owns the present database
                    may |= {f"{attacker.id}.owner", "pg_database_owner"}
                for other in roles:
                    if other not in may:
                        _become(matrix, own, f"{role} of {attacker.id}", other)
    assert matrix.red() == []


def _become(matrix: Matrix, own: Database, who: str, other: str) -> None:
    name = sql.Identifier(other)
    statements = {
        "becomes": sql.SQL("SET ROLE {}"),
        "logs in as": sql.SQL("SET SESSION AUTHORIZATION {}"),
        "grants itself": sql.SQL("GRANT {} TO CURRENT_USER"),
        "drops": sql.SQL("DROP ROLE {}"),
        "changes the password of": sql.SQL("ALTER ROLE {} PASSWORD 'x'"),
        "takes what is owned by": sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER"),
    }
    for verb, form in statements.items():
        attempt(matrix, own, f"{who} {verb} {other}", form.format(name), [])


def sweep_outward(matrix: Matrix, login: Login, member: Member, marks: list[str]) -> None:
    """Every way out, also by the owner of all that is in the database: whoever may make a table gets further."""
    for role in (*ROLES, "owner"):
        with login(member, "app" if role == "app" else "migrator", member.tenant.database) as own:
            if role == "owner":
                own.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(f"{member.id}.owner")))
            for what, statement in OUTWARD.items():
                attempt(matrix, own, f"{role} of {member.id}: {what}", statement, marks)


def test_nothing_leads_out_of_a_database(matrix: Matrix, login: Login, stored: Family) -> None:
    for attacker in stored.members:
        sweep_outward(matrix, login, attacker, _canaries(stored, attacker))
    assert matrix.red() == []


def test_the_app_changes_no_structure(matrix: Matrix, login: Login, stored: Family) -> None:
    statements = {
        "a schema": "CREATE SCHEMA mine",
        "a table in public": "CREATE TABLE public.mine (x int)",
        "a table in migrations": "CREATE TABLE migrations.mine (x int)",
        "a function in public": "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "an operator in public": "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
        "a temporary table": "CREATE TEMP TABLE mine (x int)",
        "drop a table": "DROP TABLE migrations.alembic_version",
        "a trusted extension": "CREATE EXTENSION hstore",
    }
    for attacker in stored.members:
        with login(attacker, "app", attacker.tenant.database) as own:
            for what, statement in statements.items():
                attempt(matrix, own, f"app of {attacker.id}: {what}", statement, [])
            settings = sql.SQL("ALTER DATABASE {} SET search_path = public").format(
                sql.Identifier(attacker.tenant.database)
            )
            attempt(matrix, own, f"app of {attacker.id}: the database's settings", settings, [])
    assert matrix.red() == []


def test_views_of_the_server_show_nobody_elses_statements(
    matrix: Matrix, login: Login, stored: Family, superuser: Database
) -> None:
    views = [
        row[0]
        for row in superuser.execute(
            "SELECT viewname FROM pg_views WHERE schemaname = 'pg_catalog' ORDER BY 1"
        ).fetchall()
    ]
    assert "pg_stat_activity" in views
    seen = str(superuser.execute("SELECT * FROM pg_stat_activity").fetchall())
    assert all(member.canary in seen for member in stored.members)
    for attacker in stored.members:
        with login(attacker, "migrator", attacker.tenant.database) as own:
            for view in [*views, "pg_largeobject_metadata", "pg_shdescription", "pg_db_role_setting", "pg_database"]:
                _read(matrix, own, f"{attacker.id} reads {view}", view, _canaries(stored, attacker))
    assert matrix.red() == []


def _read(matrix: Matrix, own: Database, what: str, view: str, marks: list[str]) -> None:
    """Any answer will do that has nothing of others in it."""
    try:
        with own.transaction(force_rollback=True):
            rows = own.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("pg_catalog", view))).fetchall()
        seen = str(rows)
    except psycopg.Error as error:
        seen = str(error)
    matrix.tried(AREA, what, accepted=False, answer=seen, marks=marks)


# Everything that the operator calls in a tenant's database, in names that a careless search_path would find first.
SHADOWS = """
CREATE TABLE public.caught (role text, session text, what text);
GRANT ALL ON public.caught TO PUBLIC;
GRANT USAGE ON SCHEMA public TO PUBLIC;
CREATE FUNCTION public.catch(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.caught VALUES (current_user, session_user, what); RETURN true; END $$;
CREATE FUNCTION public.has_schema_privilege(text, oid, text) RETURNS boolean LANGUAGE sql
  AS $$SELECT public.catch('f')$$;
CREATE FUNCTION public.has_table_privilege(text, oid, text) RETURNS boolean LANGUAGE sql
  AS $$SELECT public.catch('f')$$;
CREATE FUNCTION public.pg_get_userbyid(oid) RETURNS name LANGUAGE sql AS $$SELECT public.catch('f')::text::name$$;
CREATE FUNCTION public.to_regclass(text) RETURNS regclass LANGUAGE sql AS $$SELECT public.catch('f')::text::regclass$$;
CREATE FUNCTION public.eq(name, text) RETURNS boolean LANGUAGE sql AS $$SELECT public.catch('=')$$;
CREATE FUNCTION public.eqtext(text, text) RETURNS boolean LANGUAGE sql AS $$SELECT public.catch('=')$$;
CREATE FUNCTION public.eqname(name, name) RETURNS boolean LANGUAGE sql AS $$SELECT public.catch('=')$$;
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.eq);
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.eqtext);
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = name, FUNCTION = public.eqname);
CREATE VIEW public.pg_namespace AS SELECT *, public.catch('v') AS x FROM pg_catalog.pg_namespace;
CREATE VIEW public.pg_class AS SELECT *, public.catch('v') AS x FROM pg_catalog.pg_class;
CREATE VIEW public.pg_roles AS SELECT *, public.catch('v') AS x FROM pg_catalog.pg_roles;
"""
SEEN_SECONDS = 60


def test_what_the_operator_runs_in_a_tenants_database_is_never_the_tenants(
    matrix: Matrix, login: Login, kubectl: Kubectl, family: Family, superuser: Database
) -> None:
    """The tenant puts its own functions, operators and views before the server's; the operator repairs a lost grant."""
    member = family.double
    owner, database = sql.Identifier(f"{member.id}.owner"), sql.Identifier(member.tenant.database)
    settings = sql.SQL("ALTER DATABASE {} SET search_path = public, pg_catalog").format(database)
    with login(member, "migrator", member.tenant.database) as own:
        own.execute(sql.SQL("SET ROLE {}").format(owner))
        own.execute(SHADOWS.encode())
        own.execute(settings)
        own.execute("SET search_path = public, pg_catalog")
        # One's own trap works: whoever is careless is caught.
        own.execute("SELECT 1 FROM pg_roles WHERE rolname = 'x'::text LIMIT 1")
        caught = own.execute("SELECT count(*) FROM public.caught").fetchone()
        matrix.control(AREA, "a trap", caught and caught[0])
        own.execute("TRUNCATE public.caught")
        own.execute(sql.SQL("REVOKE SELECT ON migrations.alembic_version FROM {}").format(sql.Identifier(member.user)))
    kubectl.run("annotate", "brokerage", member.tenant.name, "test.rooftree.dev/look=trap", "--overwrite")
    try:
        until("the grant is back", lambda: _granted(login, member), seconds=SEEN_SECONDS)
        with login(member, "migrator", member.tenant.database) as own:
            rows = own.execute("SELECT * FROM public.caught").fetchall()
        matrix.tried(AREA, f"traps in {member.tenant.database}", accepted=bool(rows), answer=str(rows))
    finally:
        with login(member, "migrator", member.tenant.database) as own:
            own.execute(sql.SQL("SET ROLE {}").format(owner))
            own.execute(sql.SQL("ALTER DATABASE {} RESET search_path").format(database))
            own.execute("SET search_path = pg_catalog")
            own.execute("DROP VIEW public.pg_namespace, public.pg_class, public.pg_roles")
            own.execute("DROP OPERATOR public.= (name, text), public.= (text, text), public.= (name, name)")
            own.execute("DROP FUNCTION public.has_schema_privilege, public.has_table_privilege, public.pg_get_userbyid")
            own.execute("DROP FUNCTION public.to_regclass, public.eq, public.eqtext, public.eqname, public.catch")
            own.execute("DROP TABLE public.caught")
    assert matrix.red() == []


def _granted(login: Login, member: Member) -> bool:
    with login(member, "app", member.tenant.database) as own:
        query = "SELECT pg_catalog.has_table_privilege('migrations.alembic_version', 'SELECT')"
        return own.execute(query).fetchone() == (True,)
