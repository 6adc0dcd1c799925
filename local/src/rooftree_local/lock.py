"""Locks between processes: one `up` of a stack at a time, one maker of a thing in the cache at a time."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def exclusive(path: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Holds the lock file; `waiting` is told when another process holds it. The kernel frees it when we end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting(f"waiting for another rooftree-local that holds {path}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
