"""Topics, credentials, ACLs, quotas and consumer groups."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import for_code
from kafka.protocol.admin import DescribeClientQuotasRequest

from rooftree_local import kafka
from rooftree_local.inventory.model import Item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rooftree_local.inventory.model import Tenant
    from rooftree_local.paths import Stack

TIMEOUT = 30_000  # milliseconds
ANY = 2  # of a quota's component: whoever it is
EVERYTHING = ACLFilter(
    principal=None,
    host=None,
    operation=ACLOperation.ANY,
    permission_type=ACLPermissionType.ANY,
    resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


@contextmanager
def _administrator(target: Stack) -> Iterator[Any]:
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.BOOTSTRAP,
        "security_protocol": "SASL_SSL",
        "ssl_cafile": str(target.pki / "ca.crt"),
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": kafka.ADMIN,
        "sasl_plain_password": kafka.password(target),
        "request_timeout_ms": TIMEOUT,
        "bootstrap_timeout_ms": TIMEOUT,
    }
    client = KafkaAdminClient(**options)
    try:
        yield client
    finally:
        client.close()


def look(target: Stack, tenant: Tenant) -> list[Item]:
    """Everything of the tenant in the cluster; Kafka has no place for a mark, so names alone tell."""

    def item(kind: str, name: str, detail: str = "") -> Item:
        return Item("kafka", kind, name, detail)

    with _administrator(target) as admin:
        credentials = admin.describe_user_scram_credentials()
        acls, error = admin.describe_acls(EVERYTHING)
        if error.errno:
            raise error("the ACLs cannot be listed")
        return [
            *(item("topic", name) for name in admin.list_topics() if tenant.owns(name)),
            *(item("credential", name, "SCRAM") for name in credentials if tenant.owns(name)),
            *(item(*acl) for acl in map(_acl, acls) if tenant.owns(acl[1]) or tenant.owns(acl[2].split(" ")[-1])),
            *(item("quota", name, detail) for name, detail in _quotas(admin) if tenant.owns(name)),
            *(item("group", name) for name in _groups(admin) if tenant.owns(name)),
        ]


def _acl(acl: Any) -> tuple[str, str, str]:
    """Whose it is, what it says, and of what: the last word is the resource's name."""
    pattern = acl.resource_pattern
    words = (acl.permission_type, acl.operation, pattern.pattern_type, pattern.resource_type)
    said = " ".join(word.name.lower() for word in words)
    return "acl", acl.principal.removeprefix("User:"), f"{said} {pattern.resource_name}"


def _groups(admin: Any) -> list[str]:
    return [group["group_id"] for group in admin.list_groups()]


def _quotas(admin: Any) -> list[tuple[str, str]]:
    """Users that have quotas, and these; the library has the messages but no method for them."""
    component = DescribeClientQuotasRequest.ComponentData(entity_type="user", match_type=ANY, match=None)
    manager = admin._manager
    answer = manager.run(manager.send, DescribeClientQuotasRequest(components=[component], strict=False))
    if answer.error_code:
        raise for_code(answer.error_code)(answer.error_message)
    found = []
    for entry in answer.entries or []:
        user = next(one.entity_name for one in entry.entity if one.entity_type == "user")
        values = ", ".join(sorted(f"{value.key}={value.value:g}" for value in entry.values))
        found.append((user or "", values))
    return found
