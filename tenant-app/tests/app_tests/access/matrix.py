"""Compares the app's answers with `truth`: status, records of lists, fields, words that must not come out."""

import json
from collections import Counter
from typing import Any

import httpx2
from rooftree import openapi

from . import truth
from .probes import LISTINGS, OPEN, PEOPLE, SESSION, TASKS, USERS, Probe, Request
from .world import World

DOCUMENT = json.loads((openapi.DEFAULT_FOLDER / openapi.MERGED).read_text())
METHODS = {
    operation["operationId"]: (method.upper(), operation)
    for path in DOCUMENT["paths"].values()
    for method, operation in path.items()
}


class Matrix:
    def __init__(self, world: World) -> None:
        self.world = world
        self.wrong: list[str] = []
        self.counted: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()

    def told(self) -> str:
        parts = ", ".join(f"{count} {name}" for name, count in sorted(self.counted.items()))
        return f"authorization matrix: {parts}; outcomes {dict(sorted(self.outcomes.items()))}"

    async def cell(self, probe: Probe, column: str, caller: str) -> None:
        wanted = "401" if caller in truth.UNKNOWN else probe.says[probe.letters[caller, column]]
        answer = await self.send(probe.operation, probe.request(self.world, column), caller)
        if probe.after is not None:
            probe.after(self.world)
        self.outcomes[wanted] += 1
        place = f"{probe.operation} of {column} as {caller}"
        if not _is(answer, wanted, probe.ok):
            self.wrong.append(f"{place}: wanted {wanted}, got {answer.status_code} {answer.text[:200]}")
            return
        self.counted["cells"] += 1
        if wanted == "ok" and answer.status_code in (200, 201) and answer.content:
            self.look(probe, column, caller, place, answer.json())

    async def send(self, operation: str, request: Request, caller: str) -> httpx2.Response:
        method, _described = METHODS[operation]
        answer = await self.world.callers[caller].request(
            method,
            request.path,
            json=request.json,
            params=request.params,
            headers=dict(request.headers),
            content=request.content,
        )
        self.counted["requests"] += 1
        leaked = sorted(word for word in self.world.hidden[caller] if _holds(answer.text, word))
        if leaked:
            self.wrong.append(f"{operation} as {caller} ({request.path}) leaks {leaked}")
        self.counted["words"] += len(self.world.hidden[caller])
        return answer

    def look(self, probe: Probe, column: str, caller: str, place: str, body: Any) -> None:
        """Fields, and of lists the records."""
        known = _fields(METHODS[probe.operation][1])
        found = {name for name, _ in _leaves(body)}
        if unknown := found - known:
            self.wrong.append(f"{place}: fields that the description does not know: {sorted(unknown)}")
        if probe.operation == "get_property":
            self.masks(body, LISTINGS[caller, column], place)
        if probe.operation == "list_person_timeline":
            self.kinds(body, PEOPLE[caller, column], place)
        if probe.operation == "list_person_history":
            self.audit(body, PEOPLE[caller, column], place)
        if probe.lists is not None:
            self.records(probe.lists, caller, place, body)
        self.counted["fields"] += len(known)

    def masks(self, body: Any, letter: str, place: str) -> None:
        """Each masked field: its value, or nothing; nothing else is missing."""
        shown = {
            "private_remarks": letter in "WP",
            "showing_instructions": letter in "WP",
            "latitude": letter != "m",
            "longitude": letter != "m",
            "unparsed_address": letter != "m",
        }
        for name, is_shown in shown.items():
            value = None if body[name] == "Address withheld" else body[name]
            if (value is not None) is not is_shown:
                self.wrong.append(f"{place}: {name} is {body[name]!r}")
        if not body["list_price"]["amount"] or body["can_edit"] is not (letter == "W"):
            self.wrong.append(f"{place}: price {body['list_price']}, can_edit {body['can_edit']}")

    def kinds(self, body: Any, letter: str, place: str) -> None:
        kinds = {entry["kind"] for entry in body["items"]}
        if "lead" not in kinds or ("note" in kinds) is not (letter == "w"):
            self.wrong.append(f"{place}: kinds {sorted(kinds)}")

    def audit(self, body: Any, letter: str, place: str) -> None:
        subjects = {item["subject"] for item in body["items"]}
        if "person" not in subjects or bool(subjects - {"person", "lead"}) is not (letter == "w"):
            self.wrong.append(f"{place}: subjects {sorted(subjects)}")

    def records(self, kind: str, caller: str, place: str, body: Any) -> None:
        wanted = {self.world.ids[key] for key in _readable(kind, caller)}
        ours = {record for (one, _), record in self.world.ids.items() if one == _RECORDS.get(kind, kind)}
        found = {item["id"] for item in body["items"]} & ours
        if found != wanted:
            names = {record: name for (_, name), record in self.world.ids.items()}
            missing, more = ({names[one] for one in side} for side in (wanted - found, found - wanted))
            self.wrong.append(f"{place}: misses {sorted(missing)}, shows also {sorted(more)}")

    async def whoever_asks(self) -> None:
        for operation, request in OPEN.items():
            for caller in truth.CALLERS:
                answer = await self.send(operation, request, caller)
                if answer.status_code in (403, 500) or (answer.status_code == 401 and operation != "issue_token"):
                    self.wrong.append(f"{operation} as {caller}: {answer.status_code} {answer.text[:200]}")
                self.counted["cells"] += 1

    async def sessions(self) -> None:
        for operation, path in SESSION.items():
            for caller in truth.CALLERS:
                answer = await self.send(operation, Request(path), caller)
                wanted = 204 if operation == "logout" else 401 if caller in truth.UNKNOWN else 200
                if answer.status_code != wanted:
                    self.wrong.append(f"{operation} as {caller}: {answer.status_code} {answer.text[:200]}")
                self.counted["cells"] += 1


