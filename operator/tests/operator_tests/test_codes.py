"""Every reason has a code, every code a reason; whoever reads one finds what it means and who acts."""

import ast
import pathlib
import re
from collections.abc import Iterator

import pytest
import rooftree_operator
from rooftree_operator import codes, conditions_page, deletion, holds, shards
from rooftree_operator.codes import CODES, Audience

from .world import World

ROOT = pathlib.Path(__file__).resolve().parents[3]
MAKERS = {"Blocked", "Waiting", "Unavailable", "OperationFailed", "Report", "done", "waiting", "blocked"}
REASON = re.compile(r"([A-Z][a-z]+|S3){1,4}$")
CONDITION_TYPES = {"Ready", "Reconciling", "Stalled", "DatabaseReady", "Complete", "Failed"}
FACTS = {
    "name",
    "namespace",
    "id",
    "plan",
    "version",
    "platform",
    "template_job",
    "migration_job",
    "go_on",
    "operation",
}
# Neither the operator's reasons: what people see.
OTHERS = {"codes.py", "plugin"}


def given() -> Iterator[tuple[str, str]]:
    """Every literal reason that the operator's code gives to a condition, with what makes it."""
    root = pathlib.Path(rooftree_operator.__file__).parent
    for path in root.rglob("*.py"):
        if path.relative_to(root).parts[0] in OTHERS:
            continue
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MAKERS:
                words = [word.value for word in call.args if isinstance(word, ast.Constant)]
                reasons = [word for word in words if isinstance(word, str) and REASON.fullmatch(word)]
                yield from ((call.func.id, reason) for reason in reasons if reason not in CONDITION_TYPES)


def reasons() -> set[str]:
    # The watch makes one of a backend's name for what no adapter foresaw; a pause has that of its level.
    outages = {f"{name.name.capitalize()}Unreachable" for name in World().backends}
    return {reason for _, reason in given()} | outages | {*holds.LEVELS, shards.UNSERVED}


def test_every_reason_has_a_code_and_every_code_a_reason() -> None:
    known = reasons()
    assert {"PlanUnknown", "RolloutStuck", "HostTaken", "PostgresUnreachable", "S3Refused"} <= known
    assert known - CODES.keys() == set(), "give them a row in codes.py"
    assert CODES.keys() - known == set(), "nothing gives these reasons any more"


def test_what_somebody_must_change_is_not_said_to_heal_by_itself_and_an_outage_is() -> None:
    wrong = [
        (maker, reason)
        for maker, reason in given()
        if maker in ("Blocked", "blocked", "OperationFailed", "Waiting", "waiting", "Unavailable")
        and CODES[reason].retries is (maker in ("Blocked", "blocked", "OperationFailed"))
    ]
    assert wrong == []


def test_whoever_must_act_is_told_the_next_command_in_fields_that_are_known() -> None:
    acting = [
        code for code in CODES.values() if code.audience is not Audience.NOBODY and code.reason != "NotConfigured"
    ]
    assert [code.reason for code in acting if not code.hint.startswith("kubectl ")] == []
    fields = {field for code in CODES.values() for field in re.findall(r"{(\w+)}", code.hint)}
    assert fields <= FACTS
    assert [code.reason for code in CODES.values() if not code.means.endswith((".", "chart."))] == []


def test_a_hint_has_what_is_known_and_capitals_for_what_is_not() -> None:
    assert codes.filled("kubectl -n {namespace} get {name}", {"name": "acme"}) == "kubectl -n NAMESPACE get acme"


def test_a_reason_of_a_newer_operator_is_no_crash() -> None:
    code = codes.find("Unheard")
    assert (code.reason, code.audience, code.page) == ("Unheard", Audience.PLATFORM, "docs/conditions.md#unheard")


def test_the_committed_page_is_current() -> None:
    assert (ROOT / "docs" / "conditions.md").read_text() == conditions_page.rendered(), "run `make gen`"


@pytest.mark.parametrize("reason", sorted(CODES))
def test_the_page_of_a_code_has_its_row(reason: str) -> None:
    anchor = CODES[reason].page.partition("#")[2]
    assert conditions_page.rendered().count(f'<a id="{anchor}"></a>`{reason}`') == 1


def test_every_part_that_is_deleted_is_a_part() -> None:
    assert {*deletion.RUNNING, *deletion.DATA} <= World().reconciler.graph.by_name.keys()
