"""Alert rules: each is correct, fires in its test when it should, and leads to a runbook that knows it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = sorted((ROOT / "observability" / "rules").glob("*.yaml"))
TESTS = sorted((ROOT / "observability" / "tests").glob("*.yaml"))
ALERTS: list[dict[str, Any]] = [
    rule
    for path in RULES
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
]
# A command, or a dashboard.
_LOOK = re.compile(r"kubectl |\*\*Rooftree / |```|dead-letters list")
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is of Debian's prometheus")


@needs_promtool
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_rules_fire_as_their_tests_say(path: Path) -> None:
    done = subprocess.run(["promtool", "test", "rules", path.name], cwd=path.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test() -> None:
    tested = {
        case["alertname"]
        for path in TESTS
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
        if case["exp_alerts"]
    }
    assert {alert["alert"] for alert in ALERTS} == tested


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_leads_to_its_place_in_a_runbook(alert: dict[str, Any]) -> None:
    page, _, anchor = alert["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_runbook_says_what_to_look_at_first(alert: dict[str, Any]) -> None:
    head, *sections = re.split(
        r"^## ", (ROOT / alert["annotations"]["runbook"].partition("#")[0]).read_text(), flags=re.M
    )
    (section,) = [one for one in sections if one.splitlines()[0] == alert["alert"]]
    assert _LOOK.search(section) or re.search(r"\bFirst\b", head)
