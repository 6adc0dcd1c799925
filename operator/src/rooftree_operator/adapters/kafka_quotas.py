"""Quotas of Kafka users by the protocol's own messages: the client library has them but no method for them."""

# The library has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false

from collections.abc import Mapping
from typing import Any

from kafka.errors import for_code
from kafka.protocol.admin import AlterClientQuotasRequest, DescribeClientQuotasRequest

from .kafka_requests import send

EXACT = 0  # of a component: the entity with this very name
USER = "user"


def question(user: str) -> Any:
    """Asks for the user's own quotas."""
    component = DescribeClientQuotasRequest.ComponentData(entity_type=USER, match_type=EXACT, match=user)
    # Strict: not the quotas of the user together with a client id.
    return DescribeClientQuotasRequest(components=[component], strict=True)


def described(answer: Any) -> dict[str, float]:
    """Quotas by name; empty if there are none. Raises the error of the answer."""
    if answer.error_code:
        raise for_code(answer.error_code)(answer.error_message)
    return {value.key: value.value for entry in answer.entries or [] for value in entry.values}


def alter(admin: Any, wanted: Mapping[str, Mapping[str, float | None]]) -> list[Exception | None]:
    """Of each user sets each quota, or removes the one that is None; the error of each, in their order."""
    message = AlterClientQuotasRequest
    entries = [
        message.EntryData(
            entity=[message.EntryData.EntityData(entity_type=USER, entity_name=user)],
            ops=[
                message.EntryData.OpData(key=key, value=value or 0.0, remove=value is None)
                for key, value in quotas.items()
            ],
        )
        for user, quotas in wanted.items()
    ]
    results = {
        result.entity[0].entity_name: for_code(result.error_code)(result.error_message) if result.error_code else None
        for result in send(admin, message(entries=entries, validate_only=False)).entries
    }
    return [results[user] for user in wanted]