_RECORDS = {"editable": "listing"}


def _readable(kind: str, caller: str) -> set[tuple[str, str]]:
    """Keys of records that a list must hold."""
    match kind:
        case "person" | "lead":
            return {(kind, column) for (one, column), letter in PEOPLE.items() if one == caller and letter != "."}
        case "task":
            return {(kind, column) for (one, column), letter in TASKS.items() if one == caller and letter == "y"}
        case "user":
            return {(kind, column) for (one, column), letter in USERS.items() if one == caller and letter != "."}
        case "listing":
            return {
                ("listing", column)
                for (one, column), letter in LISTINGS.items()
                if one == caller and letter != "." and not column.startswith("draft/")
            }
        case "editable":
            return {("listing", column) for (one, column), letter in LISTINGS.items() if (one, letter) == (caller, "W")}
        case _:
            table = {"invitation": truth.INVITATIONS, "delegation": truth.DELEGATIONS}[kind]
            taken = {("delegation", "idle's")} if (kind, caller) == ("delegation", "idle") else set[tuple[str, str]]()
            letters = truth.read(table)
            return taken | {
                (kind, column) for (one, column), letter in letters.items() if (one, letter != ".") == (caller, True)
            }


def _is(answer: httpx2.Response, wanted: str, ok: frozenset[int]) -> bool:
    if wanted == "ok":
        return answer.status_code in ok and not (answer.status_code == 422 and "/user_id" in answer.text)
    if wanted.startswith("/"):
        return answer.status_code == 422 and [one["pointer"] for one in answer.json()["errors"]] == [wanted]
    return answer.status_code == int(wanted)


def _holds(text: str, word: str) -> bool:
    """As a whole word: `canaryhome1` is not in `canaryhome12`."""
    start = text.find(word)
    while start >= 0:
        if not text[start + len(word) : start + len(word) + 1].isdigit():
            return True
        start = text.find(word, start + 1)
    return False


def _leaves(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, f"{name}.{key}")]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item, name)]
    return [(name, value)]


def _fields(operation: dict[str, Any]) -> set[str]:
    """Names of all leaves that the description of the answer has, and of what may stand for a missing object."""
    found: set[str] = set()
    for status in ("200", "201"):
        content = operation["responses"].get(status, {}).get("content", {}).get("application/json", {})
        found |= _names(content.get("schema", {}), "", ())
    return found


def _names(schema: dict[str, Any], name: str, within: tuple[str, ...]) -> set[str]:
    reference = schema.get("$ref", "")
    if reference in within:
        return {name}
    if reference:
        target = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]
        return _names(target, name, (*within, reference))
    parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    found = {one for part in parts for one in _names(part, name, within)}
    for key, item in schema.get("properties", {}).items():
        found |= _names(item, f"{name}.{key}", within)
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        found |= _names(more, f"{name}.*", within)
    if "items" in schema:
        found |= _names(schema["items"], name, within)
    return found or {name}
