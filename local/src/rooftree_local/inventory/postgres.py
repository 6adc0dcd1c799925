"""Databases, roles, memberships and grants, and the operator's registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rooftree_local import postgres
from rooftree_local.inventory.model import Item, Registered

if TYPE_CHECKING:
    from rooftree_local.inventory.model import Tenant
    from rooftree_local.paths import Stack

DATABASES = """
SELECT datname AS name, pg_get_userbyid(datdba) AS owner, datconnlimit AS connections,
    shobj_description(oid, 'pg_database') AS mark FROM pg_database
"""
ROLES = """
SELECT rolname AS name, rolcanlogin AS login, rolconnlimit AS connections,
    shobj_description(oid, 'pg_authid') AS mark FROM pg_roles
"""
MEMBERSHIPS = """
SELECT pg_get_userbyid(roleid) AS role, pg_get_userbyid(member) AS member FROM pg_auth_members
"""
GRANTS = """
SELECT datname AS database, pg_get_userbyid(grantee) AS role, string_agg(privilege_type, ', ' ORDER BY privilege_type)
    AS privileges FROM pg_database, aclexplode(datacl) WHERE grantee <> 0 GROUP BY 1, 2
"""
SETTINGS = """
SELECT coalesce(datname, '') AS database, coalesce(rolname, '') AS role, unnest(setconfig) AS setting
    FROM pg_db_role_setting LEFT JOIN pg_database ON setdatabase = pg_database.oid
    LEFT JOIN pg_roles ON setrole = pg_roles.oid
"""
# What roles own or were granted inside databases, seen from the whole cluster.
DEPENDENCIES = """
SELECT DISTINCT rolname AS role, datname AS database FROM pg_shdepend JOIN pg_roles ON refobjid = pg_roles.oid
    JOIN pg_database ON dbid = pg_database.oid WHERE refclassid = 'pg_authid'::regclass
"""
REGISTRY = "SELECT id, slug, state FROM registry.tenant"
# One that was taken is in the other table.
SPARES = """
SELECT id, '' AS slug, CASE state WHEN 'gone' THEN 'deleted' ELSE state END AS state
    FROM registry.spare WHERE state <> 'taken'
"""


def _rows(target: Stack, sql: str, database: str = "postgres") -> list[dict[str, Any]]:
    whole = f"SELECT coalesce(json_agg(found), '[]') FROM ({sql}) AS found"  # noqa: S608 - constants of this module
    return json.loads(postgres.query(target, whole, database))


def look(target: Stack, tenant: Tenant) -> list[Item]:
    """Everything of the tenant in the server, whatever of it is left."""
    databases = [row for row in _rows(target, DATABASES) if tenant.owns(row["name"]) or tenant.is_marked(row["mark"])]
    roles = [row for row in _rows(target, ROLES) if tenant.owns(row["name"]) or tenant.is_marked(row["mark"])]
    theirs = {row["name"] for row in roles}
    own = {row["name"] for row in databases}

    def item(kind: str, name: str, detail: str = "") -> Item:
        return Item("postgres", kind, name, detail)

    return [
        *(item("database", row["name"], f"owner {row['owner']}, {_limit(row)}") for row in databases),
        *(item("role", row["name"], f"{'login' if row['login'] else 'no login'}, {_limit(row)}") for row in roles),
        *(
            item("membership", row["member"], f"in {row['role']}")
            for row in _rows(target, MEMBERSHIPS)
            if {row["role"], row["member"]} & theirs
        ),
        *(
            item("grant", row["role"], f"{row['privileges']} on {row['database']}")
            for row in _rows(target, GRANTS)
            if row["role"] in theirs or row["database"] in own
        ),
        *(
            item("setting", row["role"] or row["database"], row["setting"])
            for row in _rows(target, SETTINGS)
            if row["role"] in theirs or row["database"] in own
        ),
        *(
            item("belongings", row["role"], f"in {row['database']}")
            for row in _rows(target, DEPENDENCIES)
            if row["role"] in theirs and row["database"] not in own
        ),
    ]


def _limit(row: dict[str, Any]) -> str:
    return "any number of connections" if row["connections"] < 0 else f"at most {row['connections']} connections"


def registry(target: Stack, tenant: Tenant) -> list[Registered]:
    """The registry's rows of the tenant; none before the operator has made the tables."""
    exists = "SELECT to_regclass('registry.spare') IS NOT NULL AS exists"
    if not _rows(target, exists, postgres.PLATFORM_DATABASE)[0]["exists"]:
        return []
    rows = (*_rows(target, REGISTRY, postgres.PLATFORM_DATABASE), *_rows(target, SPARES, postgres.PLATFORM_DATABASE))
    return [row for row in (Registered(**told) for told in rows) if tenant.is_row(row)]
