"""Quotas of one Kafka user by the protocol's own messages: the client library has them but no method for them."""

# The library has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false

from typing import Any

from kafka.errors import for_code
from kafka.protocol.admin import AlterClientQuotasRequest, DescribeClientQuotasRequest

EXACT = 0  # of a component: the entity with this very name
USER = "user"


def describe(admin: Any, user: str) -> dict[str, float]:
    """The user's own quotas by name; empty if there are none."""
    component = DescribeClientQuotasRequest.ComponentData(entity_type=USER, match_type=EXACT, match=user)
    # Strict: not the quotas of the user together with a client id.
    answer = _send(admin, DescribeClientQuotasRequest(components=[component], strict=True))
    _check(answer)
    return {value.key: value.value for entry in answer.entries or [] for value in entry.values}


def alter(admin: Any, user: str, quotas: dict[str, float | None]) -> None:
    """Sets each quota, or removes the one that is None."""
    message = AlterClientQuotasRequest
    operations = [
        message.EntryData.OpData(key=key, value=value or 0.0, remove=value is None) for key, value in quotas.items()
    ]
    entity = message.EntryData.EntityData(entity_type=USER, entity_name=user)
    entry = message.EntryData(entity=[entity], ops=operations)
    for result in _send(admin, message(entries=[entry], validate_only=False)).entries:
        _check(result)


def _send(admin: Any, request: Any) -> Any:
    manager = admin._manager  # there is no public way to send a message of one's own
    return manager.run(manager.send, request)


def _check(answer: Any) -> None:
    if answer.error_code:
        raise for_code(answer.error_code)(answer.error_message)
