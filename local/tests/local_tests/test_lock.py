"""Only one process at a time holds a lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rooftree_local import lock

HOLD = """
import pathlib, sys
from rooftree_local import lock
with lock.exclusive(pathlib.Path(sys.argv[1]), lambda text: print(text, flush=True)):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_says_that_it_waits_and_goes_on_when_the_first_ends(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "up"
    with lock.exclusive(path, lambda text: None):
        second = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert second.stdout
        assert second.stdout.readline() == f"waiting for another rooftree-local that holds {path}\n"
    assert second.stdout.readline() == "held\n"
    second.communicate("")
    assert second.returncode == 0


def test_a_lock_is_free_again_after_its_holder_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "up"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.wait()
    waited: list[str] = []
    with lock.exclusive(path, waited.append):
        assert waited == []
