"""Turns pydantic's JSON schema into Kubernetes' structural schema. Pure.

A structural schema has no `$ref`, no `anyOf` for nullable, no `title`, and `additionalProperties` only for maps.
Optional fields are absent rather than null, so `X | None` becomes plain X that is not required.
"""

from typing import Any, cast

from pydantic import BaseModel

Schema = dict[str, Any]

_DROPPED = ("title", "$defs")


def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of `model`, by alias.

    Raises:
        ValueError: the model uses a construct that Kubernetes does not take.
    """
    raw: Schema = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(raw, raw.get("$defs", {}))


def _convert(node: Schema, definitions: dict[str, Schema]) -> Schema:
    node = _resolve(node, definitions)
    out: Schema = {k: v for k, v in node.items() if k not in _DROPPED and not (k == "default" and v is None)}
    if "properties" in out:
        out["properties"] = {name: _convert(child, definitions) for name, child in out["properties"].items()}
    if "items" in out:
        out["items"] = _convert(out["items"], definitions)
    extra = out.pop("additionalProperties", None)
    if isinstance(extra, dict):
        out["additionalProperties"] = _convert(cast("Schema", extra), definitions)
    if "type" not in out:
        raise ValueError(f"no structural type for {node}")
    return out


def _resolve(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """Inlines a reference and unwraps `X | None`; the outer description and extras win."""
    own = {k: v for k, v in node.items() if k not in ("$ref", "anyOf", "allOf")}
    if "$ref" in node:
        return {**_resolve(definitions[node["$ref"].removeprefix("#/$defs/")], definitions), **own}
    if "anyOf" in node:
        kinds = [kind for kind in cast("list[Schema]", node["anyOf"]) if kind.get("type") != "null"]
        if len(kinds) != 1:
            raise ValueError(f"a union is not structural: {node}")
        return {**_resolve(kinds[0], definitions), **own}
    return node
