"""What holds for all tests: how examples are made, and that a test fails for its own reasons only.

A change is judged by what it does and not by its luck: examples are the same ones each time, however busy the machine
is. With `HYPOTHESIS_PROFILE=search`, as in `make full`, new examples are looked for. What is marked `thorough` is run
with `THOROUGH=1` only, as in `make full`.
"""

import ast
import functools
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", settings.get_profile("steady"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


IS_WHOLE = bool(os.environ.get("THOROUGH"))
FAULTS = Path(__file__).parent / "tests" / "e2e" / "faults"  # is never part of `make test`


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("thorough") and not IS_WHOLE and FAULTS not in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="only in `make full`"))


P = ParamSpec("P")
R = TypeVar("R")


def _one_at_a_time(work: Callable[P, R]) -> Callable[P, R]:
    turn = threading.RLock()

    @functools.wraps(work)
    def alone(*args: P.args, **kwargs: P.kwargs) -> R:
        with turn:
            return work(*args, **kwargs)

    return alone


# CPython before 3.11.8 keeps the depth of a parse for all threads in one place and lets go of the interpreter when
# garbage is collected meanwhile, so a second thread's parse fails the first: "AST constructor recursion depth mismatch"
# (python/cpython#106905). pytest parses whatever is imported late, and what it draws of a failure.
ast.parse = _one_at_a_time(ast.parse)
