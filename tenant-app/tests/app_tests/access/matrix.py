"""Compares the app's answers with `truth`: status, records of lists, numbers, fields, words that must not come out."""

import json
from collections import Counter
from functools import cache
from typing import Any

import httpx2
from rooftree import openapi

from . import fields, lists, truth
from .probes import CLAIMS, LISTINGS, OPEN, PEOPLE, SESSION, Probe, Request
from .world import HOMES, PLACES, World

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
        self.answers: dict[tuple[str, str, str], tuple[str, list[Any]]] = {}
        self.names = {record: name for (_, name), record in world.ids.items()}

    def told(self) -> str:
        parts = ", ".join(f"{count} {name}" for name, count in sorted(self.counted.items()))
        return f"authorization matrix: {parts}; outcomes {dict(sorted(self.outcomes.items()))}"

    async def cell(self, probe: Probe, column: str, caller: str) -> None:
        wanted = "401" if caller in truth.UNKNOWN else probe.says[probe.letters[caller, column]]
        answer = await self.send(probe.operation, probe.request(self.world, column), caller)
        self.outcomes[wanted] += 1
        self.judge(probe, column, caller, wanted, answer)
        if probe.after is not None and answer.is_success:
            probe.after(self.world)

    def judge(self, probe: Probe, column: str, caller: str, wanted: str, answer: httpx2.Response) -> None:
        place = f"{probe.operation} of {column} as {caller}"
        if not _is(answer, wanted, probe):
            self.wrong.append(f"{place}: wanted {wanted}, got {answer.status_code} {answer.text[:200]}")
            return
        if str(answer.status_code) not in METHODS[probe.operation][1]["responses"]:
            self.wrong.append(f"{place}: the document says nothing of {answer.status_code}")
        self.counted["cells"] += 1
        if wanted.startswith("?"):
            self.nobody(probe.operation, wanted, caller, place, answer.json()["errors"])
        if wanted == "ok" and answer.is_success and answer.content and _is_json(answer):
            self.look(probe, column, caller, place, answer.json())

    def nobody(self, operation: str, wanted: str, caller: str, place: str, errors: list[Any]) -> None:
        """Of everybody of whom a caller is told nothing they are told the same, also of whom there never was."""
        first, words = self.answers.setdefault((operation, wanted, caller), (place, errors))
        if words != errors:
            self.wrong.append(f"{place}: told {errors}, and {first}: {words}")
        self.counted["refusals"] += 1

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
        """Fields with their values, and of lists the records and their numbers."""
        if unknown := {name for name, _ in _leaves(body)} - _fields(probe.operation):
            self.wrong.append(f"{place}: fields that the description does not know: {sorted(unknown)}")
        told, compared = fields.differences(
            probe.operation, body, lambda shape, element: self.traits(shape, element, caller, column)
        )
        told += lists.miscounted(body)
        if probe.lists is not None:
            told += lists.differences(probe.lists, self.world, caller, column, body)
            self.counted["lists"] += 1
        self.wrong += [f"{place}: {one}" for one in told]
        self.counted["fields"] += compared
        self.counted["facets"] += len(body.get("facets") or ())
        if probe.operation == "list_person_timeline":
            self.kinds(body, PEOPLE[caller, column], place)
        if probe.operation == "list_person_history":
            self.audit(body, PEOPLE[caller, column], place)
        if probe.operation == "create_delegation" and (live := self.live(body)) != 1:
            self.wrong.append(f"{place}: {live} delegations hold between the two")

    def traits(self, shape: str, element: Any, caller: str, column: str) -> set[str]:
        """The letter of who asks for this record, and what is so of it. Numbers and flags are compared on the way."""
        name = self.names.get(element.get("id"), column)
        match shape.partition("/")[0]:
            case "person" | "lead" | "claimed":
                owner, office = PLACES[name]
                self.flags(shape, element, caller, name)
                return {PEOPLE[caller, name]} | _true(assigned=owner, office=office)
            case "summary" | "detail" | "point" | "price" | "photo":
                state, _, place = name.partition("/")
                owner, office = HOMES[place]
                letter = LISTINGS[caller, name]
                if element.get("can_edit", letter == "W") is not (letter == "W"):
                    self.wrong.append(f"{name} as {caller}: can_edit {element['can_edit']}")
                own = place != "feed"
                return {letter} | _true(assigned=owner, office=office, own=own, draft=state == "draft")
            case "user":
                return _true(office=name not in ("owner", "nomad"), team=name in _TEAMED)
            case "delegation":
                return _true(revoked=name == "agent/idle'")
            case "office" | "team" as kind:
                people, wanted = (
                    (truth.IN_OFFICE, "user_count") if kind == "office" else (truth.IN_TEAM, "member_count")
                )
                if element[wanted] != people[name]:
                    self.wrong.append(f"{kind} {name} as {caller}: {wanted} {element[wanted]}")
                return set()
            case _:
                return {PEOPLE[caller, column]} if (caller, column) in PEOPLE else set()

    def flags(self, shape: str, element: Any, caller: str, name: str) -> None:
        """What a page offers with a person or lead."""
        claims = CLAIMS[caller, name] == "y" and PLACES[name][0] is None
        wanted = {
            "can_claim": claims,
            "can_edit": PEOPLE[caller, name] == "w",
            "can_assign": _ASSIGNMENTS[caller, name] == "y",
            "can_open": True,
        }
        if not shape.startswith("claimed"):
            for flag, value in wanted.items():
                if element.get(flag, value) is not value:
                    self.wrong.append(f"{shape} {name} as {caller}: {flag} is {element[flag]}")

    def live(self, delegation: Any) -> int:
        """How many of what this one is of hold now."""
        query = "SELECT count(*) FROM identity.delegations WHERE (assistant_id, for_user_id) = (%s, %s)"
        two = delegation["assistant"]["id"], delegation["user"]["id"]
        return self.world.rows(f"{query} AND revoked_at IS NULL AND expires_at > now()", *two)[0][0]

    def kinds(self, body: Any, letter: str, place: str) -> None:
        kinds = {entry["kind"] for entry in body["items"]}
        if "lead" not in kinds or ("note" in kinds) is not (letter == "w"):
            self.wrong.append(f"{place}: kinds {sorted(kinds)}")

    def audit(self, body: Any, letter: str, place: str) -> None:
        subjects = {item["subject"] for item in body["items"]}
        if "person" not in subjects or bool(subjects - {"person", "lead"}) is not (letter == "w"):
            self.wrong.append(f"{place}: subjects {sorted(subjects)}")

    async def whoever_asks(self) -> None:
        for operation, request in OPEN.items():
            for caller in truth.CALLERS:
                answer = await self.send(operation, request, caller)
                if answer.status_code in (403, 500) or (answer.status_code == 401 and operation not in TOKEN_FORMS):
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


