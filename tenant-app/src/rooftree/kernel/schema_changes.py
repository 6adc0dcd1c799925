"""Whether an event's schema may become another one. Pure.

Old messages meet new readers (a topic keeps weeks of them) and new messages meet old readers (while releases change),
so only one change is free: a new field that may be absent. All else, also a wider type or one more value of an
enumeration, would be refused by one of them and needs a new version of the event.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

# Say nothing about what is valid.
_NOTES = frozenset({"$schema", "$id", "$defs", "title", "description", "examples", "deprecated"})

Schema = Mapping[str, Any]


def incompatibilities(old: Schema, new: Schema) -> list[str]:
    """What forbids the change, each with its place; nothing: it is allowed."""
    return list(_differences(old, new, (old, new), "data"))


def _differences(old: Any, new: Any, roots: tuple[Schema, Schema], place: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _objects(
            _resolved(cast("Schema", old), roots[0]), _resolved(cast("Schema", new), roots[1]), roots, place
        )
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(cast("list[Any]", old), cast("list[Any]", new), roots, place)
    elif old != new:
        yield f"{place}: was {old!r}, is {new!r}"


def _objects(old: Schema, new: Schema, roots: tuple[Schema, Schema], place: str) -> Iterator[str]:
    yield from _fields(old, new, roots, place)
    for key in sorted((old.keys() | new.keys()) - _NOTES - {"properties", "required"}):
        if (key in old) != (key in new):
            yield f"{place}: {key} was {'removed' if key in old else 'added'}"
        else:
            yield from _differences(old[key], new[key], roots, f"{place}.{key}")


def _lists(old: list[Any], new: list[Any], roots: tuple[Schema, Schema], place: str) -> Iterator[str]:
    if not any(isinstance(value, dict) for value in old):
        if sorted(map(repr, old)) != sorted(map(repr, new)):
            yield f"{place}: was {old!r}, is {new!r}"
        return
    if len(old) != len(new):
        yield f"{place}: has {len(new)} forms instead of {len(old)}"
    for index, (one, other) in enumerate(zip(old, new, strict=False)):
        yield from _differences(one, other, roots, f"{place}.{index}")


def _fields(old: Schema, new: Schema, roots: tuple[Schema, Schema], place: str) -> Iterator[str]:
    before: Mapping[str, Any] = old.get("properties", {})
    after: Mapping[str, Any] = new.get("properties", {})
    needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in before:
        if name not in after:
            yield f"{place}: {name} was removed"
        else:
            yield from _differences(before[name], after[name], roots, f"{place}.{name}")
            if (name in needed_before) != (name in needed_after):
                yield f"{place}: {name} was {'required' if name in needed_before else 'optional'}"
    yield from (f"{place}: {name} is new and required" for name in after if name in needed_after - before.keys())


def _resolved(node: Schema, root: Schema) -> Schema:
    reference = node.get("$ref")
    if reference is None:
        return node
    target: Schema = root["$defs"][str(reference).removeprefix("#/$defs/")]
    return {**_resolved(target, root), **{key: value for key, value in node.items() if key != "$ref"}}
