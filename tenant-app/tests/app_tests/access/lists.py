"""Which records a list must hold, and how many it must say there are, by the truth's letters."""

from collections.abc import Callable, Mapping
from typing import Any

from . import truth
from .probes import LISTINGS, PEOPLE, TASKS, USERS
from .world import FURTHER, World

# Each part of a list: its records, where they are shown, and how many they are said to be, where that is told.
Part = tuple[set[str] | None, int | None]
_LISTED = truth.read(truth.LISTED)
_TABLES = {
    "invitation": truth.read(truth.INVITATIONS),
    "delegation": truth.read(truth.DELEGATIONS),
    "office": truth.read(truth.OFFICES),
    "team": truth.read(truth.TEAMS),
    "job": truth.read(truth.JOBS),
    "crm.import": truth.read(truth.IMPORTS),
    "property.import": truth.read(truth.IMPORTS),
}


def wanted(kind: str, world: World, caller: str, column: str) -> dict[str, set[str]]:
    """By part (a stage of the board, a place that is suggested, or the one part that others have): ids."""
    match kind:
        case "board" | "stage":
            first = {name for name in _of(PEOPLE, caller) if name not in FURTHER}
            parts = dict(zip(world.stages, (first, _of(PEOPLE, caller) - first), strict=False))
            return {stage: _ids(world, "person", parts.get(stage, set())) for stage in world.stages}
        case "count":
            return {"Somerset": _ids(world, "listing", _placed(caller))}
        case "duplicate":
            return {"": _ids(world, "person", _of(PEOPLE, caller) & {column})}
        case "suggestion":
            return {"": _ids(world, "listing", _placed(caller) & {column})}
        case "session":
            user = world.users[caller if column == "signed" else column]
            return {"": {str(row[0]) for row in world.rows("SELECT id FROM gateway.sessions WHERE user_id = %s", user)}}
        case _:
            return {"": _ids(world, _RECORDS.get(kind, kind), _READABLE[kind](caller))}


def found(kind: str, body: Any) -> dict[str, Part]:
    """What the answer has of each part."""
    match kind:
        case "board":
            return {one["stage_id"]: (_all(one["items"]), one["total"]) for one in body["columns"]}
        case "stage":
            return {one["id"]: (None, one["people"]) for one in body["items"]}
        case "count":
            return {one["text"]: (None, one["count"]) for one in body["items"] if one["count"] is not None}
        case "suggestion":
            return {"": ({one["property_id"] for one in body["items"]}, None)}
        case "point":
            return {"": (_all(body["points"]), body["total"])}
        case _:
            return {"": (_all(body["items"]), body.get("total"))}


def differences(kind: str, world: World, caller: str, column: str, body: Any) -> list[str]:
    """What the list shows wrongly, or too little."""
    names = {record: f"{one}/{name}" for (one, name), record in world.ids.items()}
    told: list[str] = []
    should, does = wanted(kind, world, caller, column), found(kind, body)
    for part in should.keys() | does.keys():
        ids, (shown, total) = should.get(part, set()), does.get(part, (set(), None))
        if part in should and part not in does and ids:
            told.append(f"lacks {part}")
        if shown is not None and shown != ids:
            missing, more = (sorted(names.get(one, one) for one in side) for side in (ids - shown, shown - ids))
            told.append(f"misses {missing}, shows also {more}")
        if total is not None and total != len(ids):
            told.append(f"says that there are {total}, not {len(ids)}")
    return told


def miscounted(body: Any) -> list[str]:
    """Numbers of an answer that contradict its records: all of them are on its one page."""
    told: list[str] = []
    if "total" in body and "items" in body and body["total"] != len(body["items"]):
        told.append(f"says that there are {body['total']}, and shows {len(body['items'])}")
    if body.get("next_cursor"):
        told.append("goes on, though all of it has room here")
    for name, values in (body.get("facets") or {}).items():
        if sum(one["count"] for one in values) != body["total"]:
            told.append(f"the facet {name} counts {values}, of {body['total']}")
    return told


def _all(items: list[Any]) -> set[str]:
    return {item["id"] for item in items}


def _ids(world: World, kind: str, names: set[str]) -> set[str]:
    return {world.ids[kind, name] for name in names}


def _of(table: Mapping[tuple[str, str], str], caller: str, *, without: str = ".") -> set[str]:
    return {column for (one, column), letter in table.items() if one == caller and letter not in without}


def _published(caller: str) -> set[str]:
    return {column for column in _of(LISTINGS, caller) if not column.startswith("draft/")}


def _placed(caller: str) -> set[str]:
    """Found by words and places: those whose place the caller may know."""
    return _published(caller) & _of(LISTINGS, caller, without=".m")


_RECORDS = {"editable": "listing", "placed": "listing", "point": "listing"}
_READABLE: dict[str, Callable[[str], set[str]]] = {
    "person": lambda caller: _of(PEOPLE, caller),
    "lead": lambda caller: _of(PEOPLE, caller),
    "task": lambda caller: _of(TASKS, caller),
    "user": lambda caller: _of(USERS, caller) | _of(_LISTED, caller),
    "listing": _published,
    "placed": _placed,
    "point": _placed,
    "editable": lambda caller: _of(LISTINGS, caller, without=".Prm"),
    "invitation": lambda caller: _of(_TABLES["invitation"], caller),
    "delegation": lambda caller: _of(_TABLES["delegation"], caller),
    "office": lambda caller: _of(_TABLES["office"], caller),
    "team": lambda caller: _of(_TABLES["team"], caller),
    "job": lambda caller: _of(_TABLES["job"], caller),
    "crm.import": lambda caller: _of(_TABLES["crm.import"], caller),
    "property.import": lambda caller: _of(_TABLES["property.import"], caller),
}
