"""PostgreSQL as the operator needs it: roles, databases, grants. The operator's role is CREATEDB CREATEROLE, no more.

Passwords arrive as SCRAM verifiers only. Names always go through `sql.Identifier`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from .. import effects
from .postgres_sessions import Login, Sessions


@dataclass(frozen=True)
class RoleSeen:
    """A role as it is now."""

    can_login: bool
    connection_limit: int
    comment: str
    members: frozenset[str]  # that may become it
    heirs: frozenset[str] = frozenset()  # that have its rights


@dataclass(frozen=True)
class DatabaseSeen:
    """A database as it is now. `usable` is False after an interrupted DROP: only another DROP works then."""

    owner: str
    comment: str
    usable: bool
    is_template: bool
    public_can_connect: bool
    can_connect: frozenset[str]
    foreign_objects: bool  # still owned by the template's owner
    lets_in: bool = True  # nobody before it is secured, or when it is a template


class Postgres(Sessions):
    """One server."""

    async def _rows(self, query: LiteralString, *values: Any) -> list[TupleRow]:
        async with self.connect() as connection:
            return await (await connection.execute(query, values)).fetchall()

    async def _write(self, verb: str, kind: str, *statements: sql.Composed, database: str | None = None) -> None:
        """All statements in one transaction, as what is sent at once is."""
        async with self.connect(database) as connection:
            with effects.sending("postgres", verb, kind):
                await connection.execute(sql.SQL("; ").join(statements))

    async def close_to_public(self, database: str) -> None:
        """Only roles that were granted it connect to `database`."""
        query = "SELECT has_database_privilege('public', %s::text, 'CONNECT, TEMP, CREATE')"
        ((is_open,),) = await self._rows(query, database)
        if is_open:
            revoke = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database))
            await self._write("grant", "database", revoke)

    async def roles(self, names: Sequence[str]) -> dict[str, RoleSeen]:
        """Those of the named roles that exist."""
        rows = await self._rows(
            """SELECT r.rolname, r.rolcanlogin, r.rolconnlimit, coalesce(shobj_description(r.oid, 'pg_authid'), ''),
                      array(SELECT m.rolname::text FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member
                            WHERE a.roleid = r.oid AND a.set_option),
                      array(SELECT m.rolname::text FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member
                            WHERE a.roleid = r.oid AND a.inherit_option)
               FROM pg_roles r WHERE r.rolname = ANY(%s)""",
            list(names),
        )
        return {
            name: RoleSeen(login, limit, comment, frozenset(members), frozenset(heirs))
            for name, login, limit, comment, members, heirs in rows
        }

    async def database(self, name: str, template_owner: str) -> DatabaseSeen | None:
        """The database, or None."""
        rows = await self._rows(
            """SELECT pg_get_userbyid(d.datdba), coalesce(shobj_description(d.oid, 'pg_database'), ''),
                      d.datconnlimit <> -2, d.datistemplate, has_database_privilege('public', d.oid, 'CONNECT'),
                      array(SELECT pg_get_userbyid(x.grantee)::text FROM aclexplode(d.datacl) x
                            WHERE x.privilege_type = 'CONNECT' AND x.grantee <> 0),
                      EXISTS (SELECT FROM pg_shdepend s JOIN pg_roles o ON o.oid = s.refobjid
                              WHERE s.dbid = d.oid AND s.deptype = 'o' AND o.rolname = %s
                                AND s.refclassid = 'pg_authid'::regclass),
                      d.datallowconn
               FROM pg_database d WHERE d.datname = %s""",
            template_owner,
            name,
        )
        if not rows:
            return None
        owner, comment, usable, template, public, connect, foreign, lets_in = rows[0]
        return DatabaseSeen(owner, comment, usable, template, public, frozenset(connect), foreign, lets_in)

    async def databases(self, prefix: str) -> list[str]:
        """Names of all databases that begin with `prefix`."""
        rows = await self._rows("SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1", prefix)
        return [row[0] for row in rows]

    async def ensure_role(
        self, name: str, *, verifier: str | None, connection_limit: int, comment: str, exists: bool
    ) -> None:
        """Creates or changes a role; without a verifier it cannot log in. We may act as it and inherit its rights."""
        role = sql.Identifier(name)
        secret = sql.SQL(" PASSWORD {}").format(sql.Literal(verifier)) if verifier else sql.SQL("")
        attributes = sql.SQL("{} NOINHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT {}{}").format(
            sql.SQL("LOGIN" if verifier else "NOLOGIN"), sql.Literal(connection_limit), secret
        )
        await self._write(
            "alter" if exists else "create",
            "role",
            sql.SQL("{} ROLE {} {}").format(sql.SQL("ALTER" if exists else "CREATE"), role, attributes),
            sql.SQL("GRANT {} TO CURRENT_USER WITH SET TRUE, INHERIT TRUE").format(role),
            sql.SQL("COMMENT ON ROLE {} IS {}").format(role, sql.Literal(comment)),
        )

    async def grant_role(self, role: str, *, to: str) -> None:
        """`to` may SET ROLE `role`, but does not inherit its rights."""
        grant = sql.SQL("GRANT {} TO {} WITH SET TRUE, INHERIT FALSE")
        await self._write("grant", "role", grant.format(sql.Identifier(role), sql.Identifier(to)))

    async def inherit_role(self, role: str, *, to: str) -> None:
        """`to` has the rights of `role`, whatever these become, and cannot become it."""
        grant = sql.SQL("GRANT {} TO {} WITH INHERIT TRUE, SET FALSE")
        await self._write("grant", "role", grant.format(sql.Identifier(role), sql.Identifier(to)))

    async def create_database(self, name: str, *, owner: str | None, template: str) -> None:
        """Creates by cloning `template`; one that exists already is fine. Nobody gets in before it is secured."""
        form = sql.SQL("CREATE DATABASE {} TEMPLATE {} ALLOW_CONNECTIONS false")
        statement = form.format(sql.Identifier(name), sql.Identifier(template))
        if owner:
            statement += sql.SQL(" OWNER {}").format(sql.Identifier(owner))
        try:
            await self._write("create", "database", statement)
        except psycopg.errors.DuplicateDatabase:
            return

    async def secure_database(self, name: str, *, connect: Iterable[str], create: Iterable[str], comment: str) -> None:
        """Nothing for PUBLIC; `connect` may connect, `create` may make schemas and trusted extensions."""
        database = sql.Identifier(name)
        connects, creates = sql.SQL("CONNECT"), sql.SQL("CREATE")
        granted = [(connects, role) for role in connect] + [(creates, role) for role in create]
        await self._write(
            "grant",
            "database",
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database),
            *(
                sql.SQL("GRANT {} ON DATABASE {} TO {}").format(right, database, sql.Identifier(role))
                for right, role in granted
            ),
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, sql.Literal(comment)),
            sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true").format(database),
        )

    async def reassign(self, database: str, *, old: str, new: str) -> None:
        """Gives everything in `database` that belongs to `old` to `new`.

        Schemas go first: REASSIGN OWNED checks for functions that the new owner may create in their schema.
        """
        names = {"old": sql.Identifier(old), "new": sql.Identifier(new)}
        async with self.connect(database) as connection:
            cursor = await connection.execute(
                "SELECT nspname FROM pg_namespace WHERE pg_get_userbyid(nspowner) = %s ORDER BY 1", (old,)
            )
            schemas = [sql.Identifier(row[0]) for row in await cursor.fetchall()]
        form = sql.SQL("ALTER SCHEMA {schema} OWNER TO {new}")
        await self._write(
            "reassign",
            "database",
            *(form.format(schema=schema, **names) for schema in schemas),
            sql.SQL("REASSIGN OWNED BY {old} TO {new}").format(**names),
            database=database,
        )

    async def seal_template(self, name: str) -> None:
        """Nobody connects any more, everybody with the right may clone."""
        options = sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")
        await self._write("alter", "database", options.format(sql.Identifier(name)))

    async def ungranted_schemas(self, database: str, schemas: Sequence[str], *, owner: str, app: str) -> list[str]:
        """Those of `schemas` that exist and where `app` lacks a right, now or on what `owner` will create."""
        query = """
            SELECT n.nspname::text FROM pg_namespace n
            WHERE n.nspname = ANY(%(schemas)s) AND NOT (
              has_schema_privilege(%(app)s, n.oid, 'USAGE')
              -- CASE, because AND may be evaluated in any order and the functions refuse other kinds.
              AND NOT EXISTS (SELECT FROM pg_class c
                WHERE c.relnamespace = n.oid AND CASE
                  WHEN c.relkind = 'S' THEN NOT has_sequence_privilege(%(app)s, c.oid, 'USAGE')
                  WHEN c.relkind IN ('r', 'p', 'v', 'm') THEN NOT (
                    has_table_privilege(%(app)s, c.oid, 'SELECT') AND has_table_privilege(%(app)s, c.oid, 'INSERT')
                    AND has_table_privilege(%(app)s, c.oid, 'UPDATE') AND has_table_privilege(%(app)s, c.oid, 'DELETE'))
                  ELSE false END)
              AND 2 = (SELECT count(*) FROM pg_default_acl a JOIN pg_roles o ON o.oid = a.defaclrole
                CROSS JOIN LATERAL (SELECT FROM aclexplode(a.defaclacl) x JOIN pg_roles g ON g.oid = x.grantee
                  WHERE g.rolname = %(app)s LIMIT 1) granted
                WHERE a.defaclnamespace = n.oid AND o.rolname = %(owner)s AND a.defaclobjtype IN ('r', 'S')))
            ORDER BY 1"""
        async with self.connect(database) as connection:
            cursor = await connection.execute(query, {"schemas": list(schemas), "owner": owner, "app": app})
            return [row[0] for row in await cursor.fetchall()]

    async def grant_schemas(self, database: str, schemas: Sequence[str], *, owner: str, app: str) -> None:
        """`app` may use all rows of `schemas`, now and later, but changes no structure."""
        forms = (
            sql.SQL("GRANT USAGE ON SCHEMA {schema} TO {app}"),
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {app}"),
            sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {app}"),
            sql.SQL(
                "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} "
                "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}"
            ),
            sql.SQL(
                "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {app}"
            ),
        )
        roles = {"owner": sql.Identifier(owner), "app": sql.Identifier(app)}
        statements = [form.format(schema=sql.Identifier(schema), **roles) for schema in schemas for form in forms]
        await self._write("grant", "schema", *statements, database=database)

    async def heads(self, database: str, login: Login) -> frozenset[str]:
        """Revisions that the database's migrations are at; empty before the first.

        Their table is the tenant's: it may be a view that runs what the tenant likes. So we are the tenant's own
        migrator meanwhile, and not ourselves, who may act as every tenant.
        """
        async with self.connect(database, login) as connection:
            await connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(login.owner)))
            cursor = await connection.execute("SELECT to_regclass('migrations.alembic_version') IS NOT NULL")
            row = await cursor.fetchone()
            if row is None or not row[0]:
                return frozenset()
            cursor = await connection.execute("SELECT version_num::text FROM migrations.alembic_version LIMIT 100")
            return frozenset(found[0] for found in await cursor.fetchall())

    async def probe(self, database: str, login: Login) -> None:
        """As the tenant's app: gets in and is answered. Raises `Unavailable` if not."""
        async with self.connect(database, login) as connection:
            await connection.execute("SELECT 1")

    async def revoke_logins(self, roles: Sequence[str]) -> None:
        """Nobody logs in as one of `roles` any more, and whoever is in is thrown out."""
        present = await self.roles(roles)
        for name in (name for name, role in present.items() if role.can_login):
            await self._write("alter", "role", sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(name)))
        async with self.connect() as connection:
            cursor = await connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE usename = ANY(%s)", (list(present),)
            )
            for (pid,) in await cursor.fetchall():
                with effects.sending("postgres", "terminate", "session"):
                    await connection.execute("SELECT pg_terminate_backend(%s)", (pid,))

    async def drop_database(self, name: str) -> None:
        """Drops with whoever is connected; also finishes an interrupted drop. One that is gone is fine."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        await self._write("drop", "database", statement.format(sql.Identifier(name)))

    async def drop_template(self, name: str) -> None:
        """Drops a template database that no release needs."""
        unseal = sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE false").format(sql.Identifier(name))
        await self._write("alter", "database", unseal)
        await self.drop_database(name)

    async def drop_roles(self, names: Sequence[str]) -> None:
        """Drops roles that own nothing any more; those that are gone are fine."""
        statements = [sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)) for name in names]
        await self._write("drop", "role", *statements)
