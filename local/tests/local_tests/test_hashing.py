"""Hashes decide what is built again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from rooftree_local import hashing


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name in ("app/src/main.py", "app/tests/test_main.py", "other/file.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(name)
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    return tmp_path


def test_a_changed_source_changes_the_hash(checkout: Path) -> None:
    before = hashing.of_trees(checkout, "app")
    (checkout / "app/src/main.py").write_text("changed")
    assert hashing.of_trees(checkout, "app") != before


def test_a_new_source_that_is_not_committed_changes_the_hash(checkout: Path) -> None:
    before = hashing.of_trees(checkout, "app")
    (checkout / "app/src/new.py").touch()
    assert hashing.of_trees(checkout, "app") != before


def test_a_source_that_becomes_executable_changes_the_hash(checkout: Path) -> None:
    before = hashing.of_trees(checkout, "app")
    (checkout / "app/src/main.py").chmod(0o755)
    assert hashing.of_trees(checkout, "app") != before


@pytest.mark.parametrize("name", ["app/tests/test_main.py", "other/file.py", "app/src/main.pyc"])
def test_what_is_not_shipped_does_not_change_the_hash(checkout: Path, name: str) -> None:
    before = hashing.of_trees(checkout, "app")
    (checkout / name).write_text("changed")
    assert hashing.of_trees(checkout, "app") == before


def test_a_tracked_source_that_was_removed_is_no_error(checkout: Path) -> None:
    subprocess.run(["git", "-C", str(checkout), "add", "."], check=True)
    before = hashing.of_trees(checkout, "app")
    (checkout / "app/src/main.py").unlink()
    assert hashing.of_trees(checkout, "app") != before


def test_the_borders_between_texts_count() -> None:
    assert hashing.of_text("ab", "c") != hashing.of_text("a", "bc")


def test_a_hash_may_be_part_of_a_label_and_a_tag() -> None:
    assert len(hashing.of_text("x")) == hashing.LENGTH
    assert set(hashing.of_text("x")) <= set("0123456789abcdef")