# They answer 401 to clients that they do not know.
TOKEN_FORMS = ("issue_token", "revoke_token")
_ASSIGNMENTS = truth.read(truth.ASSIGNMENTS)
_TEAMED = ("agent", "mate", "west", "teamed", "departed")


def _true(**facts: object) -> set[str]:
    return {f"+{name}" for name, value in facts.items() if value}


def _is(answer: httpx2.Response, wanted: str, probe: Probe) -> bool:
    if wanted == "ok":
        return answer.status_code in probe.ok and (answer.status_code != 422 or _points(answer) == [probe.points])
    if "/" in wanted:
        return answer.status_code == 422 and _points(answer) == [wanted.removeprefix("?")]
    return answer.status_code == int(wanted)


def _points(answer: httpx2.Response) -> list[str]:
    return [one["pointer"] for one in answer.json()["errors"]]


def _is_json(answer: httpx2.Response) -> bool:
    return answer.headers["content-type"].startswith("application/json")


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


@cache
def _fields(operation: str) -> set[str]:
    """Names of all leaves that the description of the answer has, and of what may stand for a missing object."""
    found: set[str] = set()
    for status in ("200", "201", "202"):
        content = METHODS[operation][1]["responses"].get(status, {}).get("content", {}).get("application/json", {})
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
