"""Whoever reads a reason in a condition finds it in the runbook."""

import ast
import pathlib
import re

import rooftree_operator

ROOT = pathlib.Path(__file__).resolve().parents[3]
MAKERS = {"Blocked", "Waiting", "Unavailable", "Report", "done", "waiting", "blocked"}
REASON = re.compile(r"([A-Z][a-z]+|S3){1,4}$")
CONDITION_TYPES = {"Ready", "Reconciling", "Stalled", "DatabaseReady"}


def reasons() -> set[str]:
    """Every literal reason that the operator's code gives to a condition."""
    found: set[str] = set()
    for path in pathlib.Path(rooftree_operator.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MAKERS:
                words = [word.value for word in call.args if isinstance(word, ast.Constant)]
                found |= {word for word in words if isinstance(word, str) and REASON.fullmatch(word)}
    return found - CONDITION_TYPES


def test_every_reason_of_a_condition_is_in_the_runbook() -> None:
    known = reasons()
    assert {"PlanUnknown", "RolloutStuck", "HostTaken", "PostgresUnreachable", "S3Refused"} <= known
    runbook = (ROOT / "docs" / "runbooks" / "conditions.md").read_text()
    assert [reason for reason in sorted(known) if f"`{reason}`" not in runbook] == []
