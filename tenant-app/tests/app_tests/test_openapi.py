"""The committed API descriptions are those of the routes, and whole."""

import json
from pathlib import Path
from typing import Any

import pytest
from rooftree import assembly, openapi

DOCUMENTS = openapi.documents()
OPERATIONS = [
    (path, method, operation)
    for path, methods in json.loads(DOCUMENTS["openapi.json"])["paths"].items()
    for method, operation in methods.items()
]


def test_committed_files_are_current() -> None:
    committed = {file.name: file.read_text() for file in openapi.DEFAULT_FOLDER.glob("*.json")}
    assert committed.keys() == DOCUMENTS.keys()
    stale = [name for name, content in DOCUMENTS.items() if committed[name] != content]
    assert stale == [], "run `make gen`"


def test_there_is_a_file_for_each_module() -> None:
    assert {f"{name}.json" for name in assembly.names()} == DOCUMENTS.keys() - {"openapi.json"}


def test_operation_ids_are_unique_handler_names() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_reference_leads_somewhere(name: str) -> None:
    document = json.loads(DOCUMENTS[name])
    for reference in references(document):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        assert target


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for item in node for found in references(item)] if isinstance(node, list) else []


@pytest.mark.parametrize(
    "operation", [one for *_, one in OPERATIONS if "requestBody" in one], ids=lambda one: one["operationId"]
)
def test_what_takes_a_body_says_that_it_can_be_unreadable_or_too_large(operation: dict[str, Any]) -> None:
    assert operation["responses"].keys() >= {"400", "413"}


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_says_whether_it_needs_somebody(path: str, method: str, operation: dict[str, Any]) -> None:
    needed = bool(operation["security"])
    assert needed == ("401" in operation["responses"] and path.startswith("/api/")), f"{method} {path}"


def test_check_finds_drift(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["openapi", str(tmp_path)])
    assert openapi.main() == 0
    monkeypatch.setattr("sys.argv", ["openapi", "--check", str(tmp_path)])
    assert openapi.main() == 0
    (tmp_path / "identity.json").write_text("{}")
    assert openapi.main() == 1
