"""The committed descriptions of events are those of the contracts, and promises are kept."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rooftree import event_schemas
from rooftree.kernel import events
from rooftree.kernel.schema_changes import incompatibilities

from .samples import Counted

DOCUMENTS = event_schemas.documents()
ASYNCAPI: dict[str, Any] = json.loads(DOCUMENTS["asyncapi.json"])

OLD: dict[str, Any] = {
    "$defs": {
        "Money": {
            "type": "object",
            "properties": {"amount": {"type": "integer"}, "currency": {"type": "string"}},
            "required": ["amount", "currency"],
        }
    },
    "type": "object",
    "properties": {
        "price": {"$ref": "#/$defs/Money"},
        "status": {"type": "string", "enum": ["a", "b"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "closed": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None},
    },
    "required": ["price", "status", "tags"],
}


def test_committed_files_are_current() -> None:
    folder = event_schemas.DEFAULT_FOLDER
    committed = {f"event-schemas/{file.name}" for file in (folder / "event-schemas").iterdir()} | {"asyncapi.json"}
    assert committed == DOCUMENTS.keys()
    stale = [name for name, content in DOCUMENTS.items() if (folder / name).read_text() != content]
    assert stale == [], "run `make gen`"


def test_every_event_of_a_contract_has_a_valid_schema_and_a_message() -> None:
    assert event_schemas.published()
    for kind, event in event_schemas.published().items():
        schema = json.loads(DOCUMENTS[f"event-schemas/{kind}.json"])
        jsonschema.Draft202012Validator.check_schema(schema)
        assert ASYNCAPI["components"]["messages"][kind.removeprefix("dev.rooftree.")]["title"] == event.__name__
        assert schema["description"]


def test_schema_accepts_what_the_class_writes_and_what_a_newer_one_adds() -> None:
    event = Counted(counter=events.UUID("0198c0de-0000-7000-8000-000000000001"), number=1)
    schema = event_schemas.schema(Counted)
    written = json.loads(events.dump(event))
    jsonschema.validate(written | {"newer": 1}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"counter": "x"}, schema)


def test_references_of_the_asyncapi_document_lead_somewhere() -> None:
    for reference in _references(ASYNCAPI):
        if reference.startswith("./"):
            assert reference.removeprefix("./") in DOCUMENTS
            continue
        target: Any = ASYNCAPI
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        assert target


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for item in node for found in _references(item)] if isinstance(node, list) else []


def test_asyncapi_names_every_consumer_and_its_group() -> None:
    from rooftree import assembly

    names = [name for module in assembly.find() for name in module.consumers]
    for name in names:
        operation = ASYNCAPI["operations"][f"receive.{name}"]
        assert operation["action"] == "receive"
        assert operation["bindings"]["kafka"]["groupId"]["pattern"].endswith(name.replace(".", r"\.") + "$")


def _edit(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(schema: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        node: Any = schema
        for part in parents:
            node = node[part]
        if value is None:
            del node[last]
        else:
            node[last] = value

    return edit


def _all(*edits: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def edit(schema: dict[str, Any]) -> None:
        for one in edits:
            one(schema)

    return edit


INCOMPATIBLE = {
    "a field is removed": (_edit("properties/tags", None), "tags was removed"),
    "an optional field is removed": (_edit("properties/closed", None), "closed was removed"),
    "a field is renamed": (
        _all(_edit("properties/tags", None), _edit("properties/labels", {"type": "array"})),
        "tags was removed",
    ),
    "a type is changed": (_edit("properties/tags/items/type", "integer"), "was 'string', is 'integer'"),
    "a format is narrowed": (_edit("properties/tags/items/format", "uuid"), "format was added"),
    "a length is limited": (_edit("properties/tags/maxItems", 3), "maxItems was added"),
    "an enumeration loses a value": (_edit("properties/status/enum", ["a"]), "enum"),
    "an enumeration gets a value that old readers refuse": (_edit("properties/status/enum", ["a", "b", "c"]), "enum"),
    "null is no longer allowed": (_edit("properties/closed/anyOf", [{"type": "string", "format": "date"}]), "forms"),
    "a new field is required": (
        _all(_edit("properties/new", {"type": "string"}), _edit("required", ["price", "status", "tags", "new"])),
        "new is new and required",
    ),
    "an optional field becomes required": (
        _edit("required", ["price", "status", "tags", "closed"]),
        "closed was optional",
    ),
    "a required field becomes optional": (_edit("required", ["price", "status"]), "tags was required"),
    "a default is changed": (_edit("properties/closed/default", "2026-01-01"), "default"),
    "a nested field is removed": (_edit("$defs/Money/properties/currency", None), "currency was removed"),
    "a nested type is changed": (_edit("$defs/Money/properties/amount/type", "number"), "amount"),
    "unknown fields are forbidden": (_edit("additionalProperties", False), "additionalProperties was added"),
}


@pytest.mark.parametrize("case", INCOMPATIBLE)
def test_incompatible_change_is_found(case: str) -> None:
    edit, reason = INCOMPATIBLE[case]
    new = copy.deepcopy(OLD)
    edit(new)
    found = incompatibilities(OLD, new)
    assert any(reason in item for item in found), found


@pytest.mark.parametrize(
    "edit",
    [
        _edit("description", "better words"),
        _edit("properties/new", {"type": "string", "default": ""}),
        _edit("$defs/Money/properties/note", {"type": "string", "default": ""}),
        _edit("properties/status/enum", ["b", "a"]),
        _edit("required", ["tags", "status", "price"]),
        _all(
            _edit("properties/price", {"$ref": "#/$defs/Amount"}),
            _edit("$defs/Amount", OLD["$defs"]["Money"]),
            _edit("$defs/Money", None),
        ),
    ],
)
def test_compatible_change_is_allowed(edit: Callable[[dict[str, Any]], None]) -> None:
    new = copy.deepcopy(OLD)
    edit(new)
    assert incompatibilities(OLD, new) == []


def _main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["event_schemas", *arguments])
    return event_schemas.main()


def test_writing_never_breaks_a_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(monkeypatch, str(tmp_path)) == 0
    assert _main(monkeypatch, "--check", str(tmp_path)) == 0
    file = next((tmp_path / "event-schemas").glob("*listing-changed*"))
    promised = json.loads(file.read_text())
    promised["properties"]["gone"] = {"type": "string"}
    file.write_text(json.dumps(promised))
    assert _main(monkeypatch, str(tmp_path)) == 1
    assert "gone was removed" in capsys.readouterr().err
    assert json.loads(file.read_text()) == promised


def test_check_finds_drift_and_events_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(monkeypatch, str(tmp_path)) == 0
    (tmp_path / "asyncapi.json").write_text("{}")
    assert _main(monkeypatch, "--check", str(tmp_path)) == 1
    (tmp_path / "event-schemas" / "dev.rooftree.property.forgotten.v1.json").write_text("{}")
    assert _main(monkeypatch, str(tmp_path)) == 1
    assert "the event is gone" in capsys.readouterr().err
