"""Shared by the local stack's tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDENS = Path(__file__).parent / "goldens"


@pytest.fixture
def assert_golden() -> Callable[[str, str], None]:
    """Compares text with a committed file; ROOFTREE_UPDATE_GOLDENS=1 writes the file instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDENS / name
        if os.environ.get("ROOFTREE_UPDATE_GOLDENS"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert text == path.read_text(), f"{path} differs; ROOFTREE_UPDATE_GOLDENS=1 accepts the change"

    return compare
