"""Indices, aliases, templates, roles and users."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from typing import TYPE_CHECKING, Any

from rooftree_local import elasticsearch
from rooftree_local.inventory.model import MARK, Item

if TYPE_CHECKING:
    from rooftree_local.inventory.model import Tenant
    from rooftree_local.paths import Stack

TIMEOUT = 30  # seconds


def _ask(target: Stack, path: str) -> Any:
    login = base64.b64encode(f"{elasticsearch.ADMIN}:{elasticsearch.password(target)}".encode()).decode()
    headers = {"Authorization": f"Basic {login}"}
    request = urllib.request.Request(f"{elasticsearch.URL}/{path}", headers=headers)  # noqa: S310 - our own address
    context = ssl.create_default_context(cafile=str(target.pki / "ca.crt"))
    with urllib.request.urlopen(request, timeout=TIMEOUT, context=context) as response:  # noqa: S310 - our own address
        return json.load(response)


def look(target: Stack, tenant: Tenant) -> list[Item]:
    """Everything of the tenant in the cluster."""
    indices = _ask(target, "_all/_alias?expand_wildcards=all&ignore_unavailable=true")
    listed = {one["name"]: one["index_template"] for one in _ask(target, "_index_template")["index_templates"]}
    roles, users = _ask(target, "_security/role"), _ask(target, "_security/user")
    return [
        *_indices(indices, tenant),
        *(
            Item("elasticsearch", "template", name, ", ".join(one["index_patterns"]))
            for name, one in listed.items()
            if _is_theirs(tenant, name, one.get("_meta"), one["index_patterns"])
        ),
        *(
            Item("elasticsearch", "role", name, ", ".join(_scope(one)))
            for name, one in roles.items()
            if _is_theirs(tenant, name, one.get("metadata"), _scope(one))
        ),
        *(
            Item("elasticsearch", "user", name, ", ".join(one["roles"]) + ("" if one["enabled"] else " (disabled)"))
            for name, one in users.items()
            if _is_theirs(tenant, name, one.get("metadata"), one["roles"])
        ),
    ]


def _indices(indices: dict[str, dict[str, Any]], tenant: Tenant) -> list[Item]:
    found = []
    for index, content in indices.items():
        aliases = [alias for alias in content["aliases"] if tenant.owns(alias) or tenant.owns(index)]
        if tenant.owns(index):
            found.append(Item("elasticsearch", "index", index))
        found += [Item("elasticsearch", "alias", alias, index) for alias in aliases]
    return found


def _scope(role: dict[str, Any]) -> list[str]:
    return [name for rule in role["indices"] for name in rule["names"]]


def _is_theirs(tenant: Tenant, name: str, mark: dict[str, Any] | None, about: list[str]) -> bool:
    """By its name, by its mark, or because it speaks of what is the tenant's."""
    return tenant.owns(name) or tenant.has_id(str((mark or {}).get(MARK, ""))) or any(map(tenant.owns, about))
