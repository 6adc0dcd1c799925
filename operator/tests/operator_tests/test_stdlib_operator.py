"""The member's folder is called operator; Python's own module of that name must stay what it is."""

import operator
import subprocess
import sys
from pathlib import Path

MEMBER = Path(__file__).parents[2]


def test_the_standard_library_keeps_its_operator() -> None:
    assert operator.add(1, 1) == 2


def test_a_fresh_interpreter_at_the_root_finds_the_standard_library() -> None:
    code = "import operator, argparse; print(operator.add(1, 1))"
    done = subprocess.run([sys.executable, "-c", code], cwd=MEMBER.parent, capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"


def test_the_members_folder_is_no_package() -> None:
    assert not (MEMBER / "__init__.py").exists()
