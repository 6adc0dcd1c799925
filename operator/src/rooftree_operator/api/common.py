"""What both kinds share: the base of all models, CEL rules, and the condition type of their status."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


class ApiModel(BaseModel):
    """Base of everything in a custom resource: camelCase outside, fields of a newer CRD ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


@dataclass(frozen=True)
class Rule:
    """A CEL validation rule. The message names the field and the rule that it breaks."""

    rule: str
    message: str
    field_path: str | None = None

    def as_dict(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"rule": self.rule, "message": self.message}
        return {**entry, "fieldPath": self.field_path} if self.field_path else entry


def rules(*wanted: Rule) -> JsonDict:
    """Schema extra for a model or field: its CEL rules."""
    return {"x-kubernetes-validations": [rule.as_dict() for rule in wanted]}


def keyed_by(*keys: str) -> JsonDict:
    """Schema extra for a list whose items are told apart by `keys` (server-side apply merges by them)."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


class Condition(ApiModel):
    """One aspect of the current state, as Kubernetes conventions define conditions."""

    type: str = Field(description="Aspect that this condition is about, for example DatabaseReady.", max_length=316)
    status: Literal["True", "False", "Unknown"] = Field(description="Whether the aspect holds.")
    reason: str = Field(
        description="Code in PascalCase for the last transition; safe to match on.",
        min_length=1,
        max_length=1024,
        pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
    )
    message: str = Field(description="What is the case and, if something is wrong, who must act.", max_length=32768)
    observed_generation: int = Field(description="Generation of the spec that this condition was computed from.", ge=0)
    last_transition_time: str = Field(
        description="When `status` last changed (RFC 3339).", json_schema_extra={"format": "date-time"}
    )


@dataclass(frozen=True)
class Column:
    """A printer column of `kubectl get`. Priority 1 shows only with `-o wide`."""

    name: str
    json_path: str
    type: str = "string"
    priority: int = 0
    description: str = ""

    def as_dict(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": self.name, "type": self.type, "jsonPath": self.json_path}
        if self.description:
            entry["description"] = self.description
        return {**entry, "priority": self.priority} if self.priority else entry
