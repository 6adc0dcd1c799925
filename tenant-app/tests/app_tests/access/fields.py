"""Which fields answers show, by hand: those that are neither null nor an empty list, of every operation and letter.

A word is a field; `field:WP` is shown to those letters alone, `field:+assigned` of records of which that is true, `field?`
whether or not. `items=person` says that each of `items` shows what a person does, `=person` that the answer itself does;
of `items=entry/{kind}` the item says what it is.
"""

from collections.abc import Callable, Mapping
from typing import Any

ANSWERS: Mapping[str, str] = {}
SHAPES: Mapping[str, str] = {}
# What stands for a field that is not shown.
_WITHHELD = "Address withheld"
# Of a shape and a record: the caller's letter, and what is true of the record, with `+`.
Traits = Callable[[str, Any], set[str]]


def differences(operation: str, body: Any, traits: Traits) -> tuple[list[str], int]:
    """What an answer shows too much or too little, and how many fields were compared."""
    if operation not in ANSWERS:
        return [f"nobody wrote down what {operation} shows: {sorted(_shown(body))}"], 0
    told: list[str] = []
    words = ANSWERS[operation].split()
    shapes = [word.partition("=")[::2] for word in words if "=" in word]
    envelope = " ".join(word for word in words if "=" not in word)
    compared = 0
    for path, shape in shapes:
        for element in [body] if not path else _at(body, path.split(".")):
            name = shape.format_map(element) if "{" in shape else shape
            text = f"{SHAPES.get(name, '')} {'' if path else envelope}"
            told += [f"{name}: {one}" for one in _compare(text, _shown(element), traits(name, element))]
            compared += len(text.split())
    if not any(not path for path, _ in shapes):
        inside = tuple(path for path, _ in shapes)
        rest = {name for name in _shown(body) if not name.startswith(tuple(f"{path}." for path in inside))}
        told += _compare(envelope, rest, traits("", body))
        compared += len(envelope.split())
    return told, compared


def _compare(text: str, shown: set[str], traits: set[str]) -> list[str]:
    wanted: set[str] = set()
    either: set[str] = set()
    for word in text.split():
        name, _, condition = word.partition(":")
        if name.endswith("?"):
            either.add(name[:-1])
        elif not condition or condition in traits or (condition[0] != "+" and traits & set(condition)):
            wanted.add(name)
    lacking, more = sorted(wanted - shown), sorted(shown - wanted - either)
    return [f"{what} {names} of {sorted(traits)}" for what, names in (("lacks", lacking), ("shows", more)) if names]


def _at(value: Any, path: list[str]) -> list[Any]:
    """All elements of lists at the end of a path."""
    if isinstance(value, list):
        return [found for item in value for found in _at(item, path)]
    return _at(value[path[0]], path[1:]) if path else [value]


def _shown(value: Any, name: str = "") -> set[str]:
    if isinstance(value, dict):
        return {one for key, item in value.items() for one in _shown(item, f"{name}.{key}" if name else key)}
    if isinstance(value, list):
        return {one for item in value for one in _shown(item, name)}
    return set() if value is None or value == _WITHHELD else {name}
