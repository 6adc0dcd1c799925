"""Documents of the API are compared with those that landed last, and what breaks clients is named."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from delivery import api_diff

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def document() -> dict[str, Any]:
    answer = {"200": {"description": "ok", "content": {"application/json": {"schema": _answer()}}}}
    limit = {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer"}}
    operation = {"operationId": "list_things", "parameters": [limit], "responses": answer}
    return {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/things": {"get": operation}}}


def _answer() -> dict[str, Any]:
    return {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit on main with one document."""
    (tmp_path / api_diff.DOCUMENTS).mkdir(parents=True)
    run(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, document())
    return tmp_path


def run(root: Path, *words: str) -> str:
    told = ("-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *told, *words], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path, content: dict[str, Any]) -> str:
    (root / api_diff.DOCUMENTS / "crm.json").write_text(json.dumps(content))
    run(root, "add", "-A")
    run(root, "commit", "-q", "--allow-empty", "-m", "x")
    return run(root, "rev-parse", "HEAD")


def test_a_branch_is_compared_with_where_it_left_main(repository: Path) -> None:
    left = run(repository, "rev-parse", "HEAD")
    run(repository, "switch", "-q", "-c", "work")
    commit(repository, document() | {"x-one": 1})
    commit(repository, document() | {"x-two": 2})
    assert api_diff.base(repository) == left


def test_main_is_compared_with_what_was_before_the_documents_changed_last(repository: Path) -> None:
    before = commit(repository, document())
    commit(repository, document() | {"x-one": 1})
    commit(repository, document() | {"x-one": 1})
    assert api_diff.base(repository) == before


def test_without_history_it_says_so_instead_of_passing(repository: Path) -> None:
    with pytest.raises(api_diff.NoHistory, match="unshallow"):
        api_diff.base(repository)


def _gone(changed: dict[str, Any]) -> None:
    changed["paths"] = {"/others": changed["paths"]["/things"]}


def _required(changed: dict[str, Any]) -> None:
    changed["paths"]["/things"]["get"]["parameters"][0]["required"] = True


def _narrower(changed: dict[str, Any]) -> None:
    changed["paths"]["/things"]["get"]["parameters"][0]["schema"] = {"type": "integer", "maximum": 10}


def _less(changed: dict[str, Any]) -> None:
    content = changed["paths"]["/things"]["get"]["responses"]["200"]["content"]
    content["application/json"]["schema"] = {"type": "object", "properties": {}}


@pytest.mark.api
@pytest.mark.parametrize("change", [_gone, _required, _narrower, _less])
def test_what_breaks_clients_is_named(repository: Path, change: Callable[[dict[str, Any]], None]) -> None:
    old, changed = run(repository, "rev-parse", "HEAD"), document()
    change(changed)
    commit(repository, changed)
    assert len(api_diff.breaks(repository, old)) == 1


@pytest.mark.api
def test_what_is_added_breaks_nobody(repository: Path) -> None:
    old, changed = run(repository, "rev-parse", "HEAD"), document()
    changed["paths"]["/others"] = {"get": {**changed["paths"]["/things"]["get"], "operationId": "list_others"}}
    commit(repository, changed)
    assert api_diff.breaks(repository, old) == []


@pytest.mark.api
def test_a_document_that_is_gone_breaks_all_its_clients(repository: Path) -> None:
    old = run(repository, "rev-parse", "HEAD")
    (repository / api_diff.DOCUMENTS / "crm.json").unlink()
    assert api_diff.breaks(repository, old) == ["crm.json is gone"]


@pytest.mark.api
def test_what_is_wanted_is_let_through(repository: Path) -> None:
    old, changed = run(repository, "rev-parse", "HEAD"), document()
    _gone(changed)
    commit(repository, changed)
    (line,) = api_diff.breaks(repository, old)
    (repository / api_diff.DOCUMENTS / api_diff.WANTED).write_text(f"{line.removeprefix('crm.json: ')}\n")
    assert api_diff.breaks(repository, old) == [], line
